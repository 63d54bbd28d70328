"""feed-publisher: a feed's desired products, what AliExpress accepted of them, and its runs."""

from collections.abc import Iterator
from typing import Any

import msgspec
from bench.listed.filling import MERCHANT, Question, fill
from bench.plans import NAME, desired

from feed_publisher.app import SERVICE  # noqa: F401 - `bench/lists.py` asks each module for it
from feed_publisher.listings.change import Change
from feed_publisher.listings.listing import AcceptedState

SCOPES = "runs:read feeds:read dead-letters:read operator"
FAMILY = "'p' || lpad(n::text, 7, '0')"
ONCE = (
    """INSERT INTO feed (merchant_id, feed_id, revision, shop_id, catalogue_id, main_locale,
        configuration_version, lifecycle, confirmed_at)
    SELECT $3, 'f', 1, 's', 'c', 'en_US', 1, 'active', '2026-01-01'
    WHERE $1::bigint = 0 AND $2::bigint >= 0""",
    """INSERT INTO shop (merchant_id, shop_id, revision, is_eligible, connection, generation)
    SELECT $3, 's', 1, true, 'connected', 1 WHERE $1::bigint = 0 AND $2::bigint >= 0""",
    """INSERT INTO feed_run (merchant_id, run_id, feed_id, shop_id, kind, cause, is_dry_run, state,
        asked_at)
    SELECT $3, 'old-' || n, 'f', 's', 'offer', 'schedule', false, 'completed',
        '2025-12-01'::timestamptz + n * interval '1 minute'
    FROM generate_series(1 + $1::bigint, 500 + 0 * $2::bigint) AS n""",
    """INSERT INTO feed_run (merchant_id, run_id, feed_id, shop_id, kind, cause, is_dry_run, state,
        asked_at)
    SELECT $3, 'big', 'f', 's', 'product', 'schedule', false, 'completed_with_errors', '2026-01-01'
    WHERE $1::bigint = 0 AND $2::bigint >= 0""",
)
ITEMS = f"""INSERT INTO run_item (merchant_id, run_id, item_no, feed_id, family_id, action, status,
        is_removal, desired_revision, sku_codes, change, code, message, decided_at)
    SELECT $3, 'big', n + 1, 'f', {FAMILY}, CASE WHEN n % 3 = 0 THEN 'create' ELSE 'update' END,
        CASE WHEN n % 200 = 7 THEN 'rejected' WHEN n % 1000 = 1 THEN 'deferred' ELSE 'accepted' END,
        false, 1, ARRAY[{FAMILY}], convert_to($6, 'UTF8'),
        CASE WHEN n % 200 = 7 THEN 'F00-' || n % 3 END,
        CASE WHEN n % 200 = 7 THEN 'The brand of product ' || n % 50 || ' is not authorised' END,
        '2026-01-01'
    FROM generate_series($1::bigint, $2::bigint) AS n"""
"""The items of a run: its statement needs a change as its sixth parameter."""
ROWS = (
    f"""INSERT INTO desired_product (merchant_id, feed_id, family_id, revision, presence, document)
    SELECT $3, 'f', {FAMILY}, 1, CASE WHEN n % 100 = 99 THEN 'absent' ELSE 'present' END,
        convert_to(replace($4, '{NAME}', {FAMILY}), 'UTF8')
    FROM generate_series($1::bigint, $2::bigint) AS n""",
    f"""INSERT INTO listing (merchant_id, feed_id, family_id, shop_id, status,
        marketplace_product_id, document, drift, reported_status)
    SELECT $3, 'f', {FAMILY}, 's', 'live', '10' || n, convert_to($5, 'UTF8'),
        CASE WHEN n % 10000 = 17 THEN convert_to('[]', 'UTF8') END,
        CASE WHEN n % 200 = 7 THEN 'rejected' ELSE 'live' END
    FROM generate_series($1::bigint, $2::bigint) AS n WHERE n % 50 <> 3""",
    ITEMS,
    f"""INSERT INTO family_mark (merchant_id, feed_id, kind, family_id)
    SELECT $3, 'f', 'product', {FAMILY} FROM generate_series($1::bigint, $2::bigint) AS n
    WHERE n % 1000 = 5""",
    f"""INSERT INTO shortfall (merchant_id, feed_id, kind, family_id, causes)
    SELECT $3, 'f', 'product', {FAMILY}, convert_to('[]', 'UTF8')
    FROM generate_series($1::bigint, $2::bigint) AS n WHERE n % 500 = 9""",
    f"""INSERT INTO sku_claim (merchant_id, shop_id, sku_code, feed_id, family_id, claimed_at)
    SELECT $3, 's', {FAMILY}, 'f', {FAMILY}, '2026-01-01'
    FROM generate_series($1::bigint, $2::bigint) AS n""",
    f"""INSERT INTO adoption_candidate (merchant_id, feed_id, family_id, marketplace_product_id,
        sku_codes, skus_in_shop, has_same_title, same_barcodes, found_at)
    SELECT $3, 'f', {FAMILY}, '99' || n, ARRAY[{FAMILY}], 1, true, '{{}}', '2026-01-01'
    FROM generate_series($1::bigint, $2::bigint) AS n WHERE n % 200 = 3""",
)


async def fill_all(url: str, merchant: str, rows: int) -> None:
    """The merchant's feed of so many products; one run had an item of each."""
    await fill(url, merchant, 1, ONCE)
    product = msgspec.json.encode(desired("20.00")).decode()
    listing = msgspec.json.encode(AcceptedState())
    change = msgspec.json.encode(Change())
    await fill(url, merchant, rows, ROWS, product, listing.decode(), change.decode())


def settings() -> dict[str, Any]:
    """What the service is configured with."""
    return {"auth_url": "http://127.0.0.1:9"}


def questions(rows: int) -> Iterator[Question]:
    """What is asked: every list, search and count of the service."""
    middle = f"p{rows // 2:07d}"
    merchant = f"/v1/merchants/{MERCHANT}"
    feed, run = f"{merchant}/feeds/f", f"{merchant}/runs/big"
    yield Question("feeds", f"{merchant}/feeds")
    yield Question("feeds/{feed_id}", feed)
    yield Question(".../runs", f"{feed}/runs")
    yield Question("runs/{run_id}", run)
    yield Question(".../report", f"{run}/report")
    for action in ("create", "delete"):
        yield Question(".../plan", f"{run}/plan?action={action}", action, deep=[rows // 2])
    yield Question(".../plan", f"{run}/plan", deep=[rows // 2])
    for status in ("accepted", "rejected", "withheld"):
        yield Question(".../items", f"{run}/items?status={status}", status, deep=[rows // 2])
    yield Question(".../items", f"{run}/items", deep=[rows // 2])
    yield Question(".../products", f"{feed}/products", deep=[middle])
    for status in ("live", "rejected", "deleted", "pending", "drifted"):
        yield Question(".../products", f"{feed}/products?status={status}", status, deep=[middle])
    yield Question(".../products/{family_id}", f"{feed}/products/{middle}")
    yield Question(".../skus/{sku_code}", f"{feed}/skus/{middle}")
    yield Question("shops/.../skus/{sku_code}", f"{merchant}/shops/s/skus/{middle}")
    yield Question(".../bodies/{family_id}", f"{feed}/bodies/{middle}")
    yield Question(".../forecast", f"{feed}/forecast?kind=product")
    yield Question(".../adoptions", f"{feed}/adoptions", deep=[middle, ""])
    for path in ("dead-letters", "quarantines", "parked", "set-aside"):
        yield Question(path, f"{merchant}/{path}")
