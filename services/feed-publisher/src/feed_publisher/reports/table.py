"""A run's report as CSV, a line per item, page by page: runs of a million items have one, too."""

from collections.abc import AsyncIterator, Sequence

from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading
from common.web.spreadsheets import csv_lines
from feed_publisher.reports.store import ItemRow, list_items
from feed_publisher.reports.views import item_cause

PAGE = 1_000
COLUMNS = (
    "item", "product", "skus", "action", "status", "aliexpress_product_id", "code", "message",
    "explanation", "remedy",
)  # fmt: skip


async def csv_table(pool: Pool, merchant_id: str, run_id: str) -> AsyncIterator[str]:
    """The run's items and what became of each."""
    yield csv_lines([COLUMNS])
    async for page in _pages(pool, merchant_id, run_id):
        yield csv_lines(_cells(item) for item in page)


async def _pages(pool: Pool, merchant_id: str, run_id: str) -> AsyncIterator[Sequence[ItemRow]]:
    after = 0
    while True:
        async with reading(pool) as connection:
            page = await list_items(connection, merchant_id, run_id, after=after, limit=PAGE)
        if not page:
            return
        yield page
        after = page[-1].item_no


def _cells(item: ItemRow) -> list[str | int | None]:
    cause = item_cause(item)
    return [
        item.item_no,
        item.family_id,
        " ".join(item.sku_codes),
        item.action,
        item.status,
        item.marketplace_product_id,
        item.code,
        item.message,
        cause.explanation if cause else None,
        cause.remedy if cause else None,
    ]
