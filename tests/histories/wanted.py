"""What the catalogue says: the model that the shop must follow."""

from dataclasses import dataclass
from typing import Any

import msgspec

from channel_demo.sources import Sources
from common.contracts.catalog import CatalogUpdated

from ..stories.sample import own_copy

SIMPLE, FAMILY = "NOT-07", "TSH-01"
"""Products of the sample that the history's are copies of; the second has four variations."""


@dataclass
class Row:
    """A row of the catalogue: a SKU, or a parent."""

    event: CatalogUpdated
    is_there: bool = True

    @property
    def sku(self) -> str:
        """The SKU code; empty for a parent."""
        return str(self.event.fields.get("sku") or "")

    @property
    def stock(self) -> int:
        """The stock the catalogue has."""
        return int(str(self.event.fields["stock"]))

    @property
    def price(self) -> str:
        """The price the catalogue has."""
        return str(self.event.fields["price"])


@dataclass
class Family:
    """A product with its variations."""

    name: str
    rows: list[Row]
    is_excluded: bool = False

    @property
    def skus(self) -> list[Row]:
        """The rows that are SKUs and in the catalogue."""
        return [row for row in self.rows if row.sku and row.is_there]

    @property
    def is_wanted(self) -> bool:
        """Whether it is to be online."""
        return not self.is_excluded and bool(self.skus)

    @property
    def has_stock(self) -> bool:
        """Whether any SKU has stock: without, it is not created."""
        return any(row.stock for row in self.skus)

    @property
    def unwanted_codes(self) -> set[str]:
        """SKU codes that are not to be online now."""
        wanted = {row.sku for row in self.skus} if self.is_wanted else set()
        return {row.sku for row in self.rows if row.sku} - wanted


def next_version(row: Row, action: Any = "upsert", **changes: Any) -> CatalogUpdated:
    """The row's next event; a field set to None is left out."""
    fields = {**row.event.fields, **changes}
    event = msgspec.structs.replace(
        row.event,
        version=(row.event.version or 0) + 1,
        action=action,
        fields={name: value for name, value in fields.items() if value is not None},
    )
    if action == "delete":
        row.event = msgspec.structs.replace(event, action="upsert")
        return msgspec.structs.replace(event, fields={})
    return event


def make_families(sources: Sources, number: int) -> list[Family]:
    """Copies of two of the sample's products, one in four with variations."""
    newest: dict[str, CatalogUpdated] = {}
    for event in sources.events:
        if (event.parent_id or event.product_id) in {SIMPLE, FAMILY} and event.action == "upsert":
            known = newest.get(event.product_id)
            if known is None or (event.version or 0) > (known.version or 0):
                newest[event.product_id] = event
    parents_first = sorted(newest.values(), key=lambda e: (e.parent_id is not None, e.product_id))
    families = []
    for place in range(number):
        chosen = FAMILY if place % 4 == 0 else SIMPLE
        rows = [
            Row(own_copy(event, sources.catalogue, f"h{place}."))
            for event in parents_first
            if (event.parent_id or event.product_id) == chosen
        ]
        families.append(Family(f"h{place}.{chosen}", rows))
    return families
