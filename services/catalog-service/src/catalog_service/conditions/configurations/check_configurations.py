"""Compile each feed's configuration once after it was saved and once after each upgrade, so that it
is known which cannot be used, whether any product of theirs changes or not."""

import asyncio
from importlib.metadata import version

import structlog

from catalog_service.conditions.configurations import store
from catalog_service.conditions.configurations.store import Unchecked
from catalog_service.feeds.stored import compile_body
from common import clock
from common.errors import Refusal
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work

log = structlog.get_logger()

RELEASE = version("catalog-service")
AT_ONCE = 20


class ConfigurationCheck:
    """The job; `release` names the software. While two releases run side by side, none compiles
    again what the other has since it began."""

    def __init__(self, pool: Pool, *, release: str = RELEASE) -> None:
        self._pool = pool
        self._release = release
        self._began_at = clock.now()

    async def run(self) -> bool:
        """Compile the next; whether there may be more."""
        async with reading(self._pool) as connection:
            unchecked = await store.list_unchecked(
                connection, self._release, before=self._began_at, limit=AT_ONCE
            )
        for feed in unchecked:
            problem = await asyncio.to_thread(find_problem, feed)
            if problem is not None:
                log.warning(
                    "configuration.unusable",
                    merchant=feed.merchant_id,
                    feed=feed.feed_id,
                    version=feed.version,
                    reason=problem,
                )
            async with unit_of_work(self._pool) as connection:
                await store.save_check(connection, feed, self._release, problem)
        return len(unchecked) == AT_ONCE


def find_problem(feed: Unchecked) -> str | None:
    """Why the configuration cannot be used; None where it can."""
    try:
        compile_body(feed.merchant_id, feed.feed_id, feed.version, feed.body)
    except Refusal as refusal:
        return refusal.title
    except Exception as error:
        log.exception("feed.compile_failed", merchant=feed.merchant_id, feed=feed.feed_id)
        return f"the channel failed on it ({type(error).__name__})"
    return None
