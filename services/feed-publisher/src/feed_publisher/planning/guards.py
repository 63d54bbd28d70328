"""The guard against emptying a shop (M7.4): a broken source file must not take products away.

Pure. Over a rolling 24 hours no more than a share of the products that were online at its start
(at least 10 are counted) may be deleted or zeroed unless someone confirms. A shop that had nothing
online then, on its first day, is measured by what it has online now.
"""

from collections.abc import Set
from datetime import timedelta
from decimal import Decimal

GUARD_WINDOW = timedelta(hours=24)
LEAST_COUNTED = 10

FamilyKey = tuple[str, str]
"""Feed and family."""


def counted_products(online_at_start: int, online_now: int) -> int:
    """How many products the share is taken of."""
    return max(LEAST_COUNTED, online_at_start or online_now)


def withheld(
    planned: Set[FamilyKey], removed: Set[FamilyKey], counted: int, share: Decimal
) -> frozenset[FamilyKey]:
    """Which planned removals need a confirmation: none, or all that were not removed before.

    `removed` are the families deleted or zeroed in the window without a confirmation.
    """
    new = frozenset(planned - removed)
    if len(new) + len(removed) <= share * counted:
        return frozenset()
    return new
