from collections.abc import AsyncIterator

import pytest

from stack.testing import StartSystem

from ..failing_marketplace import failing_marketplace
from ..merchant_path import Case


@pytest.fixture(scope="package")
async def models(start_system: StartSystem) -> AsyncIterator[list[Case]]:
    """Three shops at a marketplace that may fail, each the model of its cases."""
    async with failing_marketplace(start_system) as models:
        yield models


@pytest.fixture(scope="package")
def model(models: list[Case]) -> Case:
    """The first of them."""
    return models[0]
