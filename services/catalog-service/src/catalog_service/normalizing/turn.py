"""A turn of normalizing: its tasks, what became of each, and how long each merchant took."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from catalog_service.families.store import FamilyKey, ProductKey
from catalog_service.feeds.store import Feed
from catalog_service.normalizing.evaluate import Failed
from catalog_service.normalizing.normalize import Normalized, Waiting

MERCHANT_SECONDS = 0.5
"""How long a turn evaluates one merchant's families, and another's wait behind the costliest."""
TURN_SECONDS = 10.0
"""How long a turn evaluates: far less than a transaction may stay open."""


@dataclass(frozen=True)
class Task:
    """One family to evaluate for one feed."""

    family: FamilyKey
    feed: Feed
    traceparent: str | None
    changed_at: datetime | None = None
    """When the oldest of the changes came in that it takes up."""

    @cached_property
    def key(self) -> ProductKey:
        """(merchant, feed, family)"""
        return self.feed.merchant_id, self.feed.feed_id, self.family[2]


@dataclass
class Turn:
    """The tasks of a turn, sorted by what became of them, and the seconds each merchant took;
    `at` is the time all of them are evaluated for."""

    at: datetime

    normalized: list[tuple[Task, Normalized]] = field(default_factory=list)
    waiting: list[tuple[Task, Waiting]] = field(default_factory=list)
    failed: list[tuple[Task, Failed]] = field(default_factory=list)
    put_off: list[Task] = field(default_factory=list)
    unchanged: list[Task] = field(default_factory=list)
    """Those whose stored result stands, since they would be evaluated from the same."""
    inputs: dict[ProductKey, bytes] = field(default_factory=dict)
    """What those in `normalized` were evaluated from."""
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def has_time_for(self, task: Task) -> bool:
        """Whether the merchant, and the turn, have seconds left."""
        own = self.seconds.get(task.feed.merchant_id, 0.0)
        return own < MERCHANT_SECONDS and sum(self.seconds.values()) < TURN_SECONDS

    def note_inputs(self, task: Task, inputs: bytes | None) -> None:
        """Note what the task was evaluated from, where that is known."""
        if inputs is not None:
            self.inputs[task.key] = inputs

    def slow_merchants(self) -> set[str]:
        """Those that used up their seconds."""
        return {merchant for merchant, own in self.seconds.items() if own >= MERCHANT_SECONDS}

    def sort_in(self, task: Task, result: Normalized | Waiting | Failed) -> None:
        """Note what became of the task."""
        if isinstance(result, Normalized):
            self.normalized.append((task, result))
        elif isinstance(result, Waiting):
            self.waiting.append((task, result))
        else:
            self.failed.append((task, result))
