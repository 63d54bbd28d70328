"""Last part of the path: orders come in, one is shipped."""

from channel_cli.answers import Document
from channel_cli.demo.stage import Stage
from channel_cli.output import say
from channel_cli.progress import poll, progress_bar

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


async def import_orders(stage: Stage) -> list[Document]:
    """Fetch the shop's orders now and wait until all are here."""
    there = {order.order_id for order in await stage.sandbox.orders()}
    await stage.channel.import_orders(stage.merchant, stage.shop)
    with progress_bar("importing orders") as bar:
        async for orders in poll(lambda: imported_orders(stage), within=120, what="the import"):
            here = {order["order_id"] for order in orders}
            bar.show(len(here & there), len(there))
            if there <= here:
                break
    return orders


async def imported_orders(stage: Stage) -> list[Document]:
    """The shop's orders as the channel has them."""
    found = stage.channel.orders(stage.merchant, {"shop": stage.shop})
    return [order async for order in found]


async def ship_one(stage: Stage, orders: list[Document]) -> None:
    """Ship the first order that waits for it and see AliExpress confirm it (M8.4)."""
    order = next(order for order in orders if order["status"] == "waiting_shipment")
    order_id = str(order["order_id"])
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
