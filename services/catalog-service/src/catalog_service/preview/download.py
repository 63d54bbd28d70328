"""The whole preview as a download, page by page: JSON Lines by family, CSV by SKU, and a workbook
with a sheet of SKUs and one of source fields (M6.1)."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Literal

from catalog_service.families.store import load_waits
from catalog_service.feeds.store import Feed
from catalog_service.photo_bank.store import load_requested
from catalog_service.preview.store import ShownProduct, list_normalized
from catalog_service.preview.views import ProductPreview, photos_of, product_preview
from catalog_service.sources.store import list_families
from catalog_service.sources.views import product_view
from common.postgres.pool import Connection, Pool
from common.postgres.unit_of_work import reading
from common.web.spreadsheets import csv_lines
from common.web.workbooks import MEDIA_TYPE, Cell, WorkbookStream

PAGE = 200
MOST_FIELDS = 1_000
"""Source fields with a column of their own; further ones stand together in the last."""
SOURCE_COLUMNS = ("product", "source product", "parent")
COLUMNS = (
    "product", "sku", "state", "title", "category_id", "category_path", "price", "discount_price",
    "currency", "stock", "errors", "advice", "quality", "issues", "aliexpress_status",
    "aliexpress_product_id",
)  # fmt: skip

PRICES = tuple(COLUMNS.index(name) for name in ("price", "discount_price"))

Cells = list[str | int | None]


async def json_lines(pool: Pool, feed: Feed) -> AsyncIterator[str]:
    """A family a line, its source fields and request body with it."""
    async for page in _pages(pool, feed):
        for preview in page:
            yield preview.model_dump_json() + "\n"


async def csv_table(pool: Pool, feed: Feed) -> AsyncIterator[str]:
    """A SKU a line; a family without one has a line too."""
    yield csv_lines([COLUMNS])
    async for page in _pages(pool, feed):
        yield csv_lines(cells for preview in page for cells in _rows(preview))


async def workbook(pool: Pool, feed: Feed) -> AsyncIterator[bytes]:
    """A sheet with a row for each SKU, as in the CSV, and one with a row for each source product.

    The feed is read twice, so that the columns of the second sheet are known when it begins; rows
    that came between are in it, and fields of theirs that nobody had in its last column.
    """
    stream = WorkbookStream()
    fields: dict[str, None] = {}
    stream.begin_sheet("Products", COLUMNS)
    async for page in _pages(pool, feed):
        fields |= dict.fromkeys(
            name for each in page for row in each.sources for name in row.fields
        )
        await asyncio.to_thread(stream.add_rows, _numbered(page))
        yield stream.take()
    columns = [*fields][:MOST_FIELDS]
    stream.begin_sheet("Source fields", [*SOURCE_COLUMNS, *columns, "other fields"])
    async for page in _pages(pool, feed):
        await asyncio.to_thread(stream.add_rows, _source_rows(page, columns))
        yield stream.take()
    stream.finish()
    yield stream.take()


def _numbered(page: Sequence[ProductPreview]) -> Iterator[Sequence[Cell]]:
    """The SKUs' rows, prices as numbers."""
    for preview in page:
        for cells in _rows(preview):
            row: list[Cell] = [*cells]
            for place in PRICES:
                row[place] = None if cells[place] is None else Decimal(str(cells[place]))
            yield row


def _source_rows(page: Sequence[ProductPreview], columns: Sequence[str]) -> Iterator[list[Cell]]:
    named = frozenset(columns)
    for preview in page:
        for row in preview.sources:
            others = {name: value for name, value in row.fields.items() if name not in named}
            yield [
                preview.family_id,
                row.product_id,
                row.parent_id,
                *(_shown(row.fields.get(name)) for name in columns),
                json.dumps(others, ensure_ascii=False) if others else None,
            ]


def _shown(value: object) -> Cell:
    """A source field in a cell; what is no text stands as the JSON it came as."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


async def _pages(pool: Pool, feed: Feed) -> AsyncIterator[list[ProductPreview]]:
    after = ""
    while True:
        async with reading(pool) as connection:
            found = await list_normalized(connection, feed, after=after, limit=PAGE)
            page = await _previews(connection, feed, found)
        yield page
        if len(found) < PAGE:
            return
        after = found[-1].event.family_id


async def _previews(
    connection: Connection, feed: Feed, found: Sequence[ShownProduct]
) -> list[ProductPreview]:
    names = [product.event.family_id for product in found]
    merchant, shop = feed.merchant_id, feed.shop_id
    rows = await list_families(connection, merchant, feed.catalogue_id, names)
    waits = await load_waits(connection, [(merchant, feed.feed_id, name) for name in names])
    pictures = {(merchant, shop, url) for product in found for url in product.image_urls}
    photos = await load_requested(connection, pictures)
    return [
        product_preview(
            product,
            [product_view(row) for row in rows[name]],
            waits_for=waits.get((merchant, feed.feed_id, name)),
            photos=photos_of(product, photos, feed),
        )
        for name, product in zip(names, found, strict=True)
    ]


def _rows(preview: ProductPreview) -> Iterator[Cells]:
    offers = {offer["sku_code"]: offer for offer in preview.offers or ()}
    stock = {sku["sku_code"]: sku["inventory"] for sku in preview.stock or ()}
    codes: list[str | None] = [*preview.sku_codes] or [None]
    for code in codes:
        offer = offers.get(code, {})
        issues = [issue for issue in preview.issues if issue.sku in {None, code}]
        yield [
            preview.family_id,
            code,
            preview.state,
            preview.title,
            preview.category_id,
            preview.category_path,
            offer.get("price"),
            offer.get("discount_price"),
            offer.get("currency"),
            stock.get(code),
            sum(issue.severity == "error" for issue in issues),
            sum(issue.severity != "error" for issue in issues),
            preview.quality,
            "; ".join(f"{issue.rule} {issue.field}: {issue.message}" for issue in issues),
            preview.report_status,
            preview.marketplace_product_id,
        ]


Form = Literal["jsonl", "csv", "xlsx"]
FORMS: Mapping[Form, tuple[Callable[[Pool, Feed], AsyncIterator[str | bytes]], str]] = {
    "jsonl": (json_lines, "application/x-ndjson"),
    "csv": (csv_table, "text/csv; charset=utf-8"),
    "xlsx": (workbook, MEDIA_TYPE),
}
"""How the preview may be had: what writes it, and its media type."""
