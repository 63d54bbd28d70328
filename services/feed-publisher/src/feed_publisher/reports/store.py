"""Items, products and SKUs as they are reported. Reads only."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import msgspec
import sqlalchemy as sa

from common.contracts.product import ProductNormalized
from common.errors import NotFound
from common.postgres import core
from common.postgres.counters import load_counters
from common.postgres.pool import Connection
from feed_publisher import tables
from feed_publisher.desired.tables import desired_product
from feed_publisher.listings.change import Change
from feed_publisher.listings.listing import Listing, Refused
from feed_publisher.listings.store import LISTING_COLUMNS, listing_of
from feed_publisher.tables import word, words

_change = msgspec.json.Decoder(Change)
_normalized = msgspec.json.Decoder(ProductNormalized)

SCANNED = 5_000
"""Among how many families pending ones are looked for at a time."""
STATUSES = (
    "pending", "sending", "in_job", "accepted", "rejected", "withheld", "superseded", "deferred",
)  # fmt: skip
ACTIONS = ("create", "update", "delete", "price", "stock")

_item = tables.run_item
_desired = desired_product
_listing = tables.listing


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
    query = sa.select(
        _item.c.item_no,
        _item.c.family_id,
        _item.c.action,
        _item.c.status,
        _item.c.sku_codes,
        _item.c.marketplace_product_id,
        _item.c.code,
        _item.c.message,
        _item.c.change,
        _item.c.decided_at,
    ).where(_item.c.merchant_id == merchant_id, _item.c.run_id == run_id, _item.c.item_no > after)
    if status is not None or action is not None:
        statuses = STATUSES if status is None else [status]
        actions = ACTIONS if action is None else [action]
        pieces = [
            _first_of((merchant_id, run_id), one, other, after=after, limit=limit)
            for one in statuses
            for other in actions
        ]
        first = sa.union_all(*pieces).scalar_subquery()
        query = query.where(_item.c.item_no == sa.func.any(sa.func.array(first)))
    rows = await core.fetch(connection, query.order_by(_item.c.item_no).limit(limit))
    return [ItemRow(**(dict(row) | {"change": _change.decode(row["change"])})) for row in rows]


def _first_of(
    run: tuple[str, str], status: str, action: str, *, after: int, limit: int
) -> sa.Select[int]:
    """The run's next items of a status and action, in the order of their index."""
    merchant_id, run_id = run
    found = sa.select(_item.c.item_no).where(
        _item.c.merchant_id == merchant_id,
        _item.c.run_id == run_id,
        _item.c.status == status,
        _item.c.action == action,
        _item.c.item_no > after,
    )
    return sa.select(found.order_by(_item.c.item_no).limit(limit).subquery().c.item_no)


async def list_refusals(
    connection: Connection, merchant_id: str, run_id: str, *, limit: int
) -> list[tuple[Refused, int]]:
    """Why items of the run were not accepted, or wait: code and message (of a long one the first
    400 characters), and how many; the most frequent first."""
    found = await load_counters(connection, merchant_id, run_id, "refusals")
    named = [(name.partition("\n"), items) for name, items in list(found.items())[:limit]]
    return [(Refused(code, message), items) for (code, _, message), items in named]


async def list_refused_families(
    connection: Connection, merchant_id: str, run_id: str, codes: Collection[str], *, of_code: int
) -> list[tuple[Refused, str]]:
    """The first items with each of these codes: why they were refused or wait, and the family."""
    rows = await connection.fetch(
        """
        SELECT c.code, i.message, i.family_id FROM unnest($3::text[]) AS c (code)
        CROSS JOIN LATERAL (
            SELECT item_no, message, family_id FROM run_item
            WHERE merchant_id = $1 AND run_id = $2 AND code = c.code
                AND status IN ('rejected', 'withheld', 'deferred', 'in_job')
            ORDER BY item_no LIMIT $4
        ) AS i ORDER BY i.item_no
        """,
        merchant_id,
        run_id,
        list(codes),
        of_code,
    )
    return [(Refused(row["code"], row["message"] or ""), row["family_id"]) for row in rows]


@dataclass(frozen=True)
class ProductRow:
    """A family as desired and as it stands."""

    family_id: str
    desired: ProductNormalized | None
    listing: Listing | None
    drift: bytes | None
    in_flight: str | None
    traceparent: str | None = None
    """Of what led to the desired state."""


