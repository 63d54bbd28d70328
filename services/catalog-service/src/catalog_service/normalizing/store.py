"""Family members and normalized products in Postgres."""

from collections import defaultdict
from collections.abc import Collection, Container, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from catalog_service.families.store import FamilyKey, ProductKey, columns_of, listed, mark
from catalog_service.normalizing.normalize import Standing
from catalog_service.normalizing.sku_codes.store import save_sku_codes
from catalog_service.normalizing.variations import Member, StoredMember
from common import clock
from common.contracts.envelope import EncodedEvent
from common.contracts.product import ProductNormalized, ProductReported
from common.postgres.pool import Connection


async def load_members(
    connection: Connection, families: Collection[FamilyKey]
) -> dict[FamilyKey, list[Member]]:
    """The members of these families, read: see `load_stored_members`."""
    stored = await load_stored_members(connection, families)
    return {family: [member.read() for member in members] for family, members in stored.items()}


async def load_stored_members(
    connection: Connection, families: Collection[FamilyKey]
) -> dict[FamilyKey, list[StoredMember]]:
    """The members of these families that are not deleted; of a family whose own row is a child of
    another, that row too where it has children (see `Member`)."""
    rows = await connection.fetch(
        """
        WITH family AS (
            SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
                AS k (merchant_id, catalogue_id, family_id)
        )
        SELECT k.merchant_id, k.catalogue_id, k.family_id, p.product_id, p.parent_id, p.fields
        FROM family k JOIN source_product p
            ON (p.merchant_id, p.catalogue_id, p.product_id)
                = (k.merchant_id, k.catalogue_id, k.family_id)
        WHERE NOT p.is_deleted AND (p.parent_id IS NULL OR EXISTS (
            SELECT FROM source_product child
            WHERE (child.merchant_id, child.catalogue_id, child.parent_id)
                = (k.merchant_id, k.catalogue_id, k.family_id) AND NOT child.is_deleted))
        UNION ALL
        SELECT k.merchant_id, k.catalogue_id, k.family_id, p.product_id, p.parent_id, p.fields
        FROM family k JOIN source_product p
            ON (p.merchant_id, p.catalogue_id, p.parent_id)
                = (k.merchant_id, k.catalogue_id, k.family_id)
        WHERE NOT p.is_deleted AND p.parent_id IS NOT NULL
        """,
        *columns_of(families),
    )
    members: dict[FamilyKey, list[StoredMember]] = defaultdict(list)
    for merchant, catalogue, family, *member in rows:
        members[(merchant, catalogue, family)].append(StoredMember(*member))
    return members


@dataclass(frozen=True)
class Previous:
    """How a family was last stored for a feed."""

    revision: int
    state: str
    digest: bytes
    standing: Standing
    inputs: bytes | None = None
    """What it was evaluated from (`digest_of_inputs`); None where it is to be evaluated anew."""
    category_id: str | None = None
    image_urls: Sequence[str] = ()


async def load_previous(
    connection: Connection, keys: Collection[ProductKey]
) -> dict[ProductKey, Previous]:
    """How these were last stored, locked in key order for this transaction.

    Each is looked up by itself: while a feed's first families are written the planner takes the
    table for a small one, and reads all of it for every set.
    """
    rows = await connection.fetch(
        """
        SELECT n.* FROM unnest($1::text[], $2::text[], $3::text[])
            AS k (merchant_id, feed_id, family_id),
        LATERAL (
            SELECT merchant_id, feed_id, family_id, revision, state, digest,
                live_locale IS NOT NULL OR marketplace_product_id IS NOT NULL AS is_online,
                live_locale, is_parent, inputs, category_id, image_urls
            FROM normalized_product AS p
            WHERE (p.merchant_id, p.feed_id, p.family_id)
                = (k.merchant_id, k.feed_id, k.family_id) FOR UPDATE
        ) AS n
        """,
        *columns_of(keys),
    )
    return {
        (m, f, family): Previous(
            revision, state, digest, Standing(is_online, locale, was_parent), *found
        )
        for m, f, family, revision, state, digest, is_online, locale, was_parent, *found in rows
    }


