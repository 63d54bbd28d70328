"""When an order's deadline is to be published (M8.5). Pure.

A threshold of a deadline has its moment: a day before it, six hours before it, the deadline itself.
It is published once its moment has come, unless it, or a nearer one, was published since then. So
each is published once; of several whose moments have come only the nearest is; and where a deadline
moves later, each threshold is armed again whose moment then lies after what was published last.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from common.contracts.order import DueThreshold, Order
from order_importer.shipping.obstacles import shippable_lines
from order_importer.shipping.parcels import complete_lines

THRESHOLDS: dict[DueThreshold, timedelta] = {
    "24h": timedelta(hours=24),
    "6h": timedelta(hours=6),
    "late": timedelta(0),
}
"""The time left at each, the farthest first."""
FARTHEST = max(THRESHOLDS.values())
TOLERANCE = timedelta(minutes=5)
"""AliExpress's deadlines are counted from a time left: readings of the same one differ a little."""


@dataclass(frozen=True)
class Notice:
    """What was last published of an order's deadline, and when."""

    threshold: DueThreshold
    notified_at: datetime


def passed_threshold(due_at: datetime, now: datetime) -> DueThreshold | None:
    """The nearest threshold whose moment has come; None before the first."""
    passed = [name for name, left in THRESHOLDS.items() if due_at - left <= now]
    return passed[-1] if passed else None


def threshold_to_publish(
    due_at: datetime, now: datetime, last: Notice | None
) -> DueThreshold | None:
    """The threshold to publish now; None where there is none, or none again."""
    passed = passed_threshold(due_at, now)
    if passed is None or last is None:
        return passed
    moment = due_at - THRESHOLDS[passed]
    is_as_near = THRESHOLDS[last.threshold] <= THRESHOLDS[passed]
    if is_as_near and last.notified_at >= moment - TOLERANCE:
        return None
    return passed


def next_moment(due_at: datetime, now: datetime) -> datetime | None:
    """The moment of the deadline's next threshold; None when all have passed."""
    moments = (due_at - left for left in THRESHOLDS.values())
    return next((moment for moment in moments if moment > now), None)


def is_to_be_shipped(order: Order) -> bool:
    """Whether there is something for the merchant to ship: AliExpress takes parcels of the order,
    and a line of it is in none."""
    return not complete_lines(order.parcels).issuperset(shippable_lines(order))
