from collections.abc import AsyncIterator

import pytest

from stack.run import Stack
from stack.system import SANDBOX
from stack.testing import Programs, StartSystem

from ..command_line import ChannelCommand
from ..sample import Sold, bring_online, sample_of, sample_session, survey_sale


@pytest.fixture(scope="package")
async def system(start_system: StartSystem) -> AsyncIterator[Stack]:
    """The system of these stories."""
    whole_tree = {SANDBOX: {"SANDBOX_CATEGORY_ROOTS": ""}}
    async with start_system(whole_tree) as stack:
        yield stack


@pytest.fixture(scope="package")
async def sold(system: Stack) -> AsyncIterator[Sold]:
    """The sample catalogue, published shuffled, online at the marketplace."""
    async with sample_session(system) as session:
        await bring_online(session, sample_of(system))
        yield await survey_sale(session)


@pytest.fixture(scope="package")
def channel(programs: Programs, system: Stack) -> ChannelCommand:
    """The command line on the system of these stories."""
    return ChannelCommand(programs, system)
