"""`make screenshots`: the dashboards of a system that has just sold the sample, as pictures for
`docs/observability.md`. Needs Prometheus and Chromium, as Debian has them."""

import asyncio
import shutil
import sys
import tempfile
import time
from pathlib import Path

from channel_demo.run_demo import DemoOptions, run_and_report
from deploy.observability.dashboards import DASHBOARDS
from deploy.observability.observe import watching
from deploy.observability.prometheus import PrometheusFailed
from stack.failures import StackFailure
from stack.ports import free_port
from stack.run import running_stack
from stack.settings import StackSettings

PICTURES = Path(__file__).parents[2] / "docs" / "observability"
SIZE = "900,1300"


async def take_all(browser: str) -> None:
    """A picture of each dashboard. Raises `PrometheusFailed`, `StackFailure`."""
    with tempfile.TemporaryDirectory() as folder:
        settings = StackSettings(state_dir=Path(folder), containers=False)
        async with (
            running_stack(settings) as stack,
            watching(stack.addresses, Path(folder, "observe"), free_port()) as server,
        ):
            for _ in range(2):  # a rate is seen once its series is there
                await run_and_report(stack.addresses, DemoOptions(), time.monotonic())
            for dashboard in DASHBOARDS:
                page = f"{server.url}/consoles/{dashboard.name}.html"
                await _take(browser, page, PICTURES / f"{dashboard.name}.png")


async def _take(browser: str, url: str, picture: Path) -> None:
    with tempfile.TemporaryDirectory() as profile:
        process = await asyncio.create_subprocess_exec(
            browser,
            "--headless",
            "--no-sandbox",  # root has none, and the pages are ours
            "--hide-scrollbars",
            f"--user-data-dir={profile}",
            f"--window-size={SIZE}",
            f"--screenshot={picture}",
            url,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        if await process.wait() != 0:
            raise PrometheusFailed(f"the browser took no picture of {url}")


def main() -> int:
    """Returns the exit code."""
    browser = shutil.which("chromium")
    if browser is None:
        sys.stderr.write("Chromium is not installed. Type: sudo apt-get install chromium\n")
        return 1
    PICTURES.mkdir(exist_ok=True)
    try:
        asyncio.run(take_all(browser))
    except (PrometheusFailed, StackFailure) as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
