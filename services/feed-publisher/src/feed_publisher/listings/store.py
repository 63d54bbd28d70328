"""Rows of listings: read, changed, reported, and compared with the shop. The only writer."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import msgspec
import sqlalchemy as sa

from common import clock
from common.contracts.product import ProductReported
from common.postgres import core
from common.postgres.pool import Connection
from common.postgres.set_aside import RowKey, held_rows
from feed_publisher import tables
from feed_publisher.desired.states import Kind
from feed_publisher.listings.listing import AcceptedState, Listing
from feed_publisher.tables import word, words

_encoder = msgspec.json.Encoder()
_accepted = msgspec.json.Decoder(AcceptedState)
_report = msgspec.json.Decoder(ProductReported)

_listing = tables.listing
_item = tables.run_item
_shortfall = tables.shortfall

LISTING_COLUMNS = (
    _listing.c.feed_id,
    _listing.c.family_id,
    _listing.c.shop_id,
    _listing.c.status,
    _listing.c.marketplace_product_id,
    _listing.c.live_since,
    _listing.c.deleted_at,
    _listing.c.create_intent_at,
    _listing.c.written_at,
    _listing.c.document,
    _listing.c.reported_revision,
    _listing.c.reported_status,
)
_COMPARED_AT: sa.ColumnElement[datetime] = sa.case(
    (_listing.c.read_back_at.is_(None), _listing.c.live_since), else_=_listing.c.read_back_at
)
_PRODUCT = (_listing.c.merchant_id, _listing.c.feed_id, _listing.c.family_id)
ProductKey = tuple[str, str, str]
"""(merchant, feed, family)"""


def _any_of(texts: Sequence[str]) -> sa.CollectionAggregate[bool]:
    return sa.any_(sa.literal(list(texts), sa.ARRAY(sa.Text)))


def listing_of(row: asyncpg.Record | Mapping[str, Any]) -> Listing:
    """The listing of a row of `LISTING_COLUMNS`."""
    columns = dict(row)
    return Listing(accepted=_accepted.decode(columns.pop("document")), **columns)


# Built once: a statement that holds its values is a cycle, and so are they until it is collected.
_OF_FAMILIES = (
    sa.select(*LISTING_COLUMNS)
    .where(
        _listing.c.merchant_id == sa.bindparam("of_merchant"),
        _listing.c.feed_id == sa.bindparam("of_feed"),
        _listing.c.family_id == sa.any_(sa.bindparam("families", type_=sa.ARRAY(sa.Text))),
    )
    .order_by(_listing.c.family_id)
)
_OF_FAMILIES_LOCKED = _OF_FAMILIES.with_for_update()


async def load_listings(
    connection: Connection,
    merchant_id: str,
    feed_id: str,
    family_ids: Sequence[str],
    *,
    shop_id: str,
    locked: bool = True,
) -> dict[str, Listing]:
    """The families' listings, locked in key order; a family without one gets an empty one."""
    rows = await core.fetch(
        connection,
        _OF_FAMILIES_LOCKED if locked else _OF_FAMILIES,
        of_merchant=merchant_id,
        of_feed=feed_id,
        families=list(family_ids),
    )
    found = {row["family_id"]: listing_of(row) for row in rows}
    return {
        family_id: found.get(family_id)
        or Listing(feed_id=feed_id, family_id=family_id, shop_id=shop_id)
        for family_id in family_ids
    }


