"""A Prometheus of one's own: found on this machine, configured, and run for as long as needed."""

import asyncio
import json
import shutil
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import urlopen

import yaml

from deploy.observability.generate import HERE

STARTED_WITHIN = 30.0
CONFIG = "prometheus.yml"


class PrometheusFailed(Exception):
    """It does not start, or does not answer; the message says why."""


def find_program(name: str = "prometheus") -> str | None:
    """Where the program is; None where it is not installed."""
    return shutil.which(name)


def configuration(targets: Mapping[str, str], rules: Path, *, scraped_every: str = "5s") -> str:
    """What Prometheus reads: `targets` are the services' base addresses by name."""
    document = {
        "global": {"scrape_interval": scraped_every, "evaluation_interval": scraped_every},
        "rule_files": [str(rules)],
        "scrape_configs": [
            {"job_name": name, "static_configs": [{"targets": [urlsplit(address).netloc]}]}
            for name, address in targets.items()
        ],
    }
    text: str = yaml.safe_dump(document, sort_keys=False)
    return text


@dataclass(frozen=True)
class Prometheus:
    """A running one."""

    url: str

    async def query(self, expression: str) -> list[dict[str, Any]]:
        """The expression's result now: series with `metric` and `value`."""
        data = await self._get("query", query=expression)
        found: list[dict[str, Any]] = data["result"]
        return found

    async def firing(self) -> set[str]:
        """The names of the alerts that fire."""
        alerts = (await self._get("alerts"))["alerts"]
        return {a["labels"]["alertname"] for a in alerts if a["state"] == "firing"}

    async def answers(self) -> bool:
        """Whether it is ready."""
        try:
            await asyncio.to_thread(_fetch, f"{self.url}/-/ready")
        except (URLError, OSError):
            return False
        return True

    async def page(self, path: str) -> str:
        """A page that it serves."""
        return (await asyncio.to_thread(_fetch, f"{self.url}{path}")).decode()

    async def _get(self, what: str, **parameters: str) -> dict[str, Any]:
        address = f"{self.url}/api/v1/{what}?{urlencode(parameters)}"
        answer = json.loads(await asyncio.to_thread(_fetch, address))
        data: dict[str, Any] = answer["data"]
        return data


def _fetch(url: str) -> bytes:
    with urlopen(url, timeout=10) as answer:  # noqa: S310 - an address of our own
        content: bytes = answer.read()
    return content


@asynccontextmanager
async def running_prometheus(folder: Path, config: str, *, port: int) -> AsyncIterator[Prometheus]:
    """Run it on this port of the loopback with its data in the folder, until the block ends.

    Raises `PrometheusFailed`.
    """
    program = find_program()
    if program is None:
        raise PrometheusFailed("prometheus is not installed: apt-get install prometheus")
    log = _new_log(folder, config)
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            program,
            f"--config.file={folder / CONFIG}",
            f"--storage.tsdb.path={folder / 'data'}",
            "--storage.tsdb.retention.time=2d",
            f"--web.listen-address=127.0.0.1:{port}",
            f"--web.console.templates={HERE / 'consoles'}",
            f"--web.console.libraries={HERE / 'consoles'}",
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        server = Prometheus(f"http://127.0.0.1:{port}")
        until = time.monotonic() + STARTED_WITHIN
        while not await server.answers():
            if process.returncode is not None or time.monotonic() > until:
                raise PrometheusFailed(f"prometheus does not start: {_last_lines(log)}")
            await asyncio.sleep(0.1)
        yield server
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


def _new_log(folder: Path, config: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG).write_text(config, encoding="utf-8")
    return folder / "prometheus.log"


def _last_lines(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8").splitlines()[-5:])