async def load_standings(
    connection: Connection, keys: Collection[ProductKey]
) -> dict[ProductKey, Standing]:
    """What is known of these families from before; one never normalized is left out."""
    rows = await connection.fetch(
        """
        SELECT merchant_id, feed_id, family_id,
            live_locale IS NOT NULL OR marketplace_product_id IS NOT NULL AS is_online,
            live_locale, is_parent
        FROM normalized_product
        JOIN unnest($1::text[], $2::text[], $3::text[]) AS k (merchant_id, feed_id, family_id)
            USING (merchant_id, feed_id, family_id)
        """,
        *columns_of(keys),
    )
    return {(m, f, family): Standing(*standing) for m, f, family, *standing in rows}


@dataclass(frozen=True)
class Present:
    """A family as it is stored for a feed: what was last emitted of it, and how it stood then."""

    event: ProductNormalized
    title: str | None
    image_urls: list[str]
    previous: Previous


async def load_present(
    connection: Connection, keys: Collection[ProductKey]
) -> dict[ProductKey, Present]:
    """How these families are stored, for who only looks; one never normalized is left out."""
    rows = await connection.fetch(
        """
        SELECT merchant_id, feed_id, family_id, event, title, image_urls, revision, state, digest,
            live_locale IS NOT NULL OR marketplace_product_id IS NOT NULL AS is_online,
            live_locale, is_parent
        FROM normalized_product
        JOIN unnest($1::text[], $2::text[], $3::text[]) AS k (merchant_id, feed_id, family_id)
            USING (merchant_id, feed_id, family_id)
        """,
        *columns_of(keys),
    )
    return {
        (m, f, family): Present(
            event_of(event),
            title,
            image_urls,
            Previous(revision, state, digest, Standing(*standing)),
        )
        for m, f, family, event, title, image_urls, revision, state, digest, *standing in rows
    }


@dataclass(frozen=True)
class LastResult:
    """What was last found of a family, kept while it cannot be evaluated."""

    sku_codes: list[str]
    category_id: str | None
    category_path: str | None
    title: str | None
    image_urls: list[str]


async def load_last_results(
    connection: Connection, keys: Collection[ProductKey]
) -> dict[ProductKey, LastResult]:
    """What was last found of these families."""
    rows = await connection.fetch(
        """
        SELECT merchant_id, feed_id, family_id, event, category_id, category_path, title,
            image_urls
        FROM normalized_product
        JOIN unnest($1::text[], $2::text[], $3::text[]) AS k (merchant_id, feed_id, family_id)
            USING (merchant_id, feed_id, family_id)
        """,
        *columns_of(keys),
    )
    return {
        (m, feed, family): LastResult(event_of(event).sku_codes, *shown)
        for m, feed, family, event, *shown in rows
    }


@dataclass(frozen=True)
class NormalizedRow:
    """A normalized product as stored; `event` is what was last emitted or is about to be, `record`
    the same as it goes out."""

    event: ProductNormalized
    record: EncodedEvent
    catalogue_id: str
    state: str
    digest: bytes
    category_id: str | None
    category_path: str
    title: str
    image_urls: list[str]
    rules: list[str]
    missing: list[str]
    traceparent: str | None
    is_parent: bool
    due_at: datetime | None
    groups: list[str]
    """Under what its issues are counted."""
    sought: str
    """By what it is found."""
    inputs: bytes | None = None
    """What it was evaluated from; None where it could not be."""
    quality: int | None = None


_INCOMING = """
CREATE TEMPORARY TABLE IF NOT EXISTS incoming_normalized (
    merchant_id text, feed_id text, family_id text, catalogue_id text, revision bigint, state text,
    digest bytea, category_id text, category_path text, title text, image_urls text[],
    rules text[], missing text[], event text, traceparent text, normalized_at timestamptz,
    is_parent boolean, due_at timestamptz, groups text[], sought text,
    inputs bytea, quality integer
) ON COMMIT DELETE ROWS
"""
_INCOMING_COLUMNS = (
    "merchant_id", "feed_id", "family_id", "catalogue_id", "revision", "state", "digest",
    "category_id", "category_path", "title", "image_urls", "rules", "missing", "event",
    "traceparent", "normalized_at", "is_parent", "due_at", "groups", "sought", "inputs",
    "quality",
)  # fmt: skip
_STORE_INCOMING = """
WITH incoming AS (DELETE FROM pg_temp.incoming_normalized RETURNING *)
INSERT INTO normalized_product
    (merchant_id, feed_id, family_id, catalogue_id, revision, state, digest, category_id,
     category_path, title, image_urls, rules, missing, event, traceparent, normalized_at,
     is_parent, due_at, groups, sought, inputs, quality)
SELECT merchant_id, feed_id, family_id, catalogue_id, revision, state, digest, category_id,
    category_path, title, image_urls, rules, missing, event, traceparent, normalized_at,
    is_parent, due_at, groups, sought, inputs, quality
FROM incoming ORDER BY merchant_id COLLATE "C", feed_id COLLATE "C", family_id COLLATE "C"
ON CONFLICT (merchant_id, feed_id, family_id) DO UPDATE SET
    catalogue_id = excluded.catalogue_id, revision = excluded.revision, state = excluded.state,
    digest = excluded.digest, category_id = excluded.category_id,
    category_path = excluded.category_path, title = excluded.title,
    image_urls = excluded.image_urls, rules = excluded.rules, missing = excluded.missing,
    event = excluded.event, traceparent = excluded.traceparent,
    normalized_at = excluded.normalized_at, is_parent = excluded.is_parent,
    due_at = excluded.due_at, groups = excluded.groups, sought = excluded.sought,
    inputs = excluded.inputs, quality = excluded.quality
"""


