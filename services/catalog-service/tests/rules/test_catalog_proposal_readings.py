"""Catalogues read for proposals: one of each merchant, a few in all."""

import asyncio

import pytest

from catalog_service.proposals.readings import AT_ONCE, Readings
from common.errors import Refusal
from stack.testing.conditions import eventually


async def test_a_merchant_has_one_and_it_is_given_back() -> None:
    readings = Readings()
    async with readings.take("m"):
        with pytest.raises(Refusal) as refused:
            async with readings.take("m"):
                pytest.fail("a second one was let in")
        assert (refused.value.status, refused.value.slug) == (429, "proposal-running")
    with pytest.raises(ValueError, match="broken"):
        async with readings.take("m"):
            raise ValueError("broken")
    async with readings.take("m"):
        pass


async def test_others_wait_for_a_turn() -> None:
    readings = Readings()
    inside: list[str] = []
    end = asyncio.Event()

    async def read(merchant: str) -> None:
        async with readings.take(merchant):
            inside.append(merchant)
            await end.wait()

    running = [asyncio.create_task(read(f"m{number}")) for number in range(AT_ONCE + 2)]
    await eventually(lambda: len(inside) == AT_ONCE)
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(inside) == AT_ONCE
    end.set()
    await asyncio.gather(*running)
    assert len(inside) == AT_ONCE + 2