async def save_listings(
    connection: Connection,
    merchant_id: str,
    listings: Sequence[tuple[Listing, ProductReported | None]],
) -> None:
    """Write listings (sorted by key); with a report, remember that too."""
    if not listings:
        return
    await connection.execute(
        """
        INSERT INTO listing (merchant_id, feed_id, family_id, shop_id, status,
            marketplace_product_id, live_since, deleted_at, create_intent_at, written_at,
            document, reported_revision, reported_status, report, skus_online)
        SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
            $7::timestamptz[], $8::timestamptz[], $9::timestamptz[], $10::timestamptz[],
            $11::bytea[], $12::bigint[], $13::text[], $14::bytea[], $15::integer[])
        ON CONFLICT (merchant_id, feed_id, family_id) DO UPDATE SET
            status = excluded.status,
            marketplace_product_id = excluded.marketplace_product_id,
            live_since = excluded.live_since, deleted_at = excluded.deleted_at,
            create_intent_at = excluded.create_intent_at, written_at = excluded.written_at,
            document = excluded.document,
            reported_revision = excluded.reported_revision,
            reported_status = excluded.reported_status,
            report = coalesce(excluded.report, listing.report),
            drift = CASE WHEN excluded.marketplace_product_id IS NULL THEN NULL
                ELSE listing.drift END,
            skus_online = CASE WHEN excluded.marketplace_product_id IS NULL
                THEN listing.skus_online ELSE excluded.skus_online END
        """,
        merchant_id,
        [listing.feed_id for listing, _ in listings],
        [listing.family_id for listing, _ in listings],
        [listing.shop_id for listing, _ in listings],
        [listing.status for listing, _ in listings],
        [listing.marketplace_product_id for listing, _ in listings],
        [listing.live_since for listing, _ in listings],
        [listing.deleted_at for listing, _ in listings],
        [listing.create_intent_at for listing, _ in listings],
        [listing.written_at for listing, _ in listings],
        [_encoder.encode(listing.accepted) for listing, _ in listings],
        [listing.reported_revision for listing, _ in listings],
        [listing.reported_status for listing, _ in listings],
        [None if report is None else _encoder.encode(report) for _, report in listings],
        [len(listing.accepted.skus) for listing, _ in listings],
    )


async def count_online(
    connection: Connection, merchant_id: str, shop_id: str, *, since: datetime | None = None
) -> tuple[int, int]:
    """How many products and SKUs of the shop are online, or were at the time `since`."""
    row = await connection.fetchrow(
        """
        SELECT count(*) AS products, coalesce(sum(skus_online), 0) AS skus FROM listing
        WHERE merchant_id = $1 AND shop_id = $2 AND CASE WHEN $3::timestamptz IS NULL
            THEN marketplace_product_id IS NOT NULL
            ELSE live_since <= $3 AND (marketplace_product_id IS NOT NULL OR deleted_at > $3) END
        """,
        merchant_id,
        shop_id,
        since,
    )
    return (0, 0) if row is None else (row["products"], row["skus"])


async def list_refused_listings(
    connection: Connection, merchant_id: str, feed_id: str, kind: Kind, *, after: str, limit: int
) -> list[Listing]:
    """The feed's next listings of which something is refused, but for families that a run of the
    kind finds missing as they are wanted now."""
    is_missing = sa.exists().where(
        _shortfall.c.merchant_id == _listing.c.merchant_id,
        _shortfall.c.feed_id == _listing.c.feed_id,
        _shortfall.c.family_id == _listing.c.family_id,
        _shortfall.c.kind == kind,
    )
    query = (
        sa.select(*LISTING_COLUMNS)
        .where(
            _listing.c.merchant_id == merchant_id,
            _listing.c.feed_id == feed_id,
            _listing.c.reported_status == word("rejected"),
            _listing.c.family_id > after,
            ~is_missing,
        )
        .order_by(_listing.c.family_id)
        .limit(limit)
    )
    return [listing_of(row) for row in await core.fetch(connection, query)]


async def find_owner(
    connection: Connection, merchant_id: str, shop_id: str, product_id: str
) -> tuple[str, str] | None:
    """The feed and family a product of the shop belongs to, if it is ours."""
    row = await connection.fetchrow(
        """
        SELECT feed_id, family_id FROM listing
        WHERE merchant_id = $1 AND shop_id = $2 AND marketplace_product_id = $3
        """,
        merchant_id,
        shop_id,
        product_id,
    )
    return None if row is None else (row["feed_id"], row["family_id"])


async def has_listings(connection: Connection, merchant_id: str, feed_id: str) -> bool:
    """Whether any product of the feed is online."""
    found = await connection.fetchval(
        """
        SELECT 1 FROM listing
        WHERE merchant_id = $1 AND feed_id = $2 AND marketplace_product_id IS NOT NULL LIMIT 1
        """,
        merchant_id,
        feed_id,
    )
    return found is not None


