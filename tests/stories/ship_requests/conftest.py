from collections.abc import AsyncIterator

import pytest

from stack.testing import StartSystem

from ..crashes.crashable import CrashableSystem, crashable_system


@pytest.fixture(scope="package")
async def crashable(
    start_system: StartSystem, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[CrashableSystem]:
    """The system whose order-importer is killed while it ships."""
    async with crashable_system(start_system, tmp_path_factory.mktemp("marks")) as crashable:
        yield crashable
