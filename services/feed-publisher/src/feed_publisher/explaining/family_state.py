"""A family as it stands: what is desired, what was accepted, and what the next runs would do."""

from collections.abc import Mapping
from dataclasses import dataclass

from aliexpress.products import Product
from common.contracts.product import ProductNormalized
from common.postgres.pool import Connection
from feed_publisher.claims.store import load_holders
from feed_publisher.desired.desired_state import desired_skus
from feed_publisher.desired.marks import Marks
from feed_publisher.desired.states import Feed, Kind
from feed_publisher.desired.store import load_desired, load_marks
from feed_publisher.listings.listing import Listing
from feed_publisher.listings.store import load_listings
from feed_publisher.planning.next_step import NextStep, next_step
from feed_publisher.runs.items.planned import Planned
from feed_publisher.sending.bodies import Body, creation_body, update_body

KINDS: tuple[Kind, ...] = ("product", "offer")


@dataclass(frozen=True)
class FamilyState:
    """What is known of a family; `desired` is None where the catalogue never named it."""

    desired: ProductNormalized | None
    listing: Listing
    steps: Mapping[Kind, NextStep]

    @property
    def content_item(self) -> Planned | None:
        """The creation or update that the next product run would send, if it would send one."""
        step = self.steps.get("product")
        items = () if step is None else step.items
        return next((item for item in items if item.action in {"create", "update"}), None)

    def content_body(self, product: Product | None) -> Body | None:
        """The body of that item, exactly; None where there is none, or where the product that it
        updates is not in the shop."""
        item = self.content_item
        if item is None:
            return None
        if item.action == "create":
            return creation_body(item.change)
        return None if product is None else update_body(item.change, product)


async def load_family_state(connection: Connection, feed: Feed, family_id: str) -> FamilyState:
    """The family as it stands."""
    key = (feed.merchant_id, feed.feed_id)
    desired = (await load_desired(connection, *key, [family_id])).get(family_id)
    listing = (
        await load_listings(connection, *key, [family_id], shop_id=feed.shop_id, locked=False)
    )[family_id]
    if desired is None:
        return FamilyState(None, listing, {})
    codes = desired_skus(desired.state)
    holders = await load_holders(connection, feed.merchant_id, feed.shop_id, codes)
    steps: dict[Kind, NextStep] = {}
    for kind in KINDS:
        marks = await load_marks(connection, *key, kind, [family_id])
        unsure = listing.with_unsure(marks.get(family_id, Marks([])).unsure)
        steps[kind] = next_step(kind, desired.state, unsure, holders)
    return FamilyState(desired.state, listing, steps)
