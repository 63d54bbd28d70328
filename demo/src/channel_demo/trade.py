"""Last part of the path: buyers order what is in stock, orders come in, one is shipped."""

from collections.abc import Iterator, Mapping
from random import Random

from channel_cli.following import follow_order_import
from channel_cli.order_answers import Order
from channel_cli.output import say
from channel_cli.progress import poll
from channel_demo.sandbox import ONLINE
from channel_demo.session import Session
from channel_demo.survey import audited_shop

ORDERS_TO_SHIP = 6
ORDERS_HELD = 2
MOST_LINES, MOST_PIECES = 3, 2
"""Of one order: different SKUs, and pieces of each."""
WAITS_FOR_SELLER = "WAIT_SELLER_SEND_GOODS"
RISK_CONTROL = "RISK_CONTROL"
CARRIER = "AliExpress Standard Shipping"
SHIPMENT_SETTLED = frozenset({"confirmed", "refused"})


async def place_orders(session: Session) -> None:
    """Buyers order what is online and in stock; the last orders are still in risk control."""
    stock = {
        sku.sku_code: sku.inventory
        for product in await audited_shop(session)
        if product.status == ONLINE
        for sku in product.skus
    }
    first = 1 + len(await session.sandbox.orders())
    statuses = [WAITS_FOR_SELLER] * ORDERS_TO_SHIP + [RISK_CONTROL] * ORDERS_HELD
    baskets = fill_baskets(stock, Random(first))  # noqa: S311 - the same each time on purpose
    for seed, (status, basket) in enumerate(zip(statuses, baskets, strict=False), start=first):
        await session.sandbox.place_order([*basket.items()], seed=seed, status=status)


def fill_baskets(stock: Mapping[str, int], draw: Random) -> Iterator[dict[str, int]]:
    """What one buyer after the other orders, as pieces by SKU code, until all is sold. Pure."""
    left = {code: pieces for code, pieces in sorted(stock.items()) if pieces > 0}
    while left:
        lines = min(draw.randint(1, MOST_LINES), len(left))
        basket = {
            code: min(draw.randint(1, MOST_PIECES), left[code])
            for code in draw.sample([*left], lines)
        }
        yield basket
        left = {code: rest for code in left if (rest := left[code] - basket.get(code, 0)) > 0}


async def import_orders(session: Session) -> list[Order]:
    """Fetch the shop's orders now; returns all the channel has then."""
    asked = await session.channel.import_orders(session.merchant, session.shop)
    await follow_order_import(session.channel, session.merchant, session.shop, asked.import_id)
    return await imported_orders(session)


async def imported_orders(session: Session) -> list[Order]:
    """The shop's orders as the channel has them."""
    found = session.channel.orders(session.merchant, {"shop": session.shop})
    return [order async for order in found]


async def ship_one(session: Session, orders: list[Order]) -> None:
    """Ship the first order that waits for it, if any, and see AliExpress confirm it (M8.4)."""
    order = next((order for order in orders if order.status == "waiting_shipment"), None)
    if order is None:
        say("no order waits to be shipped")
        return
    order_id = order.order_id
    parcel = {"carrier": CARRIER, "tracking_number": f"LP{order_id}"}
    sent = await session.channel.ship(
        session.merchant, session.shop, order_id, parcel, key=f"demo-{order_id}"
    )
    async for shipment in poll(
        lambda: session.channel.shipment(
            session.merchant, session.shop, order_id, sent.shipment_id
        ),
        within=60,
        what=f"the shipment of {order_id}",
    ):
        if shipment.state in SHIPMENT_SETTLED:
            break
    say(f"order {order_id} shipped by {shipment.carrier}: {shipment.state}")
