from collections.abc import AsyncIterator

import pytest

from stack.run import Stack
from stack.testing import StartSystem


@pytest.fixture(scope="package")
async def system(start_system: StartSystem) -> AsyncIterator[Stack]:
    """A system of this story's own: it moves the clock by more than a day. The fast lane of a feed
    that asks for it goes every second."""
    async with start_system({"feed-publisher": {"PUBLISHER_FAST_LANE_SECONDS": "1"}}) as stack:
        yield stack
