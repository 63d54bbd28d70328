"""A shop that sells what a few feeds bring, its catalogue as it changes, and its orders."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import count

from channel_cli.following import apply_feed
from channel_cli.session import Problem
from channel_demo import bring_in, sell, trade
from channel_demo.sandbox import ShopOrder
from channel_demo.session import Session
from channel_producer import delete
from stack.testing import eventually

from ..cases import inputs
from .watched import Watched

FEED, PRODUCTS = "pillows", 120
FIRST_ORDERED = 80
"""Products from here on are ordered, and changed by no fault."""
NOT_FOUND = 404
WITHIN = 60.0

versions = count(2)
_seeds = count(9_000)


async def sold(watched: Watched) -> Session:
    """A feed of products, all online: made for the first fault that asks for it."""
    session = replace(watched.session, catalogue=FEED, feed=FEED)
    try:
        await session.channel.feed(session.merchant, FEED)
    except Problem as problem:
        if problem.details.status != NOT_FOUND:
            raise
        await session.channel.register_catalogue(
            session.merchant, FEED, versioning="explicit", fed_by="events"
        )
        await configure(session)
        await add(session, range(PRODUCTS))
        await sell.publish_products(session)
    return session


async def configure(session: Session) -> None:
    """Save the feed's configuration."""
    form = inputs.form() | {"shop": session.shop, "catalogue": session.catalogue}
    await apply_feed(session.channel, session.merchant, session.feed, form)


def code(session: Session, number: int) -> str:
    """The SKU code, and the product id, of this number."""
    return f"{session.feed}-{number}"


async def send(session: Session, numbers: Sequence[int], **fields: str | int) -> None:
    """Have these products come in, new or changed."""
    rows = [inputs.pillow(code(session, number), **fields) for number in numbers]
    await bring_in.publish(session, inputs.events_of(session, rows, next(versions)))


async def add(session: Session, numbers: Sequence[int], **fields: str | int) -> None:
    """The same, until feed-publisher knows of them."""
    await send(session, numbers, **fields)
    await sell.settle(session)


async def remove(session: Session, numbers: Sequence[int]) -> None:
    """Have these products deleted."""
    version = next(versions)
    async with session.publisher(bring_in.SOURCE) as publisher:
        await publisher.publish(
            [
                delete(session.merchant, session.catalogue, code(session, number), version=version)
                for number in numbers
            ]
        )

    async def are_gone() -> bool:
        found = await session.channel.source_product(
            session.merchant, session.catalogue, code(session, numbers[-1])
        )
        return found.is_deleted

    await eventually(are_gone, within=WITHIN)
    await sell.settle(session)


async def ordered(session: Session) -> ShopOrder:
    """An order that waits for the seller, and was imported."""
    seed = next(_seeds)
    product = FIRST_ORDERED + seed % (PRODUCTS - FIRST_ORDERED)
    order = await session.sandbox.place_order(
        [(code(session, product), 1)], seed=seed, status=trade.WAITS_FOR_SELLER
    )
    await trade.import_orders(session)
    return order


async def ship(session: Session, order: ShopOrder) -> str:
    """Ask for the order's parcel; its shipment."""
    parcel = {"carrier": trade.CARRIER, "tracking_number": f"LP{order.order_id}"}
    sent = await session.channel.ship(
        session.merchant, session.shop, order.order_id, parcel, key=f"alert-{order.order_id}"
    )
    return sent.shipment_id


async def settled(session: Session, order: ShopOrder, shipment_id: str) -> None:
    """Wait for the parcel's outcome."""

    async def is_settled() -> bool:
        shipment = await session.channel.shipment(
            session.merchant, session.shop, order.order_id, shipment_id
        )
        return shipment.state in trade.SHIPMENT_SETTLED

    await eventually(is_settled, within=WITHIN)
