"""Items, products and SKUs as they are reported. Reads only."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg
import msgspec

from common.contracts.product import ProductNormalized
from common.errors import NotFound
from common.postgres.pool import Connection
from feed_publisher.listings.change import Change
from feed_publisher.listings.listing import AcceptedState, Listing

_accepted = msgspec.json.Decoder(AcceptedState)
_change = msgspec.json.Decoder(Change)
_desired = msgspec.json.Decoder(ProductNormalized)


@dataclass(frozen=True)
class ItemRow:
    """An item of a run, for reports."""

    item_no: int
    family_id: str
    action: str
    status: str
    sku_codes: list[str]
    marketplace_product_id: str | None
    code: str | None
    message: str | None
    change: Change
    decided_at: datetime | None


async def list_items(
    connection: Connection,
    merchant_id: str,
    run_id: str,
    *,
    status: str | None = None,
    action: str | None = None,
    after: int = 0,
    limit: int,
) -> list[ItemRow]:
    """The run's items by number, optionally of one status or action."""
    rows = await connection.fetch(
        """
        SELECT item_no, family_id, action, status, sku_codes, marketplace_product_id, code,
            message, change, decided_at
        FROM run_item WHERE merchant_id = $1 AND run_id = $2 AND item_no > $3
            AND ($4::text IS NULL OR status = $4) AND ($5::text IS NULL OR action = $5)
        ORDER BY item_no LIMIT $6
        """,
        merchant_id,
        run_id,
        after,
        status,
        action,
        limit,
    )
    return [ItemRow(**(dict(row) | {"change": _change.decode(row["change"])})) for row in rows]


@dataclass(frozen=True)
class ProductRow:
    """A family as desired and as it stands."""

    family_id: str
    desired: ProductNormalized | None
    listing: Listing | None
    drift: bytes | None
    in_flight: str | None


async def list_products(
    connection: Connection,
    merchant_id: str,
    feed_id: str,
    *,
    status: str | None = None,
    family_id: str | None = None,
    after: str = "",
    limit: int,
) -> list[ProductRow]:
    """The feed's families by id.

    `status` is live, rejected, deleted (as last reported), pending (never reported) or drifted.
    """
    rows = await connection.fetch(
        """
        SELECT d.family_id, d.document AS desired, l.family_id IS NOT NULL AS is_listed,
            l.feed_id, l.shop_id, l.status, l.marketplace_product_id, l.live_since, l.deleted_at,
            l.create_intent_at, l.document, l.reported_revision, l.reported_status, l.drift,
            (SELECT action || ': ' || i.status FROM run_item AS i
                WHERE i.merchant_id = d.merchant_id AND i.feed_id = d.feed_id
                    AND i.family_id = d.family_id AND i.status IN ('sending', 'in_job') LIMIT 1
            ) AS in_flight
        FROM desired_product AS d LEFT JOIN listing AS l USING (merchant_id, feed_id, family_id)
        WHERE d.merchant_id = $1 AND d.feed_id = $2 AND d.family_id > $3
            AND ($4::text IS NULL OR CASE $4 WHEN 'pending' THEN l.reported_status IS NULL
                WHEN 'drifted' THEN l.drift IS NOT NULL ELSE l.reported_status = $4 END)
            AND ($5::text IS NULL OR d.family_id = $5)
        ORDER BY d.family_id LIMIT $6
        """,
        merchant_id,
        feed_id,
        after,
        status,
        family_id,
        limit,
    )
    return [_product_row(row) for row in rows]


async def load_product(
    connection: Connection, merchant_id: str, feed_id: str, family_id: str
) -> ProductRow:
    """One family. Raises `NotFound`."""
    rows = await list_products(connection, merchant_id, feed_id, family_id=family_id, limit=1)
    if not rows:
        raise NotFound("product")
    return rows[0]


def _product_row(row: asyncpg.Record) -> ProductRow:
    columns = dict(row)
    desired, drift, in_flight = (
        columns.pop("desired"),
        columns.pop("drift"),
        columns.pop("in_flight"),
    )
    listing = None
    if columns.pop("is_listed"):
        listing = Listing(accepted=_accepted.decode(columns.pop("document")), **columns)
    return ProductRow(row["family_id"], _desired.decode(desired), listing, drift, in_flight)


@dataclass(frozen=True)
class SkuRow:
    """Who holds a SKU code in a shop, and what the listing says."""

    feed_id: str
    family_id: str
    claimed_at: datetime
    listing: Listing | None


async def load_sku(connection: Connection, merchant_id: str, shop_id: str, sku_code: str) -> SkuRow:
    """The holder of a SKU code. Raises `NotFound` when nobody holds it."""
    row = await connection.fetchrow(
        """
        SELECT c.feed_id AS holder_feed_id, c.family_id AS holder_family_id, c.claimed_at,
            l.family_id, l.feed_id, l.shop_id, l.status, l.marketplace_product_id, l.live_since,
            l.deleted_at, l.create_intent_at, l.document, l.reported_revision, l.reported_status
        FROM sku_claim AS c LEFT JOIN listing AS l USING (merchant_id, feed_id, family_id)
        WHERE c.merchant_id = $1 AND c.shop_id = $2 AND c.sku_code = $3
        """,
        merchant_id,
        shop_id,
        sku_code,
    )
    if row is None:
        raise NotFound("SKU")
    columns = dict(row)
    feed_id, family_id = columns.pop("holder_feed_id"), columns.pop("holder_family_id")
    claimed_at = columns.pop("claimed_at")
    listing = None
    if columns["family_id"] is not None:
        listing = Listing(accepted=_accepted.decode(columns.pop("document")), **columns)
    return SkuRow(feed_id, family_id, claimed_at, listing)
