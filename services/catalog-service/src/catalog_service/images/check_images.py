"""Check picture addresses in the background: few at once per host, verdicts kept (M3.5)."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Protocol
from urllib.parse import urlsplit

from catalog_service.images.fetch_image import Verdict
from catalog_service.images.store import (
    ImageKey,
    claim_due_checks,
    count_failures,
    save_verdict,
)
from common import clock
from common.postgres.pool import Pool
from common.postgres.set_aside import RowKey, alone
from common.postgres.unit_of_work import unit_of_work

JOB = "images"
PER_TURN = 100
PER_HOST = 4
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
    """The job that checks due addresses."""

    def __init__(self, pool: Pool, fetcher: Fetcher, *, at_once: int) -> None:
        self._pool = pool
        self._fetcher = fetcher
        self._slots = asyncio.Semaphore(at_once)

    async def run(self) -> bool:
        """One turn; whether anything was due."""
        async with unit_of_work(self._pool) as connection:
            due = await claim_due_checks(
                connection, JOB, until=clock.now() + CLAIM_LASTS, limit=PER_TURN
            )
        hosts: dict[str, _Host] = defaultdict(_Host)
        checks = ((key, partial(self._check, key, hosts[_host(key[1])])) for key in due)
        await asyncio.gather(
            *(alone(self._pool, JOB, RowKey(*key), check) for key, check in checks)
        )
        return bool(due)

    async def _check(self, key: ImageKey, host: "_Host") -> None:
        async with host.slots:
            if host.is_away:
                return  # its other pictures are due again when the claim ends
            async with self._slots:
                verdict = await self._fetcher.check(key[1])
            host.is_away |= verdict.may_pass
        async with unit_of_work(self._pool) as connection:
            await save_verdict(
                connection,
                key,
                reason=verdict.reason,
                content_hash=verdict.content_hash,
                due_at=clock.now() + _lasts(verdict, await count_failures(connection, key)),
                may_pass=verdict.may_pass,
            )


@dataclass
class _Host:
    """A server within a turn: how many pictures are asked of it, and whether it is away."""

    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PER_HOST))
    is_away: bool = False


def _lasts(verdict: Verdict, failures: int) -> timedelta:
    """How long a verdict holds; that of a server that may be back soon for minutes, doubled by
    each of the `failures` before."""
    if verdict.reason is None:
        return GOOD_FOR
    if not verdict.may_pass:
        return BAD_FOR
    return min(AWAY_FOR * (1 << min(failures, 10)), AWAY_AT_MOST)


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""
