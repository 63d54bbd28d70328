"""What a catalogue's fields hold, for those who look at it: counted before, or of the first
products."""

from datetime import timedelta

from catalog_service.fields.store import StoredSummary, find_summary, request_summary
from catalog_service.fields.summarise import FIRST_PRODUCTS, count_fields
from catalog_service.sources.store import load_catalogue
from common import clock
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work

FRESH = timedelta(minutes=10)
"""How old a summary may be before reading it asks for a newer one."""


async def read_summary(pool: Pool, merchant_id: str, catalogue_id: str) -> StoredSummary:
    """The last summary, a newer one asked for where it is old; the first products' where there is
    none."""
    async with reading(pool) as connection:
        await load_catalogue(connection, merchant_id, catalogue_id)
        found = await find_summary(connection, merchant_id, catalogue_id)
    is_old = found is None or clock.now() - found.made_at > FRESH
    if is_old:
        async with unit_of_work(pool) as connection:
            await request_summary(connection, merchant_id, catalogue_id)
    if found is not None:
        return found
    first = await count_fields(pool, (merchant_id, catalogue_id), most=FIRST_PRODUCTS)
    return StoredSummary(first, clock.now(), is_awaited=True)
