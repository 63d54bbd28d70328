"""A broker that a module of tests has for itself, to stop it or to take it away."""

from collections.abc import AsyncIterator

import pytest

from stack.kafka import EmbeddedKafka
from stack.ports import free_port


@pytest.fixture(scope="module")
async def broker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedKafka]:
    """It runs for the tests of the module."""
    folder = tmp_path_factory.mktemp("broker")
    kafka = EmbeddedKafka(folder / "kafka", folder / "kafka.log", port=free_port())
    await kafka.start()
    try:
        yield kafka
    finally:
        await kafka.stop()
