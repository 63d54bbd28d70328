"""What a story left at the marketplace: without ids, times and sequence numbers."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from channel_demo.sandbox import LedgerEntry, ShopProduct
from channel_demo.session import Session

from .sample import Listing, listings

Skus = frozenset[str]


@dataclass(frozen=True)
class FinalState:
    """What is sold; how often SKUs were created, products deleted and orders shipped.

    Orders go by their seeded number: status, and the carriers of their parcels.
    """

    listings: dict[Skus, Listing]
    created: Counter[str]
    deleted: Counter[Skus]
    orders: dict[str, tuple[str, tuple[str, ...]]]
    shipped: Counter[str]


async def final_state(session: Session, *, since: int = 0, prefix: str = "") -> FinalState:
    """What came of all that happened after the effect numbered `since`.

    `prefix` is taken off the SKU codes, and codes that lack it are not this story's.
    """
    ledger = await session.sandbox.ledger(since=since)
    placed = {entry.order_id for entry in accepted(ledger, "order.place")}
    orders = [order for order in await session.sandbox.orders() if order.order_id in placed]
    numbers = {order.order_id: order.order_number for order in orders}
    born = {
        entry.product_id: unprefixed(entry.detail["skus"], prefix)
        for entry in accepted(ledger, "product.create")
    }
    return FinalState(
        listings=_listings(await session.sandbox.products(), prefix),
        created=Counter(sku for codes in born.values() for sku in codes),
        deleted=Counter(
            born[entry.product_id]
            for entry in accepted(ledger, "product.delete")
            if entry.product_id in born
        ),
        orders={
            order.order_number: (
                order.status,
                tuple(parcel.carrier for parcel in order.shipments),
            )
            for order in orders
        },
        shipped=Counter(numbers[e.order_id or ""] for e in accepted(ledger, "order.ship")),
    )


def accepted(ledger: Sequence[LedgerEntry], operation: str) -> list[LedgerEntry]:
    """The effects of an operation."""
    return [entry for entry in ledger if entry.is_accepted and entry.operation == operation]


def unprefixed(codes: Iterable[str], prefix: str) -> Skus:
    """The codes that begin so, without it."""
    return frozenset(code.removeprefix(prefix) for code in codes if code.startswith(prefix))


def _listings(shop: Sequence[ShopProduct], prefix: str) -> dict[Skus, Listing]:
    return {
        unprefixed(codes, prefix): (
            title,
            category,
            {code.removeprefix(prefix): offer for code, offer in offers.items()},
        )
        for codes, (title, category, offers) in listings(shop).items()
        if unprefixed(codes, prefix)
    }
