"""Takes over a product that was online before us, when the merchant says so (M1.6)."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from aliexpress.errors import MarketplaceFailure
from aliexpress.products import Product
from common import clock
from common.errors import NotFound, Outage, Refusal
from common.postgres.audit import record
from common.postgres.pool import Connection, Pool
from common.postgres.unit_of_work import reading, unit_of_work
from feed_publisher.candidates.store import replace_candidates
from feed_publisher.claims.store import claim_skus, load_holders
from feed_publisher.desired.desired_state import desired_skus
from feed_publisher.desired.feeds.store import load_feed
from feed_publisher.desired.states import Desired, Feed
from feed_publisher.desired.store import load_desired, mark_families
from feed_publisher.listings.listing import AcceptedState, Listing
from feed_publisher.listings.report import Changed, report_products
from feed_publisher.listings.store import find_owner, load_listings
from feed_publisher.planning.plan import find_conflict
from feed_publisher.sending.look_up import skus_of
from feed_publisher.sending.shop_reader import ShopReader


@dataclass(frozen=True)
class Adoption:
    """A family, and the product of the shop that it takes over."""

    family_id: str
    product_id: str


@dataclass(frozen=True)
class Adoptions:
    """What became of several, in order: None where it was adopted, else why not. `stopped` says why
    those after them were not tried."""

    outcomes: Sequence[Refusal | None]
    stopped: str | None = None


class Adopter:
    """Adopts products; the shop is read, nothing is written there. The next runs do that."""

    def __init__(self, pool: Pool, shop: ShopReader) -> None:
        self._pool = pool
        self._shop = shop

    async def adopt(self, merchant_id: str, feed_id: str, family_id: str, product_id: str) -> None:
        """Make the product this family's listing.

        Raises `NotFound`, and `Refusal` when the family is online already, the product is another
        family's, or they have no SKU code in common.
        """
        async with reading(self._pool) as connection:
            feed = await load_feed(connection, merchant_id, feed_id)
            await _load_wanted(connection, feed, family_id)
        product = await self._read(merchant_id, feed.shop_id, product_id)
        async with unit_of_work(self._pool) as connection:
            wanted = await _load_wanted(connection, feed, family_id)
            await _link(connection, feed, wanted, product)
            details = {"family": family_id, "product": product_id}
            await record(connection, "product.adopted", feed_id, details)

    async def adopt_each(
        self, merchant_id: str, feed_id: str, adoptions: Sequence[Adoption]
    ) -> Adoptions:
        """Adopt one after the other, each by itself, until AliExpress does not answer any more."""
        outcomes: list[Refusal | None] = []
        for adoption in adoptions:
            refusal: Refusal | None = None
            try:
                await self.adopt(merchant_id, feed_id, adoption.family_id, adoption.product_id)
            except Refusal as refused:
                refusal = refused
            except (MarketplaceFailure, Outage) as failure:
                return Adoptions(outcomes, str(failure))
            outcomes.append(refusal)
        return Adoptions(outcomes)

    async def _read(self, merchant_id: str, shop_id: str, product_id: str) -> Product:
        product = await self._shop.find(merchant_id, shop_id, product_id)
        if product is None:
            raise NotFound(
                "product of that id in the shop",
                remedy="Take the id from the report or from AliExpress's seller centre.",
            )
        return product


async def _load_wanted(connection: Connection, feed: Feed, family_id: str) -> Desired:
    desired = await load_desired(connection, feed.merchant_id, feed.feed_id, [family_id])
    if family_id not in desired or desired[family_id].state.presence == "absent":
        raise NotFound("product")
    return desired[family_id]


async def _link(connection: Connection, feed: Feed, wanted: Desired, product: Product) -> None:
    family_id, codes = wanted.state.family_id, desired_skus(wanted.state)
    listing = (
        await load_listings(
            connection, feed.merchant_id, feed.feed_id, [family_id], shop_id=feed.shop_id
        )
    )[family_id]
    await claim_skus(
        connection,
        feed.merchant_id,
        feed.shop_id,
        feed.feed_id,
        [(code, family_id) for code in codes],
    )
    holders = await load_holders(connection, feed.merchant_id, feed.shop_id, codes)
    conflict = find_conflict(listing, codes, holders)
    owner = await find_owner(connection, feed.merchant_id, feed.shop_id, product.product_id)
    if listing.is_online:
        raise _refusal("already-listed", "this product is online already", "Nothing is to be done.")
    if owner is not None or conflict is not None:
        message = conflict.message if conflict else "that product belongs to another family"
        raise _refusal("foreign-product", message, "Choose the product that holds these SKU codes.")
    if not skus_of(product).keys() & set(codes):
        raise _refusal(
            "no-common-sku",
            "the product has none of this family's SKU codes",
            "Give the SKUs the same codes on AliExpress, then repeat this.",
        )
    adopted = _adopted(listing, product)
    await report_products(
        connection,
        feed.merchant_id,
        [Changed(adopted, wanted.state.revision, wanted.traceparent)],
    )
    await mark_families(
        connection, feed.merchant_id, feed.feed_id, ["product", "offer"], [family_id]
    )
    await replace_candidates(connection, feed.merchant_id, feed.feed_id, [family_id], [])


def _adopted(listing: Listing, product: Product) -> Listing:
    return msgspec.structs.replace(
        listing,
        status="auditing" if product.status == "auditing" else "live",
        marketplace_product_id=product.product_id,
        live_since=clock.now(),
        deleted_at=None,
        create_intent_at=None,
        accepted=AcceptedState(skus=skus_of(product)),
    )


def _refusal(slug: str, title: str, remedy: str) -> Refusal:
    return Refusal(
        title, status=409, slug=slug, remedy=remedy, field="marketplace_product_id", rule="M1.6"
    )