async def finish_audits(
    connection: Connection, merchant_id: str, shop_id: str, still_auditing: Collection[str]
) -> int:
    """Products no longer among those being audited are live; how many that are."""
    rows = await connection.fetch(
        """
        UPDATE listing SET status = 'live'
        WHERE merchant_id = $1 AND shop_id = $2 AND status = 'auditing'
            AND marketplace_product_id <> ALL($3::text[])
        RETURNING 1
        """,
        merchant_id,
        shop_id,
        list(still_auditing),
    )
    return len(rows)


async def begin_audits(
    connection: Connection, merchant_id: str, shop_id: str, product_ids: Sequence[str]
) -> None:
    """These products are being audited (again)."""
    await connection.execute(
        """
        UPDATE listing SET status = 'auditing'
        WHERE merchant_id = $1 AND shop_id = $2 AND marketplace_product_id = ANY($3::text[])
        """,
        merchant_id,
        shop_id,
        list(product_ids),
    )


async def list_own_products(connection: Connection, merchant_id: str, shop_id: str) -> set[str]:
    """Every product of the shop that is ours."""
    rows = await connection.fetch(
        """
        SELECT marketplace_product_id FROM listing
        WHERE merchant_id = $1 AND shop_id = $2 AND marketplace_product_id IS NOT NULL
        """,
        merchant_id,
        shop_id,
    )
    return {row["marketplace_product_id"] for row in rows}


async def list_reported(
    connection: Connection,
    *,
    merchant_id: str | None,
    feed_id: str | None,
    family_id: str | None,
    after: ProductKey,
    limit: int,
) -> list[ProductKey]:
    """The products that have a report, by key."""
    query = sa.select(*_PRODUCT).where(
        _listing.c.report.is_not(None), sa.tuple_(*_PRODUCT) > sa.tuple_(*after)
    )
    for column, wanted in zip(_PRODUCT, (merchant_id, feed_id, family_id), strict=True):
        if wanted is not None:
            query = query.where(column == wanted)
    rows = await core.fetch(connection, query.order_by(*_PRODUCT).limit(limit))
    return [(m, feed, family) for m, feed, family in rows]


async def load_reports(connection: Connection, keys: Sequence[ProductKey]) -> list[ProductReported]:
    """The last reports of these products, by key, to be emitted again."""
    query = sa.select(_listing.c.report).where(core.is_among(_PRODUCT, keys))
    rows = await core.fetch(connection, query.order_by(*_PRODUCT))
    return [_report.decode(row["report"]) for row in rows if row["report"] is not None]


@dataclass(frozen=True)
class DueShop:
    """A usable shop that has listings to compare."""

    merchant_id: str
    shop_id: str


async def list_due_shops(
    connection: Connection, job: str, *, now: datetime, before: datetime
) -> list[DueShop]:
    """Shops that may be called and have listings not compared since `before`, or not since what
    differed was written again; without those that the job is to pass over."""
    rows = await connection.fetch(
        """
        SELECT merchant_id, shop_id FROM shop AS s
        WHERE is_eligible AND connection = 'connected'
            AND (expires_at IS NULL OR expires_at > $1)
            AND NOT is_held($3, merchant_id, shop_id, $1)
            AND (EXISTS (
                SELECT 1 FROM listing AS l
                WHERE l.merchant_id = s.merchant_id AND l.shop_id = s.shop_id
                    AND l.marketplace_product_id IS NOT NULL
                    AND CASE WHEN l.read_back_at IS NULL THEN l.live_since
                        ELSE l.read_back_at END < $2
            ) OR EXISTS (
                SELECT 1 FROM listing AS l
                WHERE l.merchant_id = s.merchant_id AND l.shop_id = s.shop_id
                    AND l.marketplace_product_id IS NOT NULL
                    AND l.drift IS NOT NULL AND l.written_at > l.read_back_at
            ))
        ORDER BY merchant_id, shop_id
        """,
        now,
        before,
        job,
    )
    return [DueShop(**dict(row)) for row in rows]