async def list_products(
    connection: Connection,
    merchant_id: str,
    feed_id: str,
    *,
    status: str | None = None,
    family_id: str | None = None,
    after: str = "",
    until: str | None = None,
    limit: int,
) -> list[ProductRow]:
    """The feed's families by id.

    `status` is live, rejected, deleted (as last reported), pending (never reported) or drifted.
    Pending ones are in no index: with `until` (`find_last_scanned`) they are looked for up to that
    family.
    """
    query = (
        sa.select(
            _desired.c.family_id.label("desired_family_id"),
            _desired.c.document.label("desired"),
            _desired.c.traceparent,
            *LISTING_COLUMNS,
            _listing.c.drift,
            _in_flight().label("in_flight"),
        )
        .outerjoin_from(
            _desired,
            _listing,
            # said of both: a join of all of one with a page of the other takes long
            sa.and_(
                _is_same_family(_listing),
                _listing.c.family_id > after,
                *([] if until is None else [_listing.c.family_id <= until]),
            ),
        )
        .where(
            _desired.c.merchant_id == merchant_id,
            _desired.c.feed_id == feed_id,
            _desired.c.family_id > after,
        )
    )
    if status == "pending":
        query = query.where(_listing.c.reported_status.is_(None))
    elif status is not None:
        listed = sa.select(_listing.c.family_id).where(
            _listing.c.merchant_id == merchant_id,
            _listing.c.feed_id == feed_id,
            _listing.c.family_id > after,
            _listing.c.drift.is_not(None)
            if status == "drifted"
            else _listing.c.reported_status == status,
        )
        first = listed.order_by(_listing.c.family_id).limit(limit).scalar_subquery()
        query = query.where(_desired.c.family_id == sa.func.any(sa.func.array(first)))
    if until is not None:
        query = query.where(_desired.c.family_id <= until)
    if family_id is not None:
        query = query.where(_desired.c.family_id == family_id)
    rows = await core.fetch(connection, query.order_by(_desired.c.family_id).limit(limit))
    return [_product_row(row) for row in rows]


def _is_same_family(table: sa.Table) -> sa.ColumnElement[bool]:
    return sa.and_(
        table.c.merchant_id == _desired.c.merchant_id,
        table.c.feed_id == _desired.c.feed_id,
        table.c.family_id == _desired.c.family_id,
    )


def _in_flight() -> sa.ScalarSelect[str]:
    return (
        sa.select(_item.c.action + word(": ") + _item.c.status)
        .where(_is_same_family(_item), _item.c.status.in_(words("sending", "in_job")))
        .limit(1)
        .scalar_subquery()
    )


def _families_after(merchant_id: str, feed_id: str, after: str) -> sa.Select[Any]:
    return (
        sa.select(_desired.c.family_id)
        .where(
            _desired.c.merchant_id == merchant_id,
            _desired.c.feed_id == feed_id,
            _desired.c.family_id > after,
        )
        .order_by(_desired.c.family_id)
    )


async def find_last_scanned(
    connection: Connection, merchant_id: str, feed_id: str, *, after: str
) -> str | None:
    """The last of the next `SCANNED` families; None where there are fewer."""
    query = _families_after(merchant_id, feed_id, after).offset(SCANNED - 1).limit(1)
    last = await core.fetch_value(connection, query)
    return None if last is None else str(last)


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
    family_id = columns.pop("desired_family_id")
    desired = _normalized.decode(columns.pop("desired"))
    drift, in_flight = columns.pop("drift"), columns.pop("in_flight")
    traceparent = columns.pop("traceparent")
    listing = None if columns["family_id"] is None else listing_of(columns)
    return ProductRow(family_id, desired, listing, drift, in_flight, traceparent)


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
    listing = None if columns["family_id"] is None else listing_of(columns)
    return SkuRow(feed_id, family_id, claimed_at, listing)


@dataclass(frozen=True)
class OnlineRow:
    """A product that AliExpress has, and which of our families it is."""

    feed_id: str
    shop_id: str
    family_id: str
    marketplace_product_id: str
    status: str | None


async def find_online(
    connection: Connection, merchant_id: str, marketplace_product_id: str
) -> list[OnlineRow]:
    """The families of the merchant that AliExpress knows by this id: one a shop at most."""
    rows = await connection.fetch(
        """
        SELECT l.feed_id, l.shop_id, l.family_id, l.marketplace_product_id,
            l.reported_status AS status
        FROM (SELECT DISTINCT shop_id FROM feed WHERE merchant_id = $1) AS s
        JOIN listing AS l ON l.merchant_id = $1 AND l.shop_id = s.shop_id
            AND l.marketplace_product_id = $2
        ORDER BY l.shop_id
        """,
        merchant_id,
        marketplace_product_id,
    )
    return [OnlineRow(**row) for row in rows]
