"""The sample catalogue: sold on a running system, and compared with what the marketplace has."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import msgspec

from channel_cli.answers import PreviewFamily
from channel_demo import bring_in, sell
from channel_demo.sandbox import LedgerEntry, ShopProduct
from channel_demo.session import Session, open_demo
from channel_demo.sources import Sources, load_sample
from channel_demo.survey import Found, survey
from common.contracts.catalog import CatalogUpdated
from stack.run import Stack
from stack.system import SANDBOX

WRITES = ("product.", "sku.", "price.", "stock.", "feed.", "image.")
"""Ledger operations that only a write call of the channel can cause."""

Listing = tuple[str, str, dict[str, tuple[str, str | None, int]]]
"""Title, category, and per SKU code its price, discount and stock."""


@dataclass(frozen=True)
class Sold:
    """The sample, online: as it was then."""

    session: Session
    found: Found
    previews: dict[str, PreviewFamily]
    shop: list[ShopProduct]


@asynccontextmanager
async def sample_session(stack: Stack) -> AsyncIterator[Session]:
    """The sample's merchant on a running system."""
    async with open_demo(
        stack.addresses, currency="USD", catalogue="sample", feed="sample"
    ) as session:
        yield session


def sample_of(stack: Stack) -> Sources:
    """The sample, shuffled."""
    return load_sample(stack.url(SANDBOX))


async def prepare(session: Session, sources: Sources) -> None:
    """The shop connected, the catalogue in and evaluated, nothing sent."""
    await bring_in.connect_shop(session)
    await bring_in.apply_configuration(session, sources)
    await bring_in.bring_in(session, sources)
    await sell.wait_for_publisher(session)


async def bring_online(session: Session, sources: Sources) -> None:
    """From nothing to every valid product online, offers true."""
    await prepare(session, sources)
    await sell.publish_products(session)
    await sell.send_offers(session)


async def survey_sale(session: Session) -> Sold:
    """Everything as it stands now."""
    found = await survey(session)
    previews = {
        family.family_id: family
        async for family in session.channel.preview(session.merchant, session.feed)
    }
    return Sold(session, found, previews, await session.sandbox.products())


def listings(shop: Sequence[ShopProduct]) -> dict[frozenset[str], Listing]:
    """A shop without ids and times: what is sold together, and how."""
    return {
        frozenset(sku.sku_code for sku in product.skus): (
            product.title,
            product.category_id,
            {s.sku_code: (s.price, s.discount_price, s.inventory) for s in product.skus},
        )
        for product in shop
    }


def writes_in(entries: Sequence[LedgerEntry]) -> list[LedgerEntry]:
    """Effects, or refusals, of write calls."""
    return [entry for entry in entries if entry.operation.startswith(WRITES)]


def part_of(sources: Sources, *families: str) -> Sources:
    """The sample cut down to some families."""
    chosen = [
        event
        for event in sources.events
        if (event.parent_id or event.product_id).startswith(families)
    ]
    return replace(sources, events=chosen)


def own_copy(event: CatalogUpdated, catalogue: str, prefix: str) -> CatalogUpdated:
    """The same product under names that begin with `prefix`, in this catalogue."""
    fields = dict(event.fields)
    if fields.get("sku"):
        fields["sku"] = f"{prefix}{fields['sku']}"
    return msgspec.structs.replace(
        event,
        catalogue_id=catalogue,
        product_id=prefix + event.product_id,
        parent_id=prefix + event.parent_id if event.parent_id else None,
        fields=fields,
    )
