from collections.abc import AsyncIterator

import pytest

from stack.run import Stack
from stack.testing import StartSystem


@pytest.fixture(scope="package")
async def system(start_system: StartSystem) -> AsyncIterator[Stack]:
    """The system of these stories, with its console."""
    async with start_system(console=True) as stack:
        yield stack
