from collections.abc import AsyncIterator

import pytest
from storyteller import Sold, bring_online, look_at, sample_of, sample_stage

from stack.run import Stack


@pytest.fixture(scope="session")
async def sold(system: Stack) -> AsyncIterator[Sold]:
    """The sample catalogue, published shuffled, online at the marketplace."""
    async with sample_stage(system) as stage:
        await bring_online(stage, sample_of(system))
        yield await look_at(stage)
