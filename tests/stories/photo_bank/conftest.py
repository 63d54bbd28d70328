from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from channel_demo.session import Session
from channel_demo.sources import Sources
from stack.run import Stack
from stack.system import SANDBOX
from stack.testing import StartSystem

from ..sample import bring_online, part_of, sample_of, sample_session


@pytest.fixture(scope="package")
async def system(start_system: StartSystem) -> AsyncIterator[Stack]:
    """A system whose marketplace refuses products with pictures of other servers."""
    async with start_system({SANDBOX: {"SANDBOX_FOREIGN_IMAGES": "false"}}) as stack:
        yield stack


@pytest.fixture(scope="package")
def sources(system: Stack) -> Sources:
    """A part of the sample, whose feed goes through the photo bank."""
    sources = part_of(sample_of(system), "BLS-03", "TSH-01", "KET-07")
    return replace(sources, configuration={**sources.configuration, "photo_bank": True})


@pytest.fixture(scope="package")
async def session(system: Stack, sources: Sources) -> AsyncIterator[Session]:
    """These products, brought online."""
    async with sample_session(system) as session:
        await bring_online(session, sources)
        yield session
