"""The services of an earlier commit on this one's tables and topics, beside this one's and alone.

In the long form alone (`make side-by-side`): it needs the repository's history. `OLD` names the
earlier commit; by default it is the one before the newest migration.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from channel_demo.run_demo import DemoOptions, run_and_report
from stack.addresses import Addresses
from stack.ports import LOOPBACK, free_port
from stack.processes import Process
from stack.run import Stack, running_stack
from stack.sandbox import answers
from stack.settings import StackSettings
from stack.system import AUTH, SERVICES, Ports, Service

REPOSITORY = Path(__file__).parents[2]
SOURCES = ("libs/*/src", "services/*/src")


@pytest.fixture
def earlier(pytestconfig: pytest.Config, tmp_path: Path) -> Path:
    """The earlier commit's files."""
    if pytestconfig.getoption("--length") != "long":
        pytest.skip("the long form alone: make side-by-side")
    commit = os.environ.get("OLD") or f"{_newest_migration()}^"
    archive = tmp_path / "earlier.tar"
    _git("archive", "--output", str(archive), commit)
    folder = tmp_path / "earlier"
    shutil.unpack_archive(archive, folder, filter="data")
    return folder


def _newest_migration() -> str:
    added = ("--diff-filter=A", "--", "services/*/src/*/migrations/versions/*")
    return _git("log", "-1", "--format=%H", *added)


def _git(*words: str) -> str:
    run = subprocess.run(
        ["git", *words],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout.strip()


async def test_both_releases_sell_the_sample_on_the_newer_ones_tables(
    earlier: Path, tmp_path: Path
) -> None:
    settings = StackSettings(state_dir=tmp_path / "stack", containers=False)
    async with running_stack(settings, ports=Ports.free()) as stack:
        ports = {service.name: free_port() for service in SERVICES}
        older = [_older(stack, service, earlier, ports) for service in SERVICES]
        newer = [stack.process(service.name) for service in SERVICES]
        try:
            await asyncio.gather(*(process.start() for process in older))
            await _sells(stack.addresses)  # beside one another, sharing partitions, jobs and tables

            await asyncio.gather(*(process.stop() for process in newer))
            await _sells(_at(stack.addresses, ports))  # rolled back: the tables stay

            await asyncio.gather(*(process.start() for process in newer))
            await asyncio.gather(*(process.stop() for process in older))
            await _sells(stack.addresses)
        finally:
            await asyncio.gather(*(process.stop() for process in older))


def _older(stack: Stack, service: Service, earlier: Path, ports: Mapping[str, int]) -> Process:
    """The service as it was, on a port of its own."""
    newer = stack.process(service.name).command
    sources = [str(path) for pattern in SOURCES for path in earlier.glob(pattern)]
    auth = f"http://{LOOPBACK}:{ports[AUTH.name]}"
    changed = {
        "PYTHONPATH": os.pathsep.join(sources),
        f"{service.prefix}_PORT": str(ports[service.name]),
        f"{service.prefix}_INSTANCE_ID": f"{service.name}-older",
        f"{service.prefix}_AUTH_URL": auth,
        f"{service.prefix}_PUBLIC_URL": auth,
    }
    environment = dict(newer.environment) | changed
    assert _origin_of(service.module, environment).is_relative_to(earlier)
    log = newer.log.with_name(f"{service.name}-older.log")
    command = replace(newer, name=f"{service.name}-older", environment=environment, log=log)

    async def is_ready(_pid: int) -> bool:
        return await answers(f"http://{LOOPBACK}:{ports[service.name]}/health/ready")

    return Process(command, is_ready=is_ready)


def _origin_of(module: str, environment: Mapping[str, str]) -> Path:
    """Where a process of this environment takes the module from."""
    run = subprocess.run(
        [sys.executable, "-c", f"import {module}; print({module}.__file__)"],
        env=dict(environment),
        capture_output=True,
        text=True,
        check=True,
    )
    return Path(run.stdout.strip())


def _at(addresses: Addresses, ports: Mapping[str, int]) -> Addresses:
    urls = {name: f"http://{LOOPBACK}:{port}" for name, port in ports.items()}
    return replace(addresses, urls={**addresses.urls, **urls})


async def _sells(addresses: Addresses) -> None:
    """Everything of the demo is well."""
    assert await run_and_report(addresses, DemoOptions(), time.monotonic()) == []
