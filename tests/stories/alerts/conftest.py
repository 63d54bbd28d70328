from collections.abc import AsyncIterator
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
from stack.system import SANDBOX, Ports
from stack.testing import Programs
from stack.throwaway import StoreAddresses

from ..command_line import ChannelCommand
from ..sample import sample_session
from .faults import Watched

SCALE = Scale(1 / 60)
"""A minute of waiting becomes a second; what a metric says is compared as in production."""


@pytest.fixture(scope="package")
async def watched(
    stack_addresses: StoreAddresses,
    fork_server: ForkServer,
    programs: Programs,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Watched]:
    """A system with a Kafka of its own and a connected shop, and a Prometheus that watches it."""
    if find_program() is None:
        pytest.skip("Prometheus is not installed: apt-get install prometheus")
    folder: Path = tmp_path_factory.mktemp("watched")
    settings = StackSettings(
        state_dir=folder / "stack",
        database_url=SecretStr(stack_addresses.admin_url),
        containers=False,
        installation="alerts",
    )
    (folder / "rules.yml").write_text(rules(SCALE))
    async with running_stack(settings, ports=Ports.free(), spawn=fork_server.spawn) as system:
        targets = {name: url for name, url in system.addresses.urls.items() if name != SANDBOX}
        config = configuration(targets, folder / "rules.yml", scraped_every="1s")
        async with (
            running_prometheus(folder / "prometheus", config, port=free_port()) as prometheus,
            sample_session(system) as session,
        ):
            await bring_in.connect_shop(session)
            yield Watched(system, prometheus, session, ChannelCommand(programs, system))