async def save_normalized(
    connection: Connection, rows: Sequence[NormalizedRow], *, known: Container[ProductKey]
) -> None:
    """Write what was normalized, in key order; the caller holds the rows' locks, and has looked
    which of them are `known` from before.

    In one statement, which counts its rows together; they come in by COPY, which Postgres refuses
    a table under row-level security.
    """
    await connection.execute(_INCOMING)
    await connection.copy_records_to_table(
        "incoming_normalized",
        schema_name="pg_temp",
        columns=_INCOMING_COLUMNS,
        records=[
            (
                row.event.merchant_id,
                row.event.feed_id,
                row.event.family_id,
                row.catalogue_id,
                row.event.revision,
                row.state,
                row.digest,
                row.category_id,
                row.category_path,
                row.title,
                row.image_urls,
                row.rules,
                row.missing,
                row.record.value.decode(),
                row.traceparent,
                clock.now(),
                row.is_parent,
                row.due_at,
                row.groups,
                row.sought,
                row.inputs,
                row.quality,
            )
            for row in rows
        ],
    )
    await connection.execute(_STORE_INCOMING)
    events = [row.event for row in rows if row.event.presence == "present"]
    codes = {(e.merchant_id, e.feed_id, e.family_id): e.sku_codes for e in events}
    await save_sku_codes(connection, codes, known=known)


async def list_due(connection: Connection, job: str, *, limit: int) -> list[ProductKey]:
    """Families of which a sale price begins or ends by now and that the job is not to pass over."""
    rows = await connection.fetch(
        """
        SELECT merchant_id, feed_id, family_id FROM normalized_product
        WHERE due_at <= $1 AND NOT is_held($3, merchant_id, feed_id || '/' || family_id, $1)
        ORDER BY due_at LIMIT $2
        """,
        clock.now(),
        limit,
        job,
    )
    return [(m, feed, family) for m, feed, family in rows]


async def mark_due(connection: Connection, keys: Sequence[ProductKey]) -> None:
    """Mark those of these families dirty of which a sale price begins or ends by now.

    Their rows keep no due time until they are evaluated: the mark takes its place. Nor do they keep
    what they were evaluated from: they are to be evaluated although nothing else changed.
    """
    rows = await connection.fetch(
        """
        UPDATE normalized_product AS n SET due_at = NULL, inputs = NULL
        FROM (
            SELECT merchant_id, feed_id, family_id FROM normalized_product
            JOIN unnest($2::text[], $3::text[], $4::text[]) AS k (merchant_id, feed_id, family_id)
                USING (merchant_id, feed_id, family_id)
            WHERE due_at <= $1 FOR UPDATE OF normalized_product SKIP LOCKED
        ) AS due
        WHERE (n.merchant_id, n.feed_id, n.family_id)
            = (due.merchant_id, due.feed_id, due.family_id)
        RETURNING n.merchant_id, n.catalogue_id, n.family_id, n.feed_id, n.traceparent
        """,
        clock.now(),
        *columns_of(keys),
    )
    if rows:
        await mark(connection, listed((m, c, f, feed, trace) for m, c, f, feed, trace in rows))


