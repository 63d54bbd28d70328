"""`make observe`: alerts and dashboards of the stack that runs here, without containers."""

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from deploy.observability.generate import HERE
from deploy.observability.prometheus import (
    Prometheus,
    PrometheusFailed,
    configuration,
    find_program,
    running_prometheus,
)
from stack.addresses import Addresses
from stack.failures import StackFailure
from stack.run import run_until_stopped
from stack.settings import StackSettings
from stack.system import SERVICES

PORT = 9090
INSTALL = ("apt-get", "install", "-y", "--no-install-recommends", "prometheus")


@contextlib.asynccontextmanager
async def watching(addresses: Addresses, folder: Path, port: int) -> AsyncIterator[Prometheus]:
    """Prometheus on this port, its data in the folder, against the services at these addresses.

    Raises `PrometheusFailed`.
    """
    services = {service.name: addresses.urls[service.name] for service in SERVICES}
    config = configuration(services, HERE / "rules" / "channel.yml")
    async with running_prometheus(folder, config, port=port) as server:
        yield server


async def observe(port: int) -> int:
    """Run Prometheus against the running stack until interrupted; returns the exit code."""
    state = StackSettings().state_dir
    try:
        async with watching(Addresses.read(state), state / "observe", port) as server:
            sys.stdout.write(
                f"dashboards: {server.url}/consoles/overview.html\n"
                f"alerts:     {server.url}/alerts\nCtrl-C stops it; the stack goes on.\n"
            )
            sys.stdout.flush()
            await asyncio.Event().wait()
    except PrometheusFailed as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    return 0


def install() -> bool:
    """Install Prometheus where that is ours to do; else say how. Whether it is there."""
    if find_program() is not None:
        return True
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        sys.stderr.write(f"Prometheus is not installed. Type: sudo {' '.join(INSTALL)}\n")
        return False
    subprocess.run(INSTALL, check=False)
    if shutil.which("systemctl"):  # the package starts a service of its own on our port
        with contextlib.suppress(OSError):
            subprocess.run(["systemctl", "disable", "--now", "prometheus"], check=False)  # noqa: S607 - Debian's own, by the path
    return find_program() is not None


def main() -> int:
    """Returns the exit code."""
    if not install():
        return 1
    return run_until_stopped(observe(int(os.environ.get("OBSERVE_PORT", PORT))))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except StackFailure as failure:
        sys.exit(str(failure))
