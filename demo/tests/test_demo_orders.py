"""The demonstration's buyers at a real sandbox: they order what there is, run after run."""

from collections import Counter
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from channel_demo.sandbox import SandboxControl, open_sandbox
from channel_demo.session import Session
from channel_demo.trade import ORDERS_HELD, ORDERS_TO_SHIP, RISK_CONTROL, place_orders
from channel_producer import KafkaAccess
from stack.sandbox import Sandbox

SELLER = "2200100001"
RUNS = 20


@pytest.fixture
async def control(sandbox: Sandbox) -> AsyncIterator[SandboxControl]:
    async with open_sandbox(sandbox.url, SELLER) as opened:
        yield opened


def session_at(control: SandboxControl) -> Session:
    """A session of which only the sandbox is used: ordering needs nothing of the channel."""
    return Session(cast("Any", None), control, KafkaAccess(""), "", "main", "c", "f")


async def pieces(control: SandboxControl) -> int:
    return sum(sku.inventory for product in await control.products() for sku in product.skus)


@pytest.mark.parametrize("products", [0, 1, 3, 12])
async def test_twenty_runs_in_a_row_order_no_more_than_there_is(
    control: SandboxControl, products: int
) -> None:
    if products:
        wanted = {"seller_id": SELLER, "sku_codes": [f"sku-{n}" for n in range(products)]}
        (await control.http.post("/control/products", json=wanted)).raise_for_status()
    held = Counter[bool]()
    for _ in range(RUNS):
        before, ordered = await pieces(control), len(await control.orders())
        await place_orders(session_at(control))
        new = (await control.orders())[ordered:]
        assert len(new) <= ORDERS_TO_SHIP + ORDERS_HELD
        assert bool(new) is (before > 0)
        assert 0 <= await pieces(control) <= before
        held.update(order.status == RISK_CONTROL for order in new)
    assert sum(held.values()) == len(await control.orders())
