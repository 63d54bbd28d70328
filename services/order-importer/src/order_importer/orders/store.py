"""Orders: as read from AliExpress, and as interpreted, with our parcels.

The rows of `marketplace_order`. Whoever changes one locks it first.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import msgspec
import sqlalchemy as sa

from aliexpress.orders import Order as ListedOrder
from aliexpress.orders import Parcel as ReadParcel
from common import clock
from common.contracts.order import Order, Parcel
from common.errors import NotFound
from common.postgres import core
from common.postgres.pool import Connection
from order_importer.orders.keys import OrderKey
from order_importer.orders.status import ENDED
from order_importer.parcels.store import list_parcels
from order_importer.tables import marketplace_order


@dataclass(frozen=True)
class StoredOrder:
    """An order with all that is known of it, at a revision."""

    merchant_id: str
    shop_id: str
    revision: int
    order: Order
    due_at: datetime | None = None
    """Until when it is to be shipped; None where it does not wait for shipment."""


_FIND_ORDER = """
    SELECT merchant_id, shop_id, order_id, revision, content, ship_before, due_at
    FROM marketplace_order
    WHERE merchant_id = $1 AND shop_id = $2 AND order_id = $3 AND content IS NOT NULL
    """
_LOCK_ORDER = _FIND_ORDER + " FOR UPDATE"

_stored_order = marketplace_order.c
READABLE_ORDERS = sa.select(
    _stored_order.merchant_id,
    _stored_order.shop_id,
    _stored_order.order_id,
    _stored_order.revision,
    _stored_order.content,
    _stored_order.ship_before,
    _stored_order.due_at,
).where(_stored_order.content.is_not(None))
"""Every order that could be read, for queries that choose among them."""
_KEY = (_stored_order.merchant_id, _stored_order.shop_id, _stored_order.order_id)


def next_revision(previous: int) -> int:
    """The revision after this one: it rises even where the clock or the database went back."""
    return max(previous + 1, clock.epoch_milliseconds())


async def load_order(
    connection: Connection, merchant_id: str, shop_id: str, order_id: str
) -> StoredOrder:
    """The order with its parcels. Raises `NotFound`."""
    row = await connection.fetchrow(_FIND_ORDER, merchant_id, shop_id, order_id)
    return await _found(connection, row)


async def lock_order(
    connection: Connection, merchant_id: str, shop_id: str, order_id: str
) -> StoredOrder:
    """The order, its row locked for this transaction. Raises `NotFound`."""
    row = await connection.fetchrow(_LOCK_ORDER, merchant_id, shop_id, order_id)
    return await _found(connection, row)


async def _found(connection: Connection, row: asyncpg.Record | None) -> StoredOrder:
    if row is None:
        raise NotFound("order", remedy="Check the shop and the order number, or import orders.")
    parcels = await list_parcels(connection, row["merchant_id"], row["shop_id"], [row["order_id"]])
    return _stored(row, parcels.get(row["order_id"], []))


def _stored(row: asyncpg.Record, parcels: Sequence[Parcel]) -> StoredOrder:
    order = msgspec.structs.replace(
        msgspec.json.decode(row["content"], type=Order),
        ship_before=row["ship_before"],
        parcels=list(parcels),
    )
    return StoredOrder(row["merchant_id"], row["shop_id"], row["revision"], order, row["due_at"])


async def raise_revision(connection: Connection, stored: StoredOrder) -> StoredOrder:
    """Give the locked order its next revision, with its parcels as they are now."""
    order_id = stored.order.order_id
    revision = next_revision(stored.revision)
    await connection.execute(
        """
        UPDATE marketplace_order SET revision = $4, updated_at = $5
        WHERE merchant_id = $1 AND shop_id = $2 AND order_id = $3
        """,
        stored.merchant_id,
        stored.shop_id,
        order_id,
        revision,
        clock.now(),
    )
    parcels = await list_parcels(connection, stored.merchant_id, stored.shop_id, [order_id])
    order = msgspec.structs.replace(stored.order, parcels=parcels.get(order_id, []))
    return StoredOrder(stored.merchant_id, stored.shop_id, revision, order, stored.due_at)


async def list_orders_after(
    connection: Connection,
    *,
    merchant_id: str | None,
    after: tuple[str, str, str],
    limit: int,
) -> list[StoredOrder]:
    """The next orders after this key, of one merchant or of all, in key order."""
    page = READABLE_ORDERS.where(sa.tuple_(*_KEY) > after)
    if merchant_id is not None:
        page = page.where(_stored_order.merchant_id == merchant_id)
    page = page.order_by(*_KEY).limit(limit).with_for_update(read=True)
    return await with_parcels(connection, await core.fetch(connection, page))


async def with_parcels(connection: Connection, rows: Sequence[asyncpg.Record]) -> list[StoredOrder]:
    """The orders of these rows, whose columns are those of `READABLE_ORDERS`."""
    by_shop: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        by_shop.setdefault((row["merchant_id"], row["shop_id"]), []).append(row["order_id"])
    parcels = {
        key: await list_parcels(connection, *key, order_ids) for key, order_ids in by_shop.items()
    }
    return [
        _stored(row, parcels[(row["merchant_id"], row["shop_id"])].get(row["order_id"], []))
        for row in rows
    ]


async def find_orders_of_lines(
    connection: Connection, merchant_id: str, shop_id: str, line_ids: Sequence[str]
) -> dict[str, str]:
    """The orders that have these lines, by line; reads all orders of the shop."""
    rows = await connection.fetch(
        """
        SELECT line ->> 'line_id' AS line_id, order_id
        FROM marketplace_order, jsonb_array_elements(content::jsonb -> 'lines') AS line
        WHERE merchant_id = $1 AND shop_id = $2 AND content IS NOT NULL
            AND line ->> 'line_id' = ANY($3)
        """,
        merchant_id,
        shop_id,
        line_ids,
    )
    return {row["line_id"]: row["order_id"] for row in rows}


# -- as read ----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """An order as read; `order` is None where it could not be interpreted, then with the problem.

    `parcels` are all that AliExpress knows of; the fingerprint is of what is to be stored.
    """

    order_id: str
    listed: ListedOrder | None
    details: str | None
    receipt: str | None
    listed_fingerprint: bytes | None = None
    order: Order | None = None
    fingerprint: bytes | None = None
    ship_before: datetime | None = None
    parcels: Sequence[ReadParcel] = ()
    problem: str | None = None


@dataclass(frozen=True)
class KnownOrder:
    """What is stored of an order that a new reading is compared with."""

    revision: int
    fingerprint: bytes | None
    order: Order | None
    erased_at: datetime | None


async def load_listed_fingerprints(
    connection: Connection, merchant_id: str, shop_id: str, order_ids: Sequence[str]
) -> dict[str, bytes]:
    """How these orders were listed when their details were last read; unread ones are left out."""
    rows = await connection.fetch(
        """
        SELECT order_id, listed_fingerprint FROM marketplace_order
        WHERE merchant_id = $1 AND shop_id = $2 AND order_id = ANY($3)
            AND listed_fingerprint IS NOT NULL AND problem IS NULL
        """,
        merchant_id,
        shop_id,
        order_ids,
    )
    return {row["order_id"]: row["listed_fingerprint"] for row in rows}


async def lock_known(
    connection: Connection, merchant_id: str, shop_id: str, order_ids: Sequence[str]
) -> dict[str, KnownOrder]:
    """What is stored of these orders, their rows locked in key order."""
    rows = await connection.fetch(
        """
        SELECT order_id, revision, fingerprint, content, erased_at FROM marketplace_order
        WHERE merchant_id = $1 AND shop_id = $2 AND order_id = ANY($3)
        ORDER BY order_id FOR UPDATE
        """,
        merchant_id,
        shop_id,
        order_ids,
    )
    return {
        row["order_id"]: KnownOrder(
            row["revision"], row["fingerprint"], _content(row), row["erased_at"]
        )
        for row in rows
    }


def _content(row: asyncpg.Record) -> Order | None:
    text = row["content"]
    return None if text is None else msgspec.json.decode(text, type=Order)


async def save_orders(
    connection: Connection,
    merchant_id: str,
    shop_id: str,
    fetched: Sequence[Fetched],
    *,
    revisions: Mapping[str, int],
    deadlines: Mapping[str, datetime | None],
    shippable: Mapping[str, Sequence[str]],
) -> None:
    """Write the orders at these revisions, with these deadlines and lines that are to be shipped;
    what could not be interpreted keeps its last content."""
    content = [msgspec.json.encode(f.order).decode() if f.order else None for f in fetched]
    listed = [msgspec.json.encode(f.listed).decode() if f.listed else None for f in fetched]
    await connection.execute(
        """
        INSERT INTO marketplace_order AS known
            (merchant_id, shop_id, order_id, revision, listed, listed_fingerprint, details,
             receipt, content, fingerprint, status, marketplace_status, placed_at, modified_at,
             ship_before, problem, received_at, updated_at, due_at, sku_codes, shippable_lines)
        SELECT $1, $2, order_id, revision, listed, listed_fingerprint, details, receipt, content,
            fingerprint, status, marketplace_status, placed_at, modified_at, ship_before, problem,
            $17, $17, due_at, sku_codes::jsonb, shippable_lines::jsonb
        FROM unnest(
            $3::text[], $4::bigint[], $5::text[], $6::bytea[], $7::text[], $8::text[], $9::text[],
            $10::bytea[], $11::text[], $12::text[], $13::timestamptz[], $14::timestamptz[],
            $15::timestamptz[], $16::text[], $18::timestamptz[], $19::text[], $20::text[]
        ) AS read (order_id, revision, listed, listed_fingerprint, details, receipt, content,
            fingerprint, status, marketplace_status, placed_at, modified_at, ship_before, problem,
            due_at, sku_codes, shippable_lines)
        ORDER BY order_id
        ON CONFLICT (merchant_id, shop_id, order_id) DO UPDATE SET
            revision = excluded.revision,
            listed = coalesce(excluded.listed, known.listed),
            listed_fingerprint = excluded.listed_fingerprint,
            details = coalesce(excluded.details, known.details),
            receipt = coalesce(excluded.receipt, known.receipt),
            content = coalesce(excluded.content, known.content),
            fingerprint = coalesce(excluded.fingerprint, known.fingerprint),
            status = coalesce(excluded.status, known.status),
            marketplace_status = coalesce(excluded.marketplace_status, known.marketplace_status),
            placed_at = coalesce(excluded.placed_at, known.placed_at),
            modified_at = coalesce(excluded.modified_at, known.modified_at),
            ship_before = CASE WHEN excluded.content IS NULL THEN known.ship_before
                ELSE excluded.ship_before END,
            due_at = CASE WHEN excluded.content IS NULL THEN known.due_at
                ELSE excluded.due_at END,
            sku_codes = coalesce(excluded.sku_codes, known.sku_codes),
            shippable_lines = coalesce(excluded.shippable_lines, known.shippable_lines),
            problem = excluded.problem,
            updated_at = excluded.updated_at
        """,
        merchant_id,
        shop_id,
        [f.order_id for f in fetched],
        [revisions[f.order_id] for f in fetched],
        listed,
        [f.listed_fingerprint for f in fetched],
        [f.details for f in fetched],
        [f.receipt for f in fetched],
        content,
        [f.fingerprint for f in fetched],
        [f.order.status if f.order else None for f in fetched],
        [f.order.marketplace_status if f.order else None for f in fetched],
        [f.order.placed_at if f.order else None for f in fetched],
        [f.order.modified_at if f.order else None for f in fetched],
        [f.ship_before for f in fetched],
        [f.problem for f in fetched],
        clock.now(),
        [deadlines.get(f.order_id) for f in fetched],
        [_list({line.sku_code for line in f.order.lines}) if f.order else None for f in fetched],
        [_list(shippable[f.order_id]) if f.order else None for f in fetched],
    )


def _list(texts: Collection[str]) -> str:
    """As JSON; a text that the database cannot hold is not searched for."""
    return msgspec.json.encode(sorted(text for text in texts if "\x00" not in text)).decode()


async def move_deadlines(
    connection: Connection,
    merchant_id: str,
    shop_id: str,
    deadlines: Mapping[str, datetime | None],
) -> None:
    """Give these orders of the shop their deadlines."""
    await connection.execute(
        """
        UPDATE marketplace_order AS known SET due_at = moved.due_at
        FROM unnest($3::text[], $4::timestamptz[]) AS moved (order_id, due_at)
        WHERE known.merchant_id = $1 AND known.shop_id = $2 AND known.order_id = moved.order_id
        """,
        merchant_id,
        shop_id,
        list(deadlines),
        list(deadlines.values()),
    )


async def list_problems(
    connection: Connection, merchant_id: str, shop_id: str, *, limit: int
) -> list[tuple[str, str, ListedOrder | None]]:
    """Orders whose details are still to be read: id, problem, and how they were listed."""
    rows = await connection.fetch(
        """
        SELECT order_id, problem, listed FROM marketplace_order
        WHERE merchant_id = $1 AND shop_id = $2 AND problem IS NOT NULL
        ORDER BY updated_at LIMIT $3
        """,
        merchant_id,
        shop_id,
        limit,
    )
    return [(row["order_id"], row["problem"], _listed(row)) for row in rows]


def _listed(row: asyncpg.Record) -> ListedOrder | None:
    text = row["listed"]
    return None if text is None else msgspec.json.decode(text, type=ListedOrder)


# -- erased -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kept:
    """An order with its buyer's data, locked; `order` is None where it could never be read."""

    merchant_id: str
    shop_id: str
    order_id: str
    revision: int
    order: Order | None
    erased_at: datetime | None


