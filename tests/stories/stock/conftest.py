from collections.abc import AsyncIterator

import pytest

from stack.run import Stack
from stack.testing import StartSystem


@pytest.fixture(scope="package")
async def system(start_system: StartSystem) -> AsyncIterator[Stack]:
    """A system of this story's own: it moves the clock by more than a day."""
    async with start_system() as stack:
        yield stack
