from collections.abc import AsyncIterator

import pytest

from stack.run import Stack
from stack.testing import StartSystem


@pytest.fixture(scope="package")
async def system(start_system: StartSystem) -> AsyncIterator[Stack]:
    """The system, on a Kafka with TLS and users, where catalogue events must be signed."""
    async with start_system(kafka_secure=True) as stack:
        yield stack
