"""Quotas and bans: the app's calls per day, some methods' calls per second, bans by hand.

Days and bans go by the sandbox's clock, seconds by the wall's: a frozen clock must not turn one
second into for ever.
"""

import math
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from sandbox import errors
from sandbox.clock import BEIJING, wall_seconds
from sandbox.settings import Settings

_SCHEMA_METHODS = (
    "aliexpress.solution.product.schema.get",
    "aliexpress.solution.schema.product.instance.post",
    "aliexpress.solution.schema.product.full.update",
)
PER_SECOND: dict[str, tuple[int, int | None]] = {
    "aliexpress.solution.product.info.get": (80, None),
    **dict.fromkeys(_SCHEMA_METHODS, (200, 25)),
}
"""Calls per second by app, and by seller where a limit is known (reference section 7)."""


class Limits:
    """Counts calls and turns away those over a limit."""

    def __init__(self, settings: Settings, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._now = now
        self._second = 0
        self._in_second: Counter[str] = Counter()
        self._day = ""
        self._in_day = 0
        self._bans: list[tuple[str, datetime]] = []

    def ban(self, operation: str, seconds: float) -> None:
        """Turn away every call of operations matching a pattern for a while."""
        self._bans.append((operation, self._now() + timedelta(seconds=seconds)))

    def clear(self) -> None:
        """Lift every ban and forget every count."""
        self._bans.clear()
        self._in_second.clear()
        self._in_day = 0

    def check(self, operation: str, seller_id: str) -> None:
        """Count a call. Raises `GatewayError` when a limit is reached."""
        if self._bans:
            self._check_bans(operation)
        if self._settings.daily_quota:
            self._check_day()
        if self._settings.rate_limits and operation in PER_SECOND:
            self._check_second(operation, seller_id)

    def _check_bans(self, operation: str) -> None:
        now = self._now()
        self._bans = [ban for ban in self._bans if ban[1] > now]
        for pattern, until in self._bans:
            if fnmatchcase(operation, pattern):
                remaining = math.ceil((until - now).total_seconds())
                raise errors.limited("app-api-access-count", remaining)

    def _check_day(self) -> None:
        beijing = self._now().astimezone(BEIJING)
        if beijing.date().isoformat() != self._day:
            self._day, self._in_day = beijing.date().isoformat(), 0
        if self._in_day >= self._settings.daily_quota:
            midnight = beijing.replace(hour=0, minute=0, second=0, microsecond=0)
            remaining = midnight + timedelta(days=1) - beijing
            raise errors.limited("app-access-count", math.ceil(remaining.total_seconds()))
        self._in_day += 1

    def _check_second(self, operation: str, seller_id: str) -> None:
        second = int(wall_seconds())
        if second != self._second:
            self._second = second
            self._in_second.clear()
        by_app, by_seller = PER_SECOND[operation]
        seller_key = f"{operation} {seller_id}"
        if self._in_second[operation] >= by_app or (
            by_seller is not None and self._in_second[seller_key] >= by_seller
        ):
            raise errors.limited("api-access-count", 1)
        self._in_second[operation] += 1
        self._in_second[seller_key] += 1
