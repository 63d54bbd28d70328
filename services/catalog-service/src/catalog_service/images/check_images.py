"""Check picture addresses in the background (M3.5): merchants in turn, few at once per host.

A check that ends makes room for the next at once; nothing waits for the slowest. So the job's turn
only claims and begins: the checks go on beside it.
"""

import asyncio
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from catalog_service.images.fetch_image import Verdict
from catalog_service.images.queue import CheckQueue, ImageKey
from catalog_service.images.store import (
    CHECKING_IMAGES,
    claim_due_checks,
    count_failures,
    save_verdict,
)
from common import clock
from common.postgres.pool import Connection, Pool
from common.postgres.set_aside import RowKey, alone
from common.postgres.unit_of_work import unit_of_work

JOB = "images"
CLAIMED_PER_MERCHANT = 100
MERCHANTS_PER_CLAIM = 50
CLAIM_LASTS = timedelta(minutes=5)
GOOD_FOR = timedelta(days=7)
BAD_FOR = timedelta(hours=1)
AWAY_FOR = timedelta(minutes=1)
AWAY_AT_MOST = timedelta(minutes=8)


class Fetcher(Protocol):
    """What looks at a picture; `ImageFetcher` is the one."""

    async def check(self, url: str) -> Verdict:
        """The verdict on the picture at this address."""


class ImageChecker:
    """The job that checks due addresses: `at_once` of each merchant, and so many `over_all`."""

    def __init__(self, pool: Pool, fetcher: Fetcher, *, at_once: int, over_all: int = 64) -> None:
        self._pool = pool
        self._fetcher = fetcher
        self._queue = CheckQueue(per_merchant=at_once, over_all=over_all)
        self._checks: set[asyncio.Task[None]] = set()
        self._failure: Exception | None = None

    @property
    def is_idle(self) -> bool:
        """Whether no check is under way."""
        return not self._checks

    async def run(self) -> bool:
        """Claim due addresses and begin what there is room for; whether any were due.

        Raises what a check has met since that was no address's failure: an outage.
        """
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        until = clock.now() + CLAIM_LASTS
        due = await self._claim(until)
        self._queue.add(due, until=until)
        self._begin()
        return bool(due)

    async def aclose(self) -> None:
        """End the checks under way; their addresses are due again when their claims end."""
        for check in self._checks:
            check.cancel()
        await asyncio.gather(*self._checks, return_exceptions=True)

    async def _claim(self, until: datetime) -> list[ImageKey]:
        """Addresses of merchants none of whose wait here; the fewer of each, the less room is."""
        per_merchant = min(CLAIMED_PER_MERCHANT, self._queue.room // MERCHANTS_PER_CLAIM)
        if not per_merchant:
            return []
        async with unit_of_work(self._pool) as connection:
            return await claim_due_checks(
                connection,
                JOB,
                until=until,
                without_merchants=self._queue.merchants_waiting,
                merchants=MERCHANTS_PER_CLAIM,
                per_merchant=per_merchant,
            )

    def _begin(self) -> None:
        while key := self._queue.begin(clock.now()):
            check = asyncio.create_task(self._follow(key), name="picture check")
            self._checks.add(check)
            check.add_done_callback(self._checks.discard)

    async def _follow(self, key: ImageKey) -> None:
        """One check to its end; then the next that there is room for."""
        try:
            await alone(self._pool, JOB, RowKey(*key), partial(self._check, key))
        except Exception as error:
            self._failure = error
        finally:
            self._queue.end(key)
        self._begin()
        if key[0] not in self._queue.merchants_waiting:
            CHECKING_IMAGES.wake()

    async def _check(self, key: ImageKey) -> None:
        verdict = await self._fetcher.check(key[1])
        if verdict.may_pass:
            self._queue.give_up(key)
        async with unit_of_work(self._pool) as connection:
            await keep_verdict(connection, key, verdict)


async def keep_verdict(connection: Connection, key: ImageKey, verdict: Verdict) -> None:
    """Keep what was found of a picture, until it is to be looked at again."""
    await save_verdict(
        connection,
        key,
        reason=verdict.reason,
        content_hash=verdict.content_hash,
        due_at=clock.now() + _lasts(verdict, await count_failures(connection, key)),
        may_pass=verdict.may_pass,
    )


def _lasts(verdict: Verdict, failures: int) -> timedelta:
    """How long a verdict holds; that of a server that may be back soon for minutes, doubled by
    each of the `failures` before."""
    if verdict.reason is None:
        return GOOD_FOR
    if not verdict.may_pass:
        return BAD_FOR
    return min(AWAY_FOR * (1 << min(failures, 10)), AWAY_AT_MOST)