async def keep_reports(connection: Connection, reports: Sequence[ProductReported]) -> None:
    """Keep the newest report of each family, in key order.

    The main language a product went live with stays until it is deleted (M3.1); a family held back
    by it is marked dirty then. So is one that goes offline, or that comes online while an issue of
    M4.3 holds of products that are not: what is right for its stock depends on it.
    """
    rows = await connection.fetch(
        """
        UPDATE normalized_product AS n SET
            report_status = r.status, report_revision = r.revision, report_causes = r.causes,
            marketplace_product_id = CASE WHEN r.status = 'deleted' THEN NULL
                ELSE coalesce(r.product_id, n.marketplace_product_id) END,
            live_locale = CASE r.status
                WHEN 'deleted' THEN NULL
                WHEN 'live' THEN coalesce(n.live_locale,
                    n.event::json -> 'content' ->> 'main_locale')
                ELSE n.live_locale END
        FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[],
            $7::text[]) AS r (merchant_id, feed_id, family_id, revision, status, product_id, causes)
        WHERE (n.merchant_id, n.feed_id, n.family_id)
                = (r.merchant_id, r.feed_id, r.family_id)
            AND r.revision > coalesce(n.report_revision, -1)
        RETURNING n.merchant_id, n.catalogue_id, n.feed_id, n.family_id,
            old.live_locale IS NOT NULL OR old.marketplace_product_id IS NOT NULL AS was_online,
            new.live_locale IS NOT NULL OR new.marketplace_product_id IS NOT NULL AS is_online,
            'M4.3' = ANY(n.rules) AS has_stock_issue
        """,
        [report.merchant_id for report in reports],
        [report.feed_id for report in reports],
        [report.family_id for report in reports],
        [report.revision for report in reports],
        [report.status for report in reports],
        [report.marketplace_product_id for report in reports],
        [msgspec.json.encode(report.causes).decode() for report in reports],
    )
    moved = [
        (m, c, family, f, None)
        for m, c, f, family, was_online, is_online, has_stock_issue in rows
        if was_online != is_online and (was_online or has_stock_issue)
    ]
    if moved:
        await mark(connection, listed(moved))


# -- republish ------------------------------------------------------------------------------


async def request_republish(connection: Connection, keys: Sequence[tuple[str, str]]) -> None:
    """Have every record of these (merchant, feed) emitted again."""
    await connection.executemany(
        "INSERT INTO republish_request (merchant_id, feed_id) VALUES ($1, $2)", keys
    )


async def claim_republish(
    connection: Connection, *, limit: int
) -> tuple[int, list[ProductKey]] | None:
    """The next records to emit again, with the request they belong to, whose row is locked.

    None when nothing is asked for; an empty list when a request is at its end.
    """
    request = await connection.fetchrow(
        """
        SELECT id, merchant_id, feed_id, after_family_id FROM republish_request
        ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
        """
    )
    if request is None:
        return None
    rows = await connection.fetch(
        """
        SELECT merchant_id, feed_id, family_id FROM normalized_product
        WHERE merchant_id = $1 AND feed_id = $2 AND family_id > $3
        ORDER BY family_id LIMIT $4
        """,
        request["merchant_id"],
        request["feed_id"],
        request["after_family_id"],
        limit,
    )
    return request["id"], [(m, feed, family) for m, feed, family in rows]


async def lock_events(
    connection: Connection, keys: Sequence[ProductKey]
) -> list[tuple[ProductNormalized, str | None]]:
    """The records of these families, in key order, their rows locked."""
    rows = await connection.fetch(
        """
        SELECT event, traceparent FROM normalized_product
        JOIN unnest($1::text[], $2::text[], $3::text[]) AS k (merchant_id, feed_id, family_id)
            USING (merchant_id, feed_id, family_id)
        ORDER BY merchant_id, feed_id, family_id FOR UPDATE OF normalized_product
        """,
        *columns_of(keys),
    )
    return [(event_of(row["event"]), row["traceparent"]) for row in rows]


async def move_republish(
    connection: Connection, request_id: int, *, after_family_id: str | None
) -> None:
    """Note how far a request has come; None ends it."""
    if after_family_id is None:
        await connection.execute("DELETE FROM republish_request WHERE id = $1", request_id)
    else:
        await connection.execute(
            "UPDATE republish_request SET after_family_id = $2 WHERE id = $1",
            request_id,
            after_family_id,
        )


def event_of(text: str) -> ProductNormalized:
    """The record a row keeps."""
    return msgspec.json.decode(text, type=ProductNormalized)
