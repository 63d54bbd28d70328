"""Whose file a process reads next: merchants take turns, and what failed for a time waits."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from catalog_service.files.store import Import

FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 300.0


@dataclass(frozen=True)
class _Wait:
    seconds: float
    ends_at: float


class Turns:
    """What the import jobs of one process know of each other."""

    def __init__(self) -> None:
        self._busy: set[str] = set()
        self._served: dict[str, int] = {}
        self._waits: dict[int, _Wait] = {}

    @property
    def busy(self) -> frozenset[str]:
        """The merchants whose file is being read."""
        return frozenset(self._busy)

    def postponed(self) -> list[int]:
        """The imports that an outage interrupted and whose wait is not over."""
        now = time.monotonic()
        return [import_id for import_id, wait in self._waits.items() if wait.ends_at > now]

    def in_order(self, ready: Iterable[Import]) -> list[Import]:
        """Who was served longest ago comes first; otherwise as they are."""
        return sorted(ready, key=lambda waiting: self._served.get(waiting.merchant_id, 0))

    @contextmanager
    def take(self, waiting: Import) -> Iterator[bool]:
        """The merchant's turn, if it has none yet; what is done in it ends its wait."""
        merchant = waiting.merchant_id
        if merchant in self._busy:
            yield False
            return
        self._busy.add(merchant)
        self._served[merchant] = max(self._served.values(), default=0) + 1
        try:
            yield True
            self._waits.pop(waiting.import_id, None)
        finally:
            self._busy.remove(merchant)

    def postpone(self, waiting: Import) -> None:
        """Let the import wait, twice as long as the last time."""
        last = self._waits.get(waiting.import_id)
        seconds = (
            FIRST_WAIT_SECONDS if last is None else min(2 * last.seconds, LONGEST_WAIT_SECONDS)
        )
        self._waits[waiting.import_id] = _Wait(seconds, time.monotonic() + seconds)
