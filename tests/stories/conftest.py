from collections.abc import AsyncIterator

import pytest
from hardship import Case, hard_shops
from mortal import Mortal, mortal_system
from storyteller import Sold, bring_online, look_at, sample_of, sample_stage

from stack.run import Stack
from stack.throwaway import StoreAddresses


@pytest.fixture(scope="session")
async def sold(system: Stack) -> AsyncIterator[Sold]:
    """The sample catalogue, published shuffled, online at the marketplace."""
    async with sample_stage(system) as stage:
        await bring_online(stage, sample_of(system))
        yield await look_at(stage)


@pytest.fixture(scope="session")
async def models(
    stack_addresses: StoreAddresses, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[list[Case]]:
    """Two shops at a marketplace that the stories may hurt."""
    async with hard_shops(stack_addresses, tmp_path_factory.mktemp("hard")) as models:
        yield models


@pytest.fixture(scope="session")
def model(models: list[Case]) -> Case:
    """The first of them."""
    return models[0]


@pytest.fixture(scope="session")
async def mortal(
    stack_addresses: StoreAddresses, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Mortal]:
    """A system whose services may be killed; its tests are of the group `killed`."""
    async with mortal_system(stack_addresses, tmp_path_factory.mktemp("mortal")) as mortal:
        yield mortal
