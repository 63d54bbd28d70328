"""Read all orders of a shop that changed within a time, though pages shift while they are read.

An order that changes moves to another page, and one that leaves the list (FINISH is asked for
apart) pulls its successors onto pages already read. A reading therefore counts only if the number
of orders reported stayed the same over all its pages and as many were seen; else it is read again.
What still moves unseen has changed since the reading began, and the next window holds it.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Literal

from aliexpress.client import Client
from aliexpress.operation import AccessToken
from aliexpress.orders import FINISHED, OrderPage, list_orders
from common.errors import Outage

MAX_READINGS = 5
MAX_PAGES = 2_000

QUERIES: tuple[tuple[str, ...], ...] = ((), (FINISHED, "ARCHIVE"))
"""The statuses asked for, one query each: without any, orders that have ended are left out."""


class PagesUnstable(Outage):
    """The list changed during every reading; the window is to be read again later."""


class Reading:
    """One pass over all pages of a query."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._counts: set[int | None] = set()

    def take(self, page: OrderPage) -> None:
        """Count a page in."""
        self._counts.add(page.total_count)
        self._seen.update(order.order_id for order in page.orders)
        self._seen.update(order.raw for order in page.unreadable)

    @property
    def is_complete(self) -> bool:
        """Whether nothing can have been missed; AliExpress leaves some orders out of its count."""
        if len(self._counts) != 1:
            return False
        [count] = self._counts
        return count is None or len(self._seen) >= count


TimeOf = Literal["modified", "created"]
"""Which of an order's times a query bounds."""


async def read_orders(
    client: Client,
    token: AccessToken,
    bounds: tuple[datetime, datetime],
    statuses: tuple[str, ...],
    by: TimeOf = "modified",
) -> AsyncIterator[OrderPage]:
    """All pages of a query, again from the first until a reading was complete.

    The same order may come several times. Raises `PagesUnstable`, and what `list_orders` raises.
    """
    for _ in range(MAX_READINGS):
        reading = Reading()
        async for page in _read_once(client, token, bounds, statuses, by):
            reading.take(page)
            yield page
        if reading.is_complete:
            return
    raise PagesUnstable(f"the order list changed during {MAX_READINGS} readings")


async def _read_once(
    client: Client,
    token: AccessToken,
    bounds: tuple[datetime, datetime],
    statuses: tuple[str, ...],
    by: TimeOf,
) -> AsyncIterator[OrderPage]:
    modified_from, modified_to = bounds if by == "modified" else (None, None)
    created_from, created_to = bounds if by == "created" else (None, None)
    for number in range(1, MAX_PAGES + 1):
        page = await list_orders(
            client,
            token,
            modified_from=modified_from,
            modified_to=modified_to,
            created_from=created_from,
            created_to=created_to,
            statuses=statuses,
            page=number,
        )
        yield page
        if not page.has_more:
            return
    raise PagesUnstable(f"the order list has no end after {MAX_PAGES} pages")
