"""The job that summarises catalogues: page by page, one catalogue of a merchant at a time."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from catalog_service.fields.store import CatalogueKey, list_requested, save_summary
from catalog_service.fields.summary import Counting, Summary
from catalog_service.sources.store import SourceProduct, list_products
from common.postgres.leases import check_lease, hold_lease
from common.postgres.pool import Pool
from common.postgres.set_aside import RowKey, alone
from common.postgres.unit_of_work import reading, unit_of_work

JOB = "summaries"
PAGE = 1_000
CATALOGUES_PER_TURN = 20
FIRST_PRODUCTS = 1_000
"""How many products answer for a catalogue that was never summarised."""


class Summariser:
    """The job, each catalogue's turn held by one replica at a time."""

    def __init__(self, pool: Pool, *, holder: str) -> None:
        self._pool = pool
        self._holder = holder

    async def run(self) -> bool:
        """Summarise the catalogues that were asked for; whether there were any."""
        async with reading(self._pool) as connection:
            requested = await list_requested(connection, JOB, limit=CATALOGUES_PER_TURN)
        done = False
        for key, requested_at in requested:
            work = partial(self._summarise, key, requested_at)
            done = bool(await alone(self._pool, JOB, RowKey(*key), work)) or done
        return done

    async def _summarise(self, key: CatalogueKey, requested_at: datetime) -> bool:
        name = "catalog.summary:" + "/".join(key)
        async with hold_lease(self._pool, name, self._holder) as lease:
            if lease is None:
                return False
            summary = await count_fields(self._pool, key)
            async with unit_of_work(self._pool) as connection:
                await check_lease(connection, lease)
                await save_summary(connection, key, summary, requested_at=requested_at)
        return True


async def count_fields(pool: Pool, key: CatalogueKey, *, most: int | None = None) -> Summary:
    """Count the catalogue's fields, or those of its first `most` products."""
    counting = Counting()
    after = ""
    while True:
        async with reading(pool) as connection:
            page = await list_products(connection, *key, after=after, limit=PAGE)
        await asyncio.to_thread(_count, counting, page)
        if len(page) < PAGE:
            return counting.result(is_sample=False)
        if most is not None and counting.products >= most:
            return counting.result(is_sample=True)
        after = page[-1].product_id


def _count(counting: Counting, page: Sequence[SourceProduct]) -> None:
    for product in page:
        counting.add(product.fields)
