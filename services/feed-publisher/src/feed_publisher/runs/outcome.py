"""What a run's items add up to. Pure."""

from collections.abc import Mapping
from typing import Literal

from feed_publisher.runs.run import State

Counts = Mapping[tuple[str, str], int]
"""Items by (action, status)."""

UNDER_WAY = frozenset({"pending", "sending", "in_job"})


def state_of(counts: Counts, *, missing: int = 0) -> State:
    """How a run ended: `completed` only if nothing that is wanted is missing."""
    statuses = {status for (_, status), items in counts.items() if items}
    if "withheld" in statuses:
        return "withheld"
    is_whole = statuses <= {"accepted", "superseded"}
    return "completed" if is_whole and not missing else "completed_with_errors"


EventOutcome = Literal["completed", "completed_with_errors", "failed", "withheld"]

EVENT_OUTCOMES: Mapping[State, EventOutcome] = {
    "completed": "completed",
    "completed_with_errors": "completed_with_errors",
    "withheld": "withheld",
    "failed": "failed",
}
"""How `feed.completed` names the state a run ended in."""


def counts_of(counts: Counts, *, missing: int = 0) -> dict[str, int]:
    """Flat counts: per action what was accepted (`create`), and `rejected`, `withheld`, ...;
    `missing` products are wanted and have no item."""
    flat = {"items": 0, "create": 0, "update": 0, "delete": 0, "price": 0, "stock": 0}
    for (action, status), items in counts.items():
        flat["items"] += items
        if status == "accepted":
            flat[action] += items
        else:
            key = "pending" if status in UNDER_WAY else status
            flat[key] = flat.get(key, 0) + items
    return flat | ({"missing": missing} if missing else {})
