"""Calls for many shops side by side, of which a slow one keeps none waiting."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import timedelta

import structlog

from catalog_service.shops.store import ShopKey

log = structlog.get_logger()

PATIENCE_SECONDS = 1.0
FIRST_PAUSE = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(hours=1)
MOST_DOUBLINGS = 20


def pause_after(failures: int) -> timedelta:
    """How long to wait after so many failures in a row: doubled by each, at most an hour. Pure."""
    doublings = min(max(failures - 1, 0), MOST_DOUBLINGS)
    return min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)


class ShopTurns:
    """One piece of work at a time for each shop; who takes longer goes on beside the others."""

    def __init__(self) -> None:
        self._under_way: dict[ShopKey, asyncio.Task[bool]] = {}

    @property
    def busy(self) -> Collection[ShopKey]:
        """The shops whose work goes on."""
        return [*self._under_way]

    async def run(self, work: Mapping[ShopKey, Callable[[], Awaitable[bool]]]) -> bool:
        """Begin the work of these shops and wait a moment; whether any of it has done something."""
        started = [self._start(shop, begin) for shop, begin in work.items()]
        if not started:
            return False
        done, _ = await asyncio.wait(started, timeout=PATIENCE_SECONDS)
        return any(task.result() for task in done if not task.cancelled())

    def _start(self, shop: ShopKey, begin: Callable[[], Awaitable[bool]]) -> asyncio.Task[bool]:
        task = self._under_way[shop] = asyncio.create_task(_alone(shop, begin))
        task.add_done_callback(lambda _: self._under_way.pop(shop, None))
        return task

    async def aclose(self) -> None:
        """End what is under way."""
        tasks = [*self._under_way.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _alone(shop: ShopKey, begin: Callable[[], Awaitable[bool]]) -> bool:
    """The work of one shop, whose failure is its own."""
    try:
        return await begin()
    except Exception:
        log.exception("shop.turn_failed", merchant=shop[0], shop=shop[1])
        return False
