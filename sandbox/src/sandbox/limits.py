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


Reached = tuple[str, int]
"""The scope of a limit, and for how many more seconds it holds."""


class Limits:
    """Counts calls and turns away those over a limit."""

    def __init__(self, settings: Settings, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._now = now
        self._rates = (PER_SECOND | settings.rates) if settings.rate_limits else {}
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

    def check(self, operation: str, seller_id: str, *, is_old_form: bool = False) -> None:
        """Count a call. Raises `GatewayError` when a limit is reached."""
        reached = (
            self._banned(operation)
            or self._over_day()
            or (operation in self._rates and self._over_second(operation, seller_id))
        )
        if reached:
            scope, seconds = reached
            raise errors.limited(scope, seconds, is_old_form=is_old_form)

    def _banned(self, operation: str) -> Reached | None:
        if not self._bans:
            return None
        now = self._now()
        self._bans = [ban for ban in self._bans if ban[1] > now]
        for pattern, until in self._bans:
            if fnmatchcase(operation, pattern):
                return "app-api-access-count", math.ceil((until - now).total_seconds())
        return None

    def _over_day(self) -> Reached | None:
        if not self._settings.daily_quota:
            return None
        beijing = self._now().astimezone(BEIJING)
        if beijing.date().isoformat() != self._day:
            self._day, self._in_day = beijing.date().isoformat(), 0
        if self._in_day >= self._settings.daily_quota:
            midnight = beijing.replace(hour=0, minute=0, second=0, microsecond=0)
            remaining = midnight + timedelta(days=1) - beijing
            return "app-access-count", math.ceil(remaining.total_seconds())
        self._in_day += 1
        return None

    def _over_second(self, operation: str, seller_id: str) -> Reached | None:
        second = int(wall_seconds())
        if second != self._second:
            self._second = second
            self._in_second.clear()
        by_app, by_seller = self._rates[operation]
        seller_key = f"{operation} {seller_id}"
        if self._in_second[operation] >= by_app or (
            by_seller is not None and self._in_second[seller_key] >= by_seller
        ):
            return "api-access-count", 1
        self._in_second[operation] += 1
        self._in_second[seller_key] += 1
        return None