async def list_due(
    connection: Connection, job: str, shop: DueShop, *, before: datetime, limit: int
) -> list[ProductKey]:
    """The shop's listings that wait longest to be compared and have nothing under way; those among
    them whose difference was written over are compared at once, to see whether that is repaired.
    Without those that the job is to pass over."""
    row = _listing.c.feed_id + "/" + _listing.c.family_id
    idle = (
        sa.select(*_PRODUCT, _COMPARED_AT.label("compared_at"))
        .where(
            ~sa.tuple_(_listing.c.merchant_id, row).in_(held_rows(job, clock.now())),
            _listing.c.merchant_id == shop.merchant_id,
            _listing.c.shop_id == shop.shop_id,
            _listing.c.marketplace_product_id.is_not(None),
            ~_is_under_way(),
        )
        .order_by(_COMPARED_AT)
        .limit(limit)
    )
    waited = idle.where(_COMPARED_AT < before)  # noqa: SIM300 - the column is no constant
    written_over = idle.where(
        _listing.c.drift.is_not(None), _listing.c.written_at > _listing.c.read_back_at
    )
    # Each is found by an index of its own; by one condition of both none would serve.
    due = sa.union(waited, written_over).subquery()
    query = sa.select(due).order_by(due.c.compared_at).limit(limit)
    return [
        (r["merchant_id"], r["feed_id"], r["family_id"])
        for r in await core.fetch(connection, query)
    ]


async def load_products(connection: Connection, keys: Sequence[ProductKey]) -> list[Listing]:
    """These listings, of whichever feed."""
    query = sa.select(*LISTING_COLUMNS).where(core.is_among(_PRODUCT, keys))
    return [listing_of(row) for row in await core.fetch(connection, query)]


def row_of_product(product: ProductKey) -> RowKey:
    """What jobs call the row of a listing."""
    merchant_id, feed_id, family_id = product
    return RowKey(merchant_id, f"{feed_id}/{family_id}")


def _is_under_way() -> sa.Exists:
    return sa.exists().where(
        _item.c.merchant_id == _listing.c.merchant_id,
        _item.c.feed_id == _listing.c.feed_id,
        _item.c.family_id == _listing.c.family_id,
        _item.c.status.in_(words("sending", "in_job")),
    )


async def expect_read_back(
    connection: Connection, shop: DueShop, product_ids: Sequence[str]
) -> None:
    """Have these products of the shop compared next."""
    await connection.execute(
        """
        UPDATE listing SET read_back_at = '-infinity'
        WHERE merchant_id = $1 AND shop_id = $2 AND marketplace_product_id = ANY($3::text[])
        """,
        shop.merchant_id,
        shop.shop_id,
        list(product_ids),
    )


async def lock_untouched(
    connection: Connection, merchant_id: str, read: Sequence[Listing]
) -> dict[tuple[str, str], bytes | None]:
    """Which of the listings are still as they were read, with nothing under way, and the drift each
    has; by (feed, family). None of them changes before the transaction has ended."""
    as_read = {(listing.feed_id, listing.family_id): listing for listing in read}
    query = (
        sa.select(*LISTING_COLUMNS, _listing.c.drift)
        .where(
            _listing.c.merchant_id == merchant_id,
            _listing.c.feed_id == _any_of([listing.feed_id for listing in read]),
            _listing.c.family_id == _any_of([listing.family_id for listing in read]),
            ~_is_under_way(),
        )
        .order_by(_listing.c.feed_id, _listing.c.family_id)
        .with_for_update(of=_listing)
    )
    untouched = {}
    for row in await core.fetch(connection, query):
        columns = dict(row)
        drift = columns.pop("drift")
        listing = listing_of(columns)
        key = (listing.feed_id, listing.family_id)
        if listing == as_read.get(key):
            untouched[key] = drift
    return untouched


async def save_comparison(
    connection: Connection,
    merchant_id: str,
    compared: Sequence[Listing],
    drift: Mapping[tuple[str, str], bytes],
    at: datetime,
) -> None:
    """Keep what was found, by (feed, family); a listing without drift loses an older one."""
    keys = sorted((listing.feed_id, listing.family_id) for listing in compared)
    await connection.execute(
        """
        UPDATE listing AS l SET read_back_at = $5, drift = c.drift
        FROM unnest($2::text[], $3::text[], $4::bytea[]) AS c (feed_id, family_id, drift)
        WHERE l.merchant_id = $1 AND l.feed_id = c.feed_id AND l.family_id = c.family_id
        """,
        merchant_id,
        [feed_id for feed_id, _ in keys],
        [family_id for _, family_id in keys],
        [drift.get(key) for key in keys],
        at,
    )
