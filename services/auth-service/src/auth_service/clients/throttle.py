"""Who tries wrong credentials again and again has to wait (security X8). In memory, per replica.

A client is held back from one address only, so that nobody can lock a client out by guessing at it.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from common.errors import Refusal

PER_CLIENT = 10
"""Wrong secrets for one client from one address within `WINDOW`."""
PER_ADDRESS = 300
"""Wrong credentials of any kind from one address within `WINDOW`."""
WINDOW = timedelta(minutes=1)
REMEMBERED = 10_000
"""Keys that are counted at once; the least recently counted are forgotten first."""


Key = tuple[str, ...]


@dataclass(frozen=True)
class Limit:
    """How many attempts of a kind may fail within a time."""

    key: Key
    most: int
    window: timedelta = WINDOW


class TooManyAttempts(Refusal):
    """Too many wrong credentials came from there; the right ones have to wait too."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(
            "too many wrong credentials came from this address",
            status=429,
            slug="too-many-attempts",
            remedy=f"Wait {int(wait.total_seconds())} seconds, and compare id and secret with what "
            "was shown when the client was made.",
            retry_after=wait,
        )


class FailureCounts:
    """Counts by key, each in a window of its own. Forgets the least recently counted first."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._failures: OrderedDict[Key, tuple[float, int]] = OrderedDict()

    def wait_of(self, limits: Sequence[Limit]) -> timedelta | None:
        """How long to wait until none of the limits is reached; None: not at all."""
        waits = []
        for limit in limits:
            began, failures = self._count(limit)
            if failures >= limit.most:
                left = limit.window.total_seconds() - (self._now() - began)
                waits.append(timedelta(seconds=max(1, round(left))))
        return max(waits, default=None)

    def add(self, limits: Sequence[Limit], number: int = 1) -> None:
        """Count one more of each, or with -1 take one back."""
        for limit in limits:
            began, failures = self._count(limit)
            self._failures[limit.key] = (began, max(0, failures + number))
            self._failures.move_to_end(limit.key)
        while len(self._failures) > REMEMBERED:
            self._failures.popitem(last=False)

    def _count(self, limit: Limit) -> tuple[float, int]:
        """When the key's window began, and its failures since."""
        now = self._now()
        began, failures = self._failures.get(limit.key, (now, 0))
        return (now, 0) if now - began >= limit.window.total_seconds() else (began, failures)


class Throttle:
    """Counts failures by client and address, in windows of `WINDOW`."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._counts = FailureCounts(now)

    def admit(self, client_id: str, address: str) -> None:
        """Raises `TooManyAttempts` where too many attempts have failed."""
        wait = self._counts.wait_of(_limits(client_id, address))
        if wait is not None:
            raise TooManyAttempts(wait)

    def failed(self, client_id: str, address: str) -> None:
        """Count a failure."""
        self._counts.add(_limits(client_id, address))


def _limits(client_id: str, address: str) -> tuple[Limit, Limit]:
    return Limit((client_id, address), PER_CLIENT), Limit((address,), PER_ADDRESS)
