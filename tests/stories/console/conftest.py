from collections.abc import AsyncIterator

import pytest

from channel_demo.session import Session
from channel_demo.sources import Sources
from stack.run import Stack
from stack.testing import StartSystem

from ..sample import part_of, prepare, sample_of, sample_session

FAMILIES = ("TSH-01", "NOT-07", "ODD-11")


@pytest.fixture(scope="package")
async def system(start_system: StartSystem) -> AsyncIterator[Stack]:
    """The system of these stories, with its console."""
    async with start_system(console=True) as stack:
        yield stack


@pytest.fixture
async def selling(system: Stack) -> AsyncIterator[tuple[Session, Sources]]:
    """The sample's merchant, its catalogue in and evaluated, nothing sent."""
    async with sample_session(system) as session:
        sources = part_of(sample_of(system), *FAMILIES)
        await prepare(session, sources)
        yield session, sources