@dataclass(frozen=True)
class Erased:
    """An order as it is kept without its buyer's data, at its next revision."""

    merchant_id: str
    shop_id: str
    order_id: str
    revision: int
    order: Order | None
    fingerprint: bytes | None


_KEPT = """
    SELECT merchant_id, shop_id, order_id, revision, content, ship_before, due_at, erased_at
    FROM marketplace_order
    """


async def lock_kept(
    connection: Connection, merchant_id: str, shop_id: str, order_id: str
) -> Kept | None:
    """The order, readable or not, its row locked for this transaction."""
    row = await connection.fetchrow(
        _KEPT + " WHERE merchant_id = $1 AND shop_id = $2 AND order_id = $3 FOR UPDATE",
        merchant_id,
        shop_id,
        order_id,
    )
    return None if row is None else (await _kept(connection, [row]))[0]


async def list_ended(
    connection: Connection,
    job: str,
    now: datetime,
    *,
    ended_before: datetime,
    unchanged_before: datetime,
    limit: int,
) -> list[OrderKey]:
    """Orders that ended before the one time, and any unchanged since the other, not yet erased;
    without those that this job is to pass over. An order's end is its last change."""
    rows = await connection.fetch(
        """
        SELECT merchant_id, shop_id, order_id FROM marketplace_order, LATERAL (
            SELECT CASE WHEN modified_at IS NULL THEN received_at ELSE modified_at END
                AS changed_at) AS last
        WHERE erased_at IS NULL AND changed_at < $1
            AND (changed_at < $2
                OR modified_at IS NOT NULL AND marketplace_status = ANY($4))
            AND NOT is_held($5, merchant_id, shop_id || '/' || order_id, $6)
        ORDER BY changed_at LIMIT $3
        """,
        ended_before,
        unchanged_before,
        limit,
        list(ENDED),
        job,
        now,
    )
    return [tuple(row) for row in rows]


