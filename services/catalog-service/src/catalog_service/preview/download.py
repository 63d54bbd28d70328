"""The whole preview as a download, page by page: JSON Lines by family, CSV by SKU (M6.1)."""

from collections.abc import AsyncIterator, Iterator

from catalog_service.feeds.store import Feed
from catalog_service.preview.store import list_normalized
from catalog_service.preview.views import ProductPreview, product_preview
from catalog_service.sources.store import list_families
from catalog_service.sources.views import product_view
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading
from common.web.spreadsheets import csv_lines

PAGE = 200
COLUMNS = (
    "product", "sku", "state", "title", "category_id", "category_path", "price", "discount_price",
    "currency", "stock", "errors", "advice", "issues", "aliexpress_status", "aliexpress_product_id",
)  # fmt: skip

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


async def _pages(pool: Pool, feed: Feed) -> AsyncIterator[list[ProductPreview]]:
    after = ""
    while True:
        async with reading(pool) as connection:
            found = await list_normalized(connection, feed, after=after, limit=PAGE)
            names = [product.event.family_id for product in found]
            rows = await list_families(connection, feed.merchant_id, feed.catalogue_id, names)
        yield [
            product_preview(product, [product_view(row) for row in rows[name]])
            for name, product in zip(names, found, strict=True)
        ]
        if len(found) < PAGE:
            return
        after = names[-1]


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
            "; ".join(f"{issue.rule} {issue.field}: {issue.message}" for issue in issues),
            preview.report_status,
            preview.marketplace_product_id,
        ]
