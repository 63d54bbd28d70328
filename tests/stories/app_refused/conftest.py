from collections.abc import AsyncIterator

import pytest

from stack.testing import StartSystem

from ..failing_marketplace import failing_marketplace
from ..merchant_path import Case


@pytest.fixture(scope="package")
async def models(start_system: StartSystem) -> AsyncIterator[list[Case]]:
    """Shops whose categories nobody has asked for yet."""
    async with failing_marketplace(start_system) as models:
        yield models
