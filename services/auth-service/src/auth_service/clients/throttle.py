"""Who tries wrong credentials again and again has to wait (security X8). In memory, per replica.

A client is held back from one address only, so that nobody can lock a client out by guessing at it.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import timedelta

from common.errors import Refusal

PER_CLIENT = 10
"""Wrong secrets for one client from one address within `WINDOW`."""
PER_ADDRESS = 300
"""Wrong credentials of any kind from one address within `WINDOW`."""
WINDOW = timedelta(minutes=1)
REMEMBERED = 10_000
"""Keys that are counted at once; the least recently counted are forgotten first."""


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


class Throttle:
    """Counts failures by client and address, in windows of `WINDOW`."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._failures: OrderedDict[tuple[str, ...], tuple[float, int]] = OrderedDict()

    def admit(self, client_id: str, address: str) -> None:
        """Raises `TooManyAttempts` where too many attempts have failed."""
        for key, most in _limits(client_id, address):
            began, failures = self._count(key)
            if failures >= most:
                left = WINDOW.total_seconds() - (self._now() - began)
                raise TooManyAttempts(timedelta(seconds=max(1, round(left))))

    def failed(self, client_id: str, address: str) -> None:
        """Count a failure."""
        for key, _ in _limits(client_id, address):
            began, failures = self._count(key)
            self._failures[key] = (began, failures + 1)
            self._failures.move_to_end(key)
        while len(self._failures) > REMEMBERED:
            self._failures.popitem(last=False)

    def _count(self, key: tuple[str, ...]) -> tuple[float, int]:
        """When the key's window began, and its failures since."""
        now = self._now()
        began, failures = self._failures.get(key, (now, 0))
        return (now, 0) if now - began >= WINDOW.total_seconds() else (began, failures)


def _limits(client_id: str, address: str) -> tuple[tuple[tuple[str, ...], int], ...]:
    return ((client_id, address), PER_CLIENT), ((address,), PER_ADDRESS)
