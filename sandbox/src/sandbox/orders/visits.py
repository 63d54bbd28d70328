"""Buyers who come by themselves, evenly over the day of the sandbox's clock."""

from datetime import datetime, timedelta

import msgspec

from sandbox.context import Context
from sandbox.orders.service import NothingToOrder, OrderService
from sandbox.sellers import SELLERS

CATCH_UP_MAX = 1_000
"""Orders placed at once after the clock jumped; more would only take long."""


class Visit(msgspec.Struct):
    """When a shop's next buyer comes, and how many came."""

    due_at: datetime
    count: int = 0


class Visits:
    """Places `orders_per_day` in each shop, on whatever is on sale there."""

    def __init__(self, context: Context, visits: dict[str, Visit], orders: OrderService) -> None:
        self._settings = context.settings
        self._now = context.now
        self._visits = visits
        self._orders = orders

    def advance(self) -> None:
        """Let every buyer order who should have come by now."""
        if not self._settings.orders_per_day:
            return
        now = self._now()
        pause = timedelta(days=1) / self._settings.orders_per_day
        for seller_id in SELLERS:
            visit = self._visits.setdefault(seller_id, Visit(now + pause))
            for _ in range(CATCH_UP_MAX):
                if visit.due_at > now:
                    break
                self._place_order(seller_id, visit)
                visit.due_at += pause
            visit.due_at = max(visit.due_at, now)

    def _place_order(self, seller_id: str, visit: Visit) -> None:
        try:
            self._orders.place(
                seller_id,
                self._settings.seed,
                1,
                journey="mixed",
                first=visit.count + 1,
                at=visit.due_at,
            )
        except NothingToOrder:
            return
        visit.count += 1
