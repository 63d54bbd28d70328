"""Check picture addresses in the background: few at once per host, verdicts kept (M3.5)."""

import asyncio
from collections import defaultdict
from datetime import timedelta
from urllib.parse import urlsplit

from catalog_service.images.fetch_image import ImageFetcher, Verdict
from catalog_service.images.store import ImageKey, claim_due_checks, save_verdict
from common import clock
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work

PER_TURN = 100
PER_HOST = 4
CLAIM_LASTS = timedelta(minutes=5)
GOOD_FOR = timedelta(days=7)
BAD_FOR = timedelta(hours=1)
AWAY_FOR = timedelta(minutes=10)


class ImageChecker:
    """The job that checks due addresses."""

    def __init__(self, pool: Pool, fetcher: ImageFetcher, *, at_once: int) -> None:
        self._pool = pool
        self._fetcher = fetcher
        self._slots = asyncio.Semaphore(at_once)

    async def run(self) -> bool:
        """One turn; whether anything was due."""
        async with unit_of_work(self._pool) as connection:
            due = await claim_due_checks(
                connection, until=clock.now() + CLAIM_LASTS, limit=PER_TURN
            )
        hosts: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(PER_HOST))
        await asyncio.gather(*(self._check(key, hosts[_host(key[1])]) for key in due))
        return bool(due)

    async def _check(self, key: ImageKey, host: asyncio.Semaphore) -> None:
        async with host, self._slots:
            verdict = await self._fetcher.check(key[1])
        async with unit_of_work(self._pool) as connection:
            await save_verdict(
                connection,
                key,
                reason=verdict.reason,
                content_hash=verdict.content_hash,
                due_at=clock.now() + _lasts(verdict),
            )


def _lasts(verdict: Verdict) -> timedelta:
    if verdict.reason is None:
        return GOOD_FOR
    return AWAY_FOR if verdict.may_pass else BAD_FOR


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""