async def lock_unerased(connection: Connection, keys: Sequence[OrderKey]) -> list[Kept]:
    """Those of these orders that are not erased yet, rows locked. Rows that another process has
    locked are left out."""
    rows = await connection.fetch(
        _KEPT
        + """
        JOIN unnest($1::text[], $2::text[], $3::text[]) AS k (merchant_id, shop_id, order_id)
            USING (merchant_id, shop_id, order_id)
        WHERE erased_at IS NULL
        ORDER BY merchant_id, shop_id, order_id FOR UPDATE OF marketplace_order SKIP LOCKED
        """,
        *([key[n] for key in keys] for n in range(3)),
    )
    return await _kept(connection, rows)


async def _kept(connection: Connection, rows: Sequence[asyncpg.Record]) -> list[Kept]:
    readable = await with_parcels(connection, [row for row in rows if row["content"] is not None])
    orders = {(one.merchant_id, one.shop_id, one.order.order_id): one.order for one in readable}
    keys = [(row["merchant_id"], row["shop_id"], row["order_id"]) for row in rows]
    return [
        Kept(*key, row["revision"], orders.get(key), row["erased_at"])
        for key, row in zip(keys, rows, strict=True)
    ]


async def erase_buyers(connection: Connection, erased: Sequence[Erased], at: datetime) -> None:
    """Keep of these orders what is given; how they came is deleted. The caller has locked them."""
    await connection.execute(
        """
        UPDATE marketplace_order AS kept SET
            revision = erased.revision, content = erased.content, fingerprint = erased.fingerprint,
            listed = NULL, details = NULL, receipt = NULL, problem = NULL,
            erased_at = $7, updated_at = $7
        FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::bytea[])
            AS erased (merchant_id, shop_id, order_id, revision, content, fingerprint)
        WHERE kept.merchant_id = erased.merchant_id AND kept.shop_id = erased.shop_id
            AND kept.order_id = erased.order_id
        """,
        [one.merchant_id for one in erased],
        [one.shop_id for one in erased],
        [one.order_id for one in erased],
        [one.revision for one in erased],
        [_as_stored(one.order) for one in erased],
        [one.fingerprint for one in erased],
        at,
    )


def _as_stored(order: Order | None) -> str | None:
    """As stored: parcels and deadline have places of their own."""
    if order is None:
        return None
    return msgspec.json.encode(
        msgspec.structs.replace(order, parcels=[], ship_before=None)
    ).decode()
