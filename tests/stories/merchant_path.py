"""A merchant's whole path through a marketplace that may fail, and what the merchant does about it.

Nothing here knows what fails: what the channel answers with "later" is asked again, as a person or
a program would. Cases may share a shop; each has a catalogue, a feed and SKU codes of its own, so
that none sees what another left.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import msgspec

from channel_cli.following import RUN_ENDED
from channel_cli.order_answers import Shipment
from channel_cli.progress import poll
from channel_cli.session import Problem
from channel_cli.settings import ORDERS
from channel_demo import bring_in, sell, trade
from channel_demo.session import Session
from channel_demo.sources import Sources
from common.contracts.catalog import CatalogUpdated
from stack.testing import Marketplace

from .final_state import FinalState, final_state
from .sample import own_copy, part_of

T = TypeVar("T")

FAMILIES = ("BLS-03", "TSH-01", "KET-07", "NOT-07", "NOT-08")
"""Five products of the sample, two of them with variations."""
MORE_FAMILIES = (
    "CUS-01", "BLS-07", "BLS-08", "TSH-07", "TSH-08", "CUS-07", "KET-08", "EAR-07", "EAR-08",
)  # fmt: skip
"""Nine more, for the long forms."""
RETITLED, DELETED = "NOT-07", "NOT-08"
DEARER, FULLER = ("BLS-03-1", "KET-07"), ("TSH-01-2",)
ORDERED = ("KET-07", "TSH-01-1", "NOT-07")
"""SKUs that are bought, one order each; the first order is shipped."""
WITHIN = 60.0
RUNS_AT_MOST = 6


@dataclass(frozen=True)
class Case:
    """A catalogue, a feed and SKU codes of its own; effects after `since` are this case's."""

    session: Session
    sources: Sources
    prefix: str
    since: int

    @property
    def marketplace(self) -> Marketplace:
        """The marketplace, as this case's seller sees it."""
        return Marketplace(self.session.sandbox.http, self.session.sandbox.seller_id)

    @property
    def families(self) -> set[str]:
        """The products, variations counted as one."""
        return {event.parent_id or event.product_id for event in self.sources.events}

    def only(self, *families: str) -> "Case":
        """The case with fewer products."""
        return replace(self, sources=part_of(self.sources, *families))

    async def begin(self, name: str) -> "Case":
        """Another case in the same shop, of this one's products."""
        prefix = f"{name}."
        events = [own_copy(event, name, prefix) for event in self.sources.events]
        return Case(
            replace(self.session, catalogue=name, feed=name),
            replace(self.sources, events=events, catalogue=name, feed=name),
            prefix,
            await self.session.sandbox.last_sequence(),
        )

    def newest(self, name: str) -> CatalogUpdated:
        """The newest event of a product of the sample."""
        known = [e for e in self.sources.events if e.product_id == self.prefix + name]
        return max(known, key=lambda event: event.version or 0)

    async def codes_in_shop(self) -> set[str]:
        """This case's SKU codes that the shop has."""
        shop = await self.session.sandbox.products()
        return {
            sku.sku_code.removeprefix(self.prefix)
            for product in shop
            for sku in product.skus
            if sku.sku_code.startswith(self.prefix)
        }


# ---- the path


async def walk_path(case: Case) -> None:
    """Publish, change, delete, sell, ship."""
    await bring_all_in(case)
    await publish_all(case)
    await change(case)
    await bring_orders(case)


async def recovered_state(case: Case) -> FinalState:
    """What is left once the marketplace works again and the channel has caught up."""
    await case.marketplace.remove_faults()
    await catch_up(case)
    return await final_state(case.session, since=case.since, prefix=case.prefix)


async def bring_all_in(case: Case) -> None:
    """The catalogue and the feed's configuration; all products ready to be sold."""
    session = case.session
    await until_taken(partial(bring_in.apply_configuration, session, case.sources))
    await bring_in.publish(session, case.sources.events)
    await settle(case)


async def settle(case: Case) -> None:
    """Wait until every product is normalized, none waiting for the marketplace, and handed over."""
    session = case.session
    ask = partial(session.channel.normalizing, session.merchant, session.feed)
    async for progress in poll(ask, within=WITHIN, what="normalizing"):
        if progress.dirty == progress.waiting == 0:
            break
    await sell.wait_for_publisher(session)


async def publish_all(case: Case) -> None:
    """The first run as a person confirms it, then one a day until all is online."""
    skus = {str(e.fields["sku"]) for e in case.sources.events if e.fields.get("sku")}
    wanted = {sku.removeprefix(case.prefix) for sku in skus}
    await sell.publish_products(case.session)
    for _ in range(RUNS_AT_MOST):
        missing = wanted - await case.codes_in_shop()
        if not missing:
            break
        await run(case, "product")
    else:
        assert missing == set(), await issues(case)


