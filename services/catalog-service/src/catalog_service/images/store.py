"""Verdicts on picture addresses in Postgres, one per merchant and address."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Text, column, func, literal, select

from catalog_service.families.store import end_waits, mark
from catalog_service.images.queue import ImageKey
from common import clock
from common.postgres.pool import Connection
from common.postgres.unit_of_work import WorkKind, made_work

CHECKING_IMAGES = WorkKind()
"""Pictures without a verdict."""


def wait_for_image(url: str) -> str:
    """What a family that needs a picture's verdict waits for."""
    return f"image:{url}"


async def load_verdicts(
    connection: Connection, keys: Collection[ImageKey]
) -> dict[ImageKey, str | None]:
    """What is known: empty text for a good picture, else why it is not; None while unknown."""
    rows = await connection.fetch(
        """
        SELECT merchant_id, url, is_reachable, reason FROM image_check
        JOIN unnest($1::text[], $2::text[]) AS k (merchant_id, url) USING (merchant_id, url)
        WHERE checked_at IS NOT NULL
        """,
        [merchant for merchant, _ in keys],
        [url for _, url in keys],
    )
    return {(m, u): "" if is_reachable else reason for m, u, is_reachable, reason in rows}


async def request_checks(connection: Connection, keys: Collection[ImageKey]) -> set[ImageKey]:
    """Ask for these checks; those already made are returned.

    Locks their rows, so that a verdict that comes meanwhile sees the marks that wait for it.
    """
    made_work(connection, CHECKING_IMAGES)
    wanted = sorted(keys)
    columns = [[merchant for merchant, _ in wanted], [url for _, url in wanted]]
    await connection.execute(
        """
        INSERT INTO image_check (merchant_id, url, due_at)
        SELECT k.*, $3 FROM unnest($1::text[], $2::text[]) AS k ON CONFLICT DO NOTHING
        """,
        *columns,
        clock.now(),
    )
    rows = await connection.fetch(
        """
        SELECT i.merchant_id, i.url, i.checked_at FROM image_check i
        JOIN unnest($1::text[], $2::text[]) AS k (merchant_id, url) USING (merchant_id, url)
        ORDER BY 1, 2 FOR SHARE OF i
        """,
        *columns,
    )
    return {(m, u) for m, u, checked_at in rows if checked_at is not None}


async def claim_due_checks(
    connection: Connection,
    job: str,
    *,
    until: datetime,
    without_merchants: Collection[str],
    merchants: int,
    per_merchant: int,
) -> list[ImageKey]:
    """Claim due addresses that the job is not to pass over by moving their due time on; a claim
    that dies is due again then.

    Of each of so many `merchants` the oldest ones, however many others have: their number costs
    nothing, for the index is walked from merchant to merchant.
    """
    rows = await connection.fetch(
        """
        WITH RECURSIVE merchant AS (
            (SELECT merchant_id FROM image_check
                WHERE due_at <= $1 ORDER BY merchant_id LIMIT 1)
            UNION ALL
            SELECT (SELECT i.merchant_id FROM image_check i
                WHERE i.merchant_id > merchant.merchant_id AND i.due_at <= $1
                ORDER BY i.merchant_id LIMIT 1)
            FROM merchant WHERE merchant.merchant_id IS NOT NULL
        ), due AS (
            SELECT first.merchant_id, first.url FROM merchant CROSS JOIN LATERAL (
                SELECT merchant_id, url FROM image_check i
                WHERE i.merchant_id = merchant.merchant_id AND i.due_at <= $1
                    AND NOT is_held($3, i.merchant_id, i.url, $1)
                ORDER BY i.due_at LIMIT $6 FOR UPDATE SKIP LOCKED
            ) AS first
            WHERE merchant.merchant_id <> ALL($4::text[]) LIMIT $5
        )
        UPDATE image_check SET due_at = $2 FROM due
        WHERE (image_check.merchant_id, image_check.url) = (due.merchant_id, due.url)
        RETURNING image_check.merchant_id, image_check.url
        """,
        clock.now(),
        until,
        job,
        list(without_merchants),
        merchants * per_merchant,
        per_merchant,
    )
    return [(m, u) for m, u in rows]


async def count_failures(connection: Connection, key: ImageKey) -> int:
    """How often in a row the address gave no picture."""
    found: int | None = await connection.fetchval(
        "SELECT failures FROM image_check WHERE merchant_id = $1 AND url = $2", *key
    )
    return found or 0


async def save_verdict(
    connection: Connection,
    key: ImageKey,
    *,
    reason: str | None,
    content_hash: bytes | None,
    due_at: datetime,
    may_pass: bool = False,
) -> None:
    """Keep a verdict (`reason` None: a good picture); one that `may_pass` does not take a good
    picture away before it has come a third time in a row.

    Lets go the families that wait for it; when it changed, marks those that use it. So does another
    content of an address whose former one was asked into a photo bank.
    """
    merchant_id, url = key
    is_other = await connection.fetchval(
        """
        UPDATE image_check SET
            is_reachable = $3::text IS NULL OR ($7 AND is_reachable IS TRUE AND failures < 2),
            reason = CASE WHEN $7 AND is_reachable IS TRUE AND failures < 2 THEN NULL ELSE $3 END,
            content_hash = coalesce($4, content_hash),
            failures = CASE WHEN $3::text IS NULL THEN 0 ELSE failures + 1 END,
            due_at = $5, checked_at = $6
        WHERE merchant_id = $1 AND url = $2
        RETURNING old.checked_at IS NOT NULL AND (
            old.is_reachable IS DISTINCT FROM new.is_reachable
            OR (old.content_hash <> new.content_hash AND EXISTS (
                SELECT FROM bank_picture AS b
                WHERE b.merchant_id = $1 AND b.content_hash = old.content_hash)))
        """,
        merchant_id,
        url,
        reason,
        content_hash,
        due_at,
        clock.now(),
        may_pass,
    )
    await end_waits(connection, merchant_id, wait_for_image(url))
    if is_other:
        shown = func.families_with_image(merchant_id, url).table_valued(
            *(column(name, Text) for name in ("catalogue_id", "family_id", "feed_id"))
        )
        await mark(connection, select(literal(merchant_id, Text).label("merchant_id"), *shown.c))
