"""order-importer: a merchant's orders, their changes and parcels."""

from collections.abc import Iterator
from typing import Any

from bench.listed.filling import MERCHANT, Question, fill

from order_importer.app import SERVICE  # noqa: F401 - `bench/lists.py` asks each module for it

SCOPES = "orders:read orders:write shipments:read dead-letters:read operator"
SHARE = 5
"""A fifth as many orders as products."""
ID = "'81' || lpad(n::text, 10, '0')"
SHOP = "CASE WHEN n % 10 = 0 THEN 't' ELSE 's' END"
BEGIN = "2025-01-01T00:00:00Z"
PLACED = f"'{BEGIN}'::timestamptz + n * interval '2 minutes'"
STATUS = "(ARRAY['closed','closed','closed','closed','closed','closed','closed','shipped'])"
IS_OPEN = "n % 100 = 1"
ONCE = (
    """INSERT INTO shop (merchant_id, shop_id, revision, is_usable, connection, generation)
    SELECT $3, shop, 1, true, 'connected', 1 FROM unnest(ARRAY['s', 't']) AS shop
    WHERE $1::bigint = 0 AND $2::bigint >= 0""",
)
ROWS = (
    f"""INSERT INTO marketplace_order (merchant_id, shop_id, order_id, revision, content, status,
        marketplace_status, placed_at, modified_at, received_at, updated_at, due_at, sku_codes)
    SELECT $3, {SHOP}, {ID}, 1000 * extract(epoch FROM {PLACED})::bigint,
        json_build_object('order_id', {ID}, 'status', status, 'marketplace_status', 'FINISH',
            'placed_at', {PLACED}, 'modified_at', {PLACED},
            'total', json_build_object('amount', '20.00', 'currency', 'USD'),
            'lines', json_build_array(json_build_object('line_id', '1', 'sku_code',
                'SKU-' || n % 5000, 'marketplace_product_id', '10', 'title', 'Coat of wool',
                'quantity', 1, 'unit_price', json_build_object('amount', '20.00', 'currency',
                'USD'), 'total', json_build_object('amount', '20.00', 'currency', 'USD'))))::text,
        status, CASE WHEN {IS_OPEN} THEN 'WAIT_SELLER_SEND_GOODS' ELSE 'FINISH' END, {PLACED},
        {PLACED}, {PLACED}, {PLACED}, CASE WHEN {IS_OPEN} THEN {PLACED} + interval '5 days' END,
        jsonb_build_array('SKU-' || n % 5000)
    FROM generate_series($1::bigint, $2::bigint) AS n CROSS JOIN LATERAL (
        SELECT CASE WHEN {IS_OPEN} THEN 'waiting_shipment' ELSE {STATUS}[1 + n % 8] END AS status
    ) AS of""",
    f"""INSERT INTO order_change (merchant_id, shop_id, order_id, revision, kind, changed_at, place)
    SELECT $3, {SHOP}, {ID}, n, 'updated', {PLACED}, n + 1
    FROM generate_series($1::bigint, $2::bigint) AS n""",
    f"""INSERT INTO shipment (merchant_id, shop_id, order_id, shipment_id, idempotency_key,
        request_fingerprint, carrier, service_name, tracking_number, line_ids, state, requested_at,
        next_try_at)
    SELECT $3, {SHOP}, {ID}, '1', 'k' || n, ''::bytea, 'Post', 'POST', 'LP' || n, '{{}}',
        CASE WHEN n % 5000 = 7 THEN 'refused' ELSE 'confirmed' END, {PLACED}, {PLACED}
    FROM generate_series($1::bigint, $2::bigint) AS n WHERE NOT {IS_OPEN}""",
    f"""INSERT INTO order_import (merchant_id, shop_id, cause, state, requested_at, next_try_at)
    SELECT $3, 's', 'schedule', 'done', {PLACED}, {PLACED}
    FROM generate_series($1::bigint, $2::bigint) AS n WHERE n % 20 = 0""",
)


async def fill_all(url: str, merchant: str, rows: int) -> None:
    """The merchant's orders, most of them closed and a hundredth waiting for shipment."""
    await fill(url, merchant, 1, ONCE)
    await fill(url, merchant, rows, ROWS)


def settings() -> dict[str, Any]:
    """What the service is configured with."""
    return {"auth_url": "http://127.0.0.1:9"}


def questions(rows: int) -> Iterator[Question]:
    """What is asked: every list, search and count of the service."""
    number = f"81{rows // 2:010d}"
    merchant = f"/v1/merchants/{MERCHANT}"
    orders, shop = f"{merchant}/orders", f"{merchant}/shops/s"
    middle = [f"2025-{1 + rows // 50_000:02d}-01T00:00:00Z", "s", number]
    yield Question("orders", orders, deep=middle)
    for status in ("waiting_shipment", "closed", "other", "FINISH", "WAIT_SELLER_SEND_GOODS"):
        yield Question("orders", f"{orders}?status={status}", f"status {status}", deep=middle)
    yield Question("orders", f"{orders}?shop=t", "shop", deep=middle)
    yield Question("orders", f"{orders}?number={number}", "number")
    for sku in ("SKU-7", "SKU-none"):
        yield Question("orders", f"{orders}?sku={sku}", f"sku {sku}", deep=middle)
    for name in ("placed_from", "placed_before", "updated_from", "updated_before", "due_before"):
        for time in ("2025-01-03T00:00:00Z", "2026-01-01T00:00:00Z"):
            yield Question("orders", f"{orders}?{name}={time}", f"{name} {time[:10]}")
    yield Question("orders", f"{orders}?shop=t&sku=SKU-7&status=closed", "shop, sku and status")
    yield Question("orders", f"{orders}?shop=t&updated_from=2025-12-01T00:00:00Z", "shop, updated")
    yield Question("orders/changes", f"{orders}/changes", deep=None)
    yield Question("orders/{order_id}", f"{shop}/orders/{number[:-1]}1")
    yield Question(".../shipments of an order", f"{shop}/orders/{number[:-1]}2/shipments")
    yield Question(".../shipments", f"{shop}/shipments", deep=[number, "1"])
    for state in ("confirmed", "refused", "pending"):
        yield Question(".../shipments", f"{shop}/shipments?state={state}", f"state {state}")
    yield Question(".../order-imports", f"{shop}/order-imports", deep=[rows // 40])
    yield Question(".../order-audits", f"{shop}/order-audits")
    yield Question(".../preparation", f"{shop}/preparation")
    for path in ("dead-letters", "quarantines", "parked", "set-aside"):
        yield Question(path, f"{merchant}/{path}")
