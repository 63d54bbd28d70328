"""Which products others have edited since we looked last. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from aliexpress.products import ListedProduct

TICK = timedelta(seconds=1)
"""AliExpress cuts times of modification to seconds."""
OVERLAP = timedelta(hours=2)
"""How far looks overlap: the list lags, and in autumn its clock repeats an hour."""


@dataclass(frozen=True)
class Known:
    """When a product of ours was last written by us, and last read."""

    written_at: datetime | None
    read_at: datetime | None

    def was_edited(self, modified_at: datetime) -> bool:
        """Whether that modification may be another's, and was not seen yet."""
        is_ours = self.written_at is not None and modified_at <= self.written_at
        is_seen = self.read_at is not None and modified_at + TICK <= self.read_at
        return not is_ours and not is_seen


@dataclass(frozen=True)
class Edits:
    """Products to be read, and the time through which no other edit is left to be found."""

    product_ids: list[str]
    through: datetime


def choose_edited(
    listed: Iterable[ListedProduct],
    known: Mapping[str, Known],
    *,
    limit: int,
    looked_at: datetime,
) -> Edits:
    """Those of the listed products that are ours and were edited by others, oldest edit first.

    At most `limit`: the others are found by the next look, which begins where this one ends.
    """
    edits = {
        product.product_id: product.modified_at
        for product in listed
        if product.modified_at is not None
        and product.product_id in known
        and known[product.product_id].was_edited(product.modified_at)
    }
    oldest_first = sorted(edits, key=lambda product_id: (edits[product_id], product_id))
    chosen, left = oldest_first[:limit], oldest_first[limit:]
    return Edits(chosen, min(edits[left[0]], looked_at) if left else looked_at)
