"""First half of the path: a merchant, its shop, its catalogue, its feed, its products."""

from collections.abc import Mapping, Sequence

from channel_cli.following import apply_feed, follow_normalizing, import_and_follow
from channel_cli.output import say
from channel_cli.progress import poll, progress_bar
from channel_cli.session import Problem
from channel_demo.consent import agree
from channel_demo.session import STRANGER, Session
from channel_demo.sources import Sources
from common.contracts.catalog import CatalogUpdated

SOURCE = "/channel-demo"


class DemoFailed(Exception):
    """A step did not do what it must; the text says which and how."""


async def refuse_stranger(session: Session) -> None:
    """A merchant nobody knows as a seller may not connect a shop (M1.1)."""
    await session.channel.register_merchant(STRANGER, name="Stranger", is_eligible=False)
    try:
        await session.channel.connect_shop(STRANGER, session.shop)
    except Problem as problem:
        if problem.details.rule != "M1.1":
            raise
        say(f"refused, as it must be: {problem.details.title}. {problem.details.remedy}")
    else:
        raise DemoFailed("a merchant that is not eligible could connect a shop (M1.1)")


async def connect_shop(session: Session) -> None:
    """Register the merchant and walk AliExpress's pages, unless the shop is connected already."""
    channel, merchant, shop = session.channel, session.merchant, session.shop
    await channel.register_merchant(merchant, name="Lumo", is_eligible=True)
    known = {item.shop_id: item.connection async for item in channel.shops(merchant)}
    if known.get(shop) != "connected":
        link = await channel.connect_shop(merchant, shop)
        say(await agree(link.start_url, seller_id=session.sandbox.seller_id))


async def apply_configuration(session: Session, sources: Sources) -> None:
    """Declare the catalogue and save the feed's configuration."""
    fed_by, versioning = ("files", "arrival") if sources.file else ("events", "explicit")
    await session.channel.register_catalogue(
        session.merchant,
        session.catalogue,
        versioning=versioning,
        fed_by=fed_by,
        fields=sources.file_fields,
    )
    configuration = sources.configuration | {"shop": session.shop, "catalogue": session.catalogue}
    await apply_feed(session.channel, session.merchant, session.feed, configuration)


async def bring_in(session: Session, sources: Sources) -> int:
    """Publish the events, or import the file; returns the number of source products."""
    if sources.file is None:
        await publish(session, sources.events)
    else:
        result = await import_and_follow(
            session.channel, session.merchant, session.catalogue, sources.file, {"mode": "full"}
        )
        if result.state == "failed":
            raise DemoFailed(f"{sources.file} was not read: {result.failure}")
    await follow_normalizing(session.channel, session.merchant, session.feed)
    return (await session.channel.catalogue(session.merchant, session.catalogue)).products or 0


async def publish(session: Session, events: Sequence[CatalogUpdated]) -> None:
    """Publish events as another system would, and wait until all are taken in."""
    newest: dict[str, int] = {}
    for event in events:
        newest[event.product_id] = max(event.version or 0, newest.get(event.product_id, 0))
    with progress_bar("publishing catalogue events") as bar:
        async with session.publisher(SOURCE) as publisher:
            await publisher.publish(list(events))
        async for taken_in in poll(
            lambda: count_at_versions(session, newest), within=120, what="taking the events in"
        ):
            bar.show(taken_in, len(newest))
            if taken_in == len(newest):
                break


async def count_at_versions(session: Session, newest: Mapping[str, int]) -> int:
    """How many source products are at these versions, or newer ones."""
    products = session.channel.source_products(session.merchant, session.catalogue)
    versions = {product.product_id: product.version async for product in products}
    return sum(versions.get(name, -1) >= version for name, version in newest.items())
