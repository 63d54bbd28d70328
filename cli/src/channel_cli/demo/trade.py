"""Last part of the path: orders come in, one is shipped."""

from channel_cli.answers import Order
from channel_cli.demo.stage import Stage
from channel_cli.following import follow_order_import
from channel_cli.output import say
from channel_cli.progress import poll

ORDERS_TO_SHIP = 6
ORDERS_HELD = 2
WAITS_FOR_SELLER = "WAIT_SELLER_SEND_GOODS"
RISK_CONTROL = "RISK_CONTROL"
CARRIER = "AliExpress Standard Shipping"
SHIPMENT_SETTLED = frozenset({"confirmed", "refused"})


async def place_orders(stage: Stage) -> None:
    """Buyers order what is online; a few orders are still in risk control."""
    seed = 1 + len(await stage.sandbox.orders())
    await stage.sandbox.place_orders(seed=seed, count=ORDERS_TO_SHIP, status=WAITS_FOR_SELLER)
    await stage.sandbox.place_orders(seed=seed + 500, count=ORDERS_HELD, status=RISK_CONTROL)


async def import_orders(stage: Stage) -> list[Order]:
    """Fetch the shop's orders now; returns all the channel has then."""
    asked = await stage.channel.import_orders(stage.merchant, stage.shop)
    await follow_order_import(stage.channel, stage.merchant, stage.shop, asked.import_id)
    return await imported_orders(stage)


async def imported_orders(stage: Stage) -> list[Order]:
    """The shop's orders as the channel has them."""
    found = stage.channel.orders(stage.merchant, {"shop": stage.shop})
    return [order async for order in found]


async def ship_one(stage: Stage, orders: list[Order]) -> None:
    """Ship the first order that waits for it and see AliExpress confirm it (M8.4)."""
    order = next(order for order in orders if order.status == "waiting_shipment")
    order_id = order.order_id
    parcel = {"carrier": CARRIER, "tracking_number": f"LP{order_id}"}
    sent = await stage.channel.ship(
        stage.merchant, stage.shop, order_id, parcel, key=f"demo-{order_id}"
    )
    async for shipment in poll(
        lambda: stage.channel.shipment(stage.merchant, stage.shop, order_id, sent.shipment_id),
        within=60,
        what=f"the shipment of {order_id}",
    ):
        if shipment.state in SHIPMENT_SETTLED:
            break
    say(f"order {order_id} shipped by {shipment.carrier}: {shipment.state}")