async def issues(case: Case) -> list[str]:
    """What catalog-service finds wrong with the products: nothing, if the test is right."""
    families = case.session.channel.preview(case.session.merchant, case.session.feed)
    return [f"{family.family_id}: {family.issues}" async for family in families if family.issues]


async def change(case: Case) -> None:
    """Prices and stocks, a title, and a product taken out of the catalogue."""
    dearer = [changed(case.newest(sku), price="33.30", price_es="34.40") for sku in DEARER]
    fuller = [changed(case.newest(sku), stock=77) for sku in FULLER]
    retitled = changed(case.newest(RETITLED), title="Lumo Dotted notebook with a new title")
    deleted = msgspec.structs.replace(changed(case.newest(DELETED)), action="delete", fields={})
    await bring_in.publish(case.session, [*dearer, *fuller, retitled])
    await take_out(case, deleted)
    await settle(case)
    await run(case, "product")
    await run(case, "offer")


async def take_out(case: Case, deletion: CatalogUpdated) -> None:
    """Publish a deletion, and wait until the product is in the catalogue no more."""
    session = case.session
    async with session.publisher(bring_in.SOURCE) as publisher:
        await publisher.publish([deletion])

    async def names() -> set[str]:
        products = session.channel.source_products(session.merchant, session.catalogue)
        return {product.product_id async for product in products if not product.is_deleted}

    async for known in poll(names, within=WITHIN, what="taking the deletion in"):
        if deletion.product_id not in known:
            break


def changed(event: CatalogUpdated, **fields: str | int) -> CatalogUpdated:
    """The product's next version."""
    return msgspec.structs.replace(
        event, version=(event.version or 0) + 1, fields=event.fields | fields
    )


async def bring_orders(case: Case) -> None:
    """Buyers order; the orders come in and the first is shipped."""
    placed = [
        await case.session.sandbox.place_order(
            [(case.prefix + sku, 1)], seed=seed, status=trade.WAITS_FOR_SELLER
        )
        for seed, sku in enumerate(ORDERED, 1)
    ]
    await import_all(case, {order.order_id for order in placed})
    shipment = await ship(case, placed[0].order_id)
    assert shipment.state == "confirmed"


async def import_all(case: Case, order_ids: set[str]) -> None:
    """Import until these orders are there."""
    ask = partial(trade.import_orders, case.session)
    async for orders in poll(ask, within=WITHIN, what="importing these orders"):
        if order_ids <= {order.order_id for order in orders}:
            break


async def ship(case: Case, order_id: str) -> Shipment:
    """Ship a whole order; returns the shipment once AliExpress took or refused it."""
    session = case.session
    parcel = {"carrier": trade.CARRIER, "tracking_number": f"LP{order_id}"}
    address = (session.merchant, session.shop, order_id)
    sent = await until_taken(partial(session.channel.ship, *address, parcel, f"key-{order_id}"))
    ask = partial(session.channel.shipment, *address, sent.shipment_id)
    async for shipment in poll(ask, within=WITHIN, what=f"the shipment of {order_id}"):
        if shipment.state in trade.SHIPMENT_SETTLED:
            break
    return shipment


async def catch_up(case: Case) -> None:
    """What every day does: both runs and an import."""
    await run(case, "product")
    await run(case, "offer")
    await trade.import_orders(case.session)


async def run(case: Case, kind: str) -> None:
    """A run of the case's feed, to its end."""
    await sell.run_feed(case.session, kind, RUN_ENDED, is_dry_run=False)


async def until_taken(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask again while a service says that AliExpress does not answer now."""

    async def answers() -> list[T]:
        try:
            return [await ask()]
        except Problem as problem:
            if problem.details.status < 500:
                raise
            return []

    async for given in poll(answers, within=WITHIN, what="what AliExpress is needed for"):
        if given:
            break
    return given[0]


async def shipment_document(session: Session, order_id: str, shipment_id: str) -> dict[str, Any]:
    """A shipment's whole answer."""
    path = f"/v1/merchants/{session.merchant}/shops/{session.shop}/orders/{order_id}/shipments"
    return await session.channel.session.get(ORDERS, f"{path}/{shipment_id}", dict[str, Any])


async def imports_document(session: Session) -> dict[str, Any]:
    """The whole answer on the shop's imports."""
    path = f"/v1/merchants/{session.merchant}/shops/{session.shop}/order-imports"
    return await session.channel.session.get(ORDERS, path, dict[str, Any])
