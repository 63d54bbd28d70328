from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from deploy.observability.alerts import Scale
from deploy.observability.generate import rules
from deploy.observability.prometheus import configuration, find_program, running_prometheus
from pydantic import SecretStr

from channel_demo import bring_in
from stack.forkserver import ForkServer
from stack.ports import free_port
from stack.run import running_stack
from stack.settings import StackSettings
from stack.system import SANDBOX, SERVICES, Ports
from stack.testing import Programs
from stack.throwaway import StoreAddresses

from ..command_line import ChannelCommand
from ..sample import sample_session
from .watched import Watched

SCALE = Scale(1 / 60)
"""A minute of waiting becomes a second; what a metric says is compared as in production."""
ENVIRONMENT = {SANDBOX: {"SANDBOX_FEED_SECONDS": "0.3", "SANDBOX_AUDIT_SECONDS": "0.3"}}


@asynccontextmanager
async def watching(
    postgres: str, fork_server: ForkServer, folder: Path, *, kafka_secure: bool = False
) -> AsyncIterator[Watched]:
    """A system with a Kafka of its own and a connected shop, and a Prometheus that watches it."""
    settings = StackSettings(
        state_dir=folder / "stack",
        database_url=SecretStr(postgres),
        containers=False,
        kafka_secure=kafka_secure,
        installation="guarded" if kafka_secure else "alerts",
    )
    (folder / "rules.yml").write_text(rules(SCALE))
    async with running_stack(
        settings, ports=Ports.free(), environment=ENVIRONMENT, spawn=fork_server.spawn
    ) as system:
        targets = {service.name: system.url(service.name) for service in SERVICES}
        config = configuration(targets, folder / "rules.yml", scraped_every="1s")
        async with (
            running_prometheus(folder / "prometheus", config, port=free_port()) as prometheus,
            sample_session(system) as session,
        ):
            await bring_in.connect_shop(session)
            command = ChannelCommand(Programs(fork_server), system)
            yield Watched(system, prometheus, session, command)


@pytest.fixture(scope="package")
def prometheus_is_here() -> None:
    if find_program() is None:
        pytest.skip("Prometheus is not installed: apt-get install prometheus")


@pytest.fixture(scope="package")
async def watched(
    prometheus_is_here: None,
    stack_addresses: StoreAddresses,
    fork_server: ForkServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Watched]:
    """On a Kafka that takes everybody."""
    folder = tmp_path_factory.mktemp("watched")
    async with watching(stack_addresses.admin_url, fork_server, folder) as watched:
        yield watched


@pytest.fixture
async def guarded(
    prometheus_is_here: None,
    stack_addresses: StoreAddresses,
    fork_server: ForkServer,
    tmp_path: Path,
) -> AsyncIterator[Watched]:
    """On a Kafka with users."""
    async with watching(
        stack_addresses.admin_url, fork_server, tmp_path, kafka_secure=True
    ) as watched:
        yield watched
