"""Three days without a token, while the catalogue changes and shops ask to ship: after the renewal
the newest values go out alone, and the parcels in the order of their deadlines (M1.3); at length by
`make lapsed`.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from channel_cli.answers import SourceProduct
from channel_cli.order_answers import Order
from channel_cli.progress import poll
from channel_demo import bring_in, sell, trade
from channel_demo.session import Session
from common.contracts.catalog import CatalogUpdated
from stack.testing import Marketplace, eventually

from ..passing_time import let_time_pass
from ..sample import writes_in
from .test_token import (
    LIFETIME,
    calls_once_quiet,
    connection,
    has_all_categories,
    is_known_to_be_over,
)

LENGTHS = {"short": (60, 6), "long": (20_000, 300)}
"""Changes, and orders to ship."""
BATCHES = 3
MADE_BY_HAND = "MADE-BY-HAND"
DAYS = 3
WITHIN = 120.0
SHIPPED_WITHIN = 900.0


@pytest.mark.timeout(0)
async def test_after_three_days_the_newest_values_and_the_nearest_deadlines_go_out(
    session: Session,
    pytestconfig: pytest.Config,
    record_property: Callable[[str, object], None],
) -> None:
    changes, parcels = LENGTHS[pytestconfig.getoption("--length")]
    await eventually(lambda: has_all_categories(session), within=60)
    await bring_in.connect_shop(session)  # its 30 days begin now
    await let_time_pass(session, (LIFETIME - timedelta(hours=3)).total_seconds())
    orders = await _orders_of_several_hours(session, parcels)

    await let_time_pass(session, timedelta(hours=4).total_seconds())
    await eventually(lambda: is_known_to_be_over(session), within=30)
    calls_before = await calls_once_quiet(session)
    effects_before = await session.sandbox.last_sequence()
    sold = await _sold_alone(session)
    for day in range(DAYS):
        events = [*_changes(session, sold, changes, day)]
        await bring_in.publish(session, events)
        await let_time_pass(session, timedelta(days=1).total_seconds())
    await sell.settle(session)
    shipments = await _ask_to_ship(session, orders)
    assert dict(await session.sandbox.calls()) == calls_before
    effects = await session.sandbox.ledger(since=effects_before)
    assert writes_in(effects) == []
    assert "order.ship" not in {effect.operation for effect in effects}

    await bring_in.connect_shop(session)
    assert await connection(session) == "connected"
    await _settled(session, shipments)
    await eventually(lambda: _are_newest(session, sold), within=WITHIN)
    await sell.send_offers(session)  # finds nothing more to send

    effects = [one for one in await session.sandbox.ledger(since=effects_before) if one.is_accepted]
    prices = Counter(one.sku_code for one in effects if one.operation == "price.update")
    assert {sku: times for sku, times in prices.items() if times > 1} == {}
    assert set(prices) >= {product.product_id for product in sold}
    sent = [one.order_id or "" for one in effects if one.operation == "order.ship"]
    assert sorted(sent) == sorted(order.order_id for order in orders)
    due = {order.order_id: _deadline(order) for order in orders}
    assert [due[order_id] for order_id in sent] == sorted(due.values())
    assert len(set(due.values())) > 1, "they were in order by chance"
    record_property(
        "summary", json.dumps({"changes": changes, "SKUs": len(sold), "parcels": len(sent)})
    )


async def _orders_of_several_hours(session: Session, number: int) -> list[Order]:
    """Imported orders that wait to be shipped, with several deadlines, of a product made by hand:
    it may be shipped within a week."""
    sandbox = session.sandbox
    marketplace = Marketplace(sandbox.http, sandbox.seller_id)
    await marketplace.control(
        "products",
        seller_id=sandbox.seller_id,
        sku_codes=[MADE_BY_HAND],
        preparation_days=2 * DAYS,
    )
    placed: set[str] = set()
    for batch in range(BATCHES):
        orders = await marketplace.control(
            "orders",
            seller_id=sandbox.seller_id,
            seed=700 + batch,
            count=number // BATCHES,
            lines=[{"sku_code": MADE_BY_HAND, "quantity": 1}],
            status=trade.WAITS_FOR_SELLER,
        )
        placed |= {order["order_id"] for order in orders}
        await let_time_pass(session, timedelta(minutes=30).total_seconds())
    imported = await trade.import_orders(session)
    return [order for order in imported if order.order_id in placed]


async def _sold_alone(session: Session) -> list[SourceProduct]:
    """The source products that are online under their own id, each with a price of its own."""
    online = {sku.sku_code for item in await session.sandbox.products() for sku in item.skus}
    products = session.channel.source_products(session.merchant, session.catalogue)
    return [
        product
        async for product in products
        if product.product_id in online and product.fields.get("sku") == product.product_id
    ]


def _changes(
    session: Session, sold: Sequence[SourceProduct], number: int, day: int
) -> Iterator[CatalogUpdated]:
    """A day's share of so many changes: every price rises again and again, by a cent a time."""
    daily = number // DAYS
    rounds = -(-daily // len(sold))
    for step in range(day * rounds + 1, (day + 1) * rounds + 1):
        for product in sold:
            event = sell.with_fields(session, product, price=_price(product, step))
            yield msgspec.structs.replace(event, version=product.version + step)


def _price(product: SourceProduct, step: int) -> str:
    return str(Decimal(str(product.fields["price"])) + Decimal("0.01") * step)


def _deadline(order: Order) -> datetime:
    assert order.due_at is not None
    return order.due_at


async def _are_newest(session: Session, sold: Sequence[SourceProduct]) -> bool:
    """Whether the shop shows what the catalogue says last."""
    shown = {
        sku.sku_code: sku.price for item in await session.sandbox.products() for sku in item.skus
    }
    products = session.channel.source_products(session.merchant, session.catalogue)
    wanted = {product.product_id: product.fields.get("price") async for product in products}
    return all(
        Decimal(shown[product.product_id]) == Decimal(str(wanted[product.product_id]))
        for product in sold
    )


async def _ask_to_ship(session: Session, orders: Sequence[Order]) -> list[tuple[str, str]]:
    """Ask for a parcel of each order, the latest deadline first; the orders and shipments."""
    shipments = []
    for order in sorted(orders, key=_deadline, reverse=True):
        parcel = {"carrier": trade.CARRIER, "tracking_number": f"LP{order.order_id}"}
        address = (session.merchant, session.shop, order.order_id)
        sent = await session.channel.ship(*address, parcel, key=f"late-{order.order_id}")
        assert sent.state == "pending"
        shipments.append((order.order_id, sent.shipment_id))
    return shipments


async def _settled(session: Session, shipments: Sequence[tuple[str, str]]) -> None:
    async def wait(order_id: str, shipment_id: str) -> None:
        address = (session.merchant, session.shop, order_id, shipment_id)
        async for shipment in poll(
            lambda: session.channel.shipment(*address), within=SHIPPED_WITHIN, what="shipping"
        ):
            if shipment.state in trade.SHIPMENT_SETTLED:
                assert shipment.state == "confirmed", shipment
                break

    for number in range(0, len(shipments), 10):
        await asyncio.gather(*(wait(*one) for one in shipments[number : number + 10]))
