"""The guard against emptying a shop (M7.4): a broken source file must not take products away.

Pure. Over a rolling 24 hours no more than a share of the products that were online at its start
(at least 10 are counted) may be deleted or zeroed unless someone confirms. A shop that had nothing
online then, on its first day, is measured by what it has online now.
"""

from datetime import timedelta
from decimal import Decimal

GUARD_WINDOW = timedelta(hours=24)
LEAST_COUNTED = 10


def counted_products(online_at_start: int, online_now: int) -> int:
    """How many products the share is taken of."""
    return max(LEAST_COUNTED, online_at_start or online_now)


def exceeds_share(new: int, removed: int, counted: int, share: Decimal) -> bool:
    """Whether a plan's new removals need a confirmation, all of them.

    `removed` products were deleted or zeroed in the window without one; `new` are not among them.
    """
    return new > 0 and new + removed > share * counted
