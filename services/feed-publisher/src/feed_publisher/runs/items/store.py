"""Rows of items: planned, sent, decided. The only writer."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import asyncpg
import msgspec
import sqlalchemy as sa

from common import clock
from common.postgres import core
from common.postgres.counters import load_all
from common.postgres.pool import Connection
from feed_publisher import tables
from feed_publisher.desired.states import Kind
from feed_publisher.listings.change import Action, Change
from feed_publisher.listings.listing import Refused
from feed_publisher.listings.outcomes import Sent
from feed_publisher.runs.items.item import (
    Decision,
    NewItem,
    RefusedItem,
    RunItem,
)
from feed_publisher.runs.run import Run
from feed_publisher.tables import word, words

_encoder = msgspec.json.Encoder()
_change = msgspec.json.Decoder(Change)
_sent = msgspec.json.Decoder(Sent)

_item = tables.run_item
_listing = tables.listing

_INCOMING = """
CREATE TEMPORARY TABLE IF NOT EXISTS incoming_item (LIKE run_item INCLUDING DEFAULTS)
ON COMMIT DELETE ROWS
"""
_INCOMING_COLUMNS = (
    "merchant_id", "run_id", "item_no", "feed_id", "family_id", "action", "status", "is_removal",
    "desired_revision", "marketplace_product_id", "sku_codes", "change", "code", "message",
    "traceparent", "decided_at", "removed_skus", "removes_product", "is_reconfiguring",
    "changed_at",
)  # fmt: skip
_NAMES = ", ".join(_INCOMING_COLUMNS)
_STORE_INCOMING = f"""
WITH incoming AS (DELETE FROM pg_temp.incoming_item RETURNING {_NAMES})
INSERT INTO run_item ({_NAMES}) SELECT {_NAMES} FROM incoming
"""  # noqa: S608 - names of ours

_SENT_COLUMNS = (
    _item.c.item_no,
    _item.c.family_id,
    _item.c.action,
    _item.c.desired_revision,
    _item.c.marketplace_product_id,
    _item.c.sku_codes,
    _item.c.change,
    _item.c.sent,
    _item.c.attempts,
    _item.c.traceparent,
    _item.c.changed_at,
)


def _of_row(row: asyncpg.Record) -> RunItem:
    columns = dict(row)
    sent = columns.pop("sent")
    return RunItem(
        change=_change.decode(columns.pop("change")),
        sent=_sent.decode(sent) if sent is not None else Sent(),
        **columns,
    )


async def add_items(
    connection: Connection,
    merchant_id: str,
    run_id: str,
    feed_id: str,
    items: Iterable[NewItem],
) -> None:
    """Store a plan's items: by COPY, which Postgres refuses a table under row-level security, into
    a table of the transaction's own, and from there."""
    await connection.execute(_INCOMING)
    await connection.copy_records_to_table(
        "incoming_item",
        schema_name="pg_temp",
        columns=_INCOMING_COLUMNS,
        records=[
            (
                merchant_id, run_id, item.item_no, feed_id, item.planned.family_id,
                item.planned.action, item.status, item.planned.is_removal,
                item.planned.desired_revision, item.planned.marketplace_product_id,
                list(item.planned.sku_codes), _encoder.encode(item.planned.change),
                item.code, item.message, item.traceparent, item.decided_at,
                list(item.planned.removed_skus), item.planned.removes_product,
                item.planned.is_reconfiguring, item.changed_at,
            )
            for item in items
        ],
    )  # fmt: skip
    await connection.execute(_STORE_INCOMING)


async def drop_items(connection: Connection, run: Run, families: Sequence[str]) -> None:
    """Take these families out of a plan that nobody has seen."""
    await connection.execute(
        "DELETE FROM run_item WHERE merchant_id = $1 AND run_id = $2 AND family_id = ANY($3)",
        run.merchant_id,
        run.run_id,
        list(families),
    )


async def forget_items(connection: Connection, runs: Sequence[tuple[str, str]]) -> None:
    """Delete the items of these (merchant, run) pairs."""
    await connection.execute(
        """
        DELETE FROM run_item USING unnest($1::text[], $2::text[]) AS r (merchant_id, run_id)
        WHERE run_item.merchant_id = r.merchant_id AND run_item.run_id = r.run_id
        """,
        [merchant_id for merchant_id, _ in runs],
        [run_id for _, run_id in runs],
    )


async def withhold_items(
    connection: Connection, run: Run, item_nos: Sequence[int], reason: Refused
) -> None:
    """Hold these back until someone confirms them."""
    await connection.execute(
        """
        UPDATE run_item SET status = 'withheld', code = $4, message = $5
        WHERE merchant_id = $1 AND run_id = $2 AND item_no = ANY($3::integer[])
        """,
        run.merchant_id,
        run.run_id,
        list(item_nos),
        reason.code,
        reason.message,
    )


async def list_busy(
    connection: Connection, merchant_id: str, feed_id: str, kind: Kind, family_ids: Sequence[str]
) -> set[str]:
    """Families of which an item of this kind is still under way: their marks wait."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT family_id FROM run_item
        WHERE merchant_id = $1 AND feed_id = $2 AND family_id = ANY($3::text[])
            AND status IN ('sending', 'in_job')
            AND (action IN ('price', 'stock')) = ($4 = 'offer')
        """,
        merchant_id,
        feed_id,
        list(family_ids),
        kind,
    )
    return {row["family_id"] for row in rows}


async def count_overtaken(connection: Connection, run: Run) -> tuple[int, int]:
    """How many families of a plan that waits have a newer desired state, and how many there are."""
    row = await connection.fetchrow(
        """
        SELECT count(DISTINCT family_id) AS families,
            count(DISTINCT family_id) FILTER (WHERE d.revision > i.desired_revision) AS overtaken
        FROM run_item AS i JOIN desired_product AS d USING (merchant_id, feed_id, family_id)
        WHERE i.merchant_id = $1 AND i.run_id = $2 AND i.status IN ('pending', 'withheld')
        """,
        run.merchant_id,
        run.run_id,
    )
    return (0, 0) if row is None else (row["overtaken"], row["families"])


async def list_refused(connection: Connection, merchant_id: str, run_id: str) -> list[RefusedItem]:
    """The families a plan refused without asking AliExpress to take them, if still as planned."""
    rows = await connection.fetch(
        """
        SELECT family_id, i.desired_revision, coalesce(i.code, '') AS code,
            coalesce(i.message, '') AS message, i.traceparent
        FROM run_item AS i JOIN desired_product AS d USING (merchant_id, feed_id, family_id)
        WHERE i.merchant_id = $1 AND i.run_id = $2 AND i.status = 'rejected'
            AND i.call_id IS NULL AND d.revision = i.desired_revision
        ORDER BY family_id
        """,
        merchant_id,
        run_id,
    )
    return [RefusedItem(**dict(row)) for row in rows]


async def count_items(
    connection: Connection, merchant_id: str, run_ids: Sequence[str]
) -> dict[str, dict[tuple[str, str], int]]:
    """Per run: how many items there are, by (action, status)."""
    found = await load_all(connection, merchant_id, run_ids, ["items"])
    counts: dict[str, dict[tuple[str, str], int]] = {run_id: {} for run_id in run_ids}
    for (run_id, _), items in found.items():
        for name, number in items.items():
            action, _, status = name.partition("/")
            counts[run_id][action, status] = number
    return counts


async def count_refusals(
    connection: Connection, merchant_id: str, run_id: str
) -> list[tuple[str, str, int]]:
    """Why items of the run were not accepted: code, message, how many; the most frequent first."""
    rows = await connection.fetch(
        """
        SELECT coalesce(code, '') AS code, coalesce(message, '') AS message, count(*) AS items
        FROM run_item WHERE merchant_id = $1 AND run_id = $2
            AND (status IN ('rejected', 'withheld')
                OR status IN ('deferred', 'in_job') AND code IS NOT NULL)
        GROUP BY 1, 2 ORDER BY items DESC, code, message LIMIT 500
        """,
        merchant_id,
        run_id,
    )
    return [(row["code"], row["message"], row["items"]) for row in rows]


async def list_sendable(
    connection: Connection, run: Run, action: Action, *, limit: int
) -> list[RunItem]:
    """Pending items of an action in their order; products being audited wait."""
    is_listed = sa.and_(
        _listing.c.merchant_id == _item.c.merchant_id,
        _listing.c.feed_id == _item.c.feed_id,
        _listing.c.family_id == _item.c.family_id,
    )
    query = _pending(run, action).outerjoin(_listing, is_listed)
    query = query.where(
        sa.or_(
            _item.c.action.in_(words("create", "delete")),
            _listing.c.status.is_distinct_from(word("auditing")),
        )
    )
    return await _fetch_items(connection, query.limit(limit))


async def list_planned(
    connection: Connection, run: Run, action: Action, *, after: int, limit: int
) -> list[RunItem]:
    """Pending items of an action by number, whatever they wait for."""
    query = _pending(run, action).where(_item.c.item_no > after).limit(limit)
    return await _fetch_items(connection, query)


def _pending(run: Run, action: Action) -> sa.Select[*tuple[Any, ...]]:
    return (
        sa.select(*_SENT_COLUMNS)
        .where(
            _item.c.merchant_id == run.merchant_id,
            _item.c.run_id == run.run_id,
            _item.c.status == word("pending"),
            _item.c.action == action,
        )
        .order_by(_item.c.item_no)
    )


async def _fetch_items(connection: Connection, query: sa.Select[*tuple[Any, ...]]) -> list[RunItem]:
    return [_of_row(row) for row in await core.fetch(connection, query)]


async def list_call_items(connection: Connection, merchant_id: str, call_id: str) -> list[RunItem]:
    """The items of a call that are not decided yet."""
    query = (
        sa.select(*_SENT_COLUMNS)
        .where(
            _item.c.merchant_id == merchant_id,
            _item.c.call_id == call_id,
            _item.c.status.in_(words("sending", "in_job")),
        )
        .order_by(_item.c.item_no)
    )
    return await _fetch_items(connection, query)


async def has_audited(connection: Connection, run: Run) -> bool:
    """Whether pending items wait for audits."""
    found = await connection.fetchval(
        """
        SELECT 1 FROM run_item AS i JOIN listing AS l USING (merchant_id, feed_id, family_id)
        WHERE i.merchant_id = $1 AND i.run_id = $2 AND i.status = 'pending'
            AND i.action NOT IN ('create', 'delete') AND l.status = 'auditing' LIMIT 1
        """,
        run.merchant_id,
        run.run_id,
    )
    return found is not None


async def find_open(connection: Connection, run: Run) -> tuple[bool, bool]:
    """Whether items are pending, and whether any are under way; nobody waits for those in a job
    that is stuck."""
    row = await connection.fetchrow(
        """
        SELECT EXISTS (
                SELECT 1 FROM run_item
                WHERE merchant_id = $1 AND run_id = $2 AND status = 'pending') AS pending,
            EXISTS (
                SELECT 1 FROM run_item
                WHERE merchant_id = $1 AND run_id = $2 AND status IN ('sending', 'in_job')
                    AND code IS DISTINCT FROM 'job-stuck') AS under_way
        """,
        run.merchant_id,
        run.run_id,
    )
    return (False, False) if row is None else (row["pending"], row["under_way"])


async def decide_items(
    connection: Connection, run_id: str, merchant_id: str, decisions: Sequence[Decision]
) -> None:
    """Write decisions; an item back to pending leaves its call."""
    await connection.execute(
        """
        UPDATE run_item AS i SET status = d.status, code = d.code, message = d.message,
            marketplace_product_id = coalesce(d.product_id, i.marketplace_product_id),
            decided_at = CASE WHEN d.status = 'pending' THEN NULL ELSE $8::timestamptz END,
            call_id = CASE WHEN d.status = 'pending' THEN NULL ELSE i.call_id END,
            attempts = i.attempts - d.refunds
        FROM unnest($3::integer[], $4::text[], $5::text[], $6::text[], $7::text[], $9::integer[])
            AS d (item_no, status, code, message, product_id, refunds)
        WHERE i.merchant_id = $1 AND i.run_id = $2 AND i.item_no = ANY($3)
            AND i.item_no = d.item_no
        """,
        merchant_id,
        run_id,
        [d.item_no for d in decisions],
        [d.status for d in decisions],
        [d.code for d in decisions],
        [d.message for d in decisions],
        [d.marketplace_product_id for d in decisions],
        clock.now(),
        [d.refunds for d in decisions],
    )


async def defer_pending(connection: Connection, run: Run, reason: Refused) -> list[str]:
    """Leave the items that are still pending to the next run, and say why; their families."""
    rows = await connection.fetch(
        """
        UPDATE run_item SET status = 'deferred', decided_at = $3, code = $4, message = $5
        WHERE merchant_id = $1 AND run_id = $2 AND status = 'pending'
        RETURNING family_id
        """,
        run.merchant_id,
        run.run_id,
        clock.now(),
        reason.code,
        reason.message,
    )
    return sorted({row["family_id"] for row in rows})


async def release_withheld(
    connection: Connection, run: Run, *, after: int, limit: int
) -> int | None:
    """Let the next of what is withheld in a confirmed plan go, by item number; the number of the
    last one, None when there was none."""
    last: int | None = await connection.fetchval(
        """
        WITH piece AS (
            SELECT item_no FROM run_item
            WHERE merchant_id = $1 AND run_id = $2 AND status = 'withheld' AND item_no > $3
            ORDER BY item_no LIMIT $4
        ), released AS (
            UPDATE run_item SET status = 'pending', code = NULL, message = NULL
            WHERE merchant_id = $1 AND run_id = $2
                AND item_no = ANY(ARRAY(SELECT item_no FROM piece))
        )
        SELECT max(item_no) FROM piece
        """,
        run.merchant_id,
        run.run_id,
        after,
        limit,
    )
    return last


async def begin_sending(
    connection: Connection,
    run: Run,
    call_id: str,
    items: Sequence[RunItem],
    sent: Mapping[int, Sent],
) -> None:
    """These items are about to be sent by that call; `sent` is what they will carry, by number."""
    await connection.execute(
        """
        UPDATE run_item AS i SET status = 'sending', call_id = $3, attempts = attempts + 1,
            sent = coalesce(s.sent, i.sent)
        FROM unnest($4::integer[], $5::bytea[]) AS s (item_no, sent)
        WHERE i.merchant_id = $1 AND i.run_id = $2 AND i.item_no = ANY($4)
            AND i.item_no = s.item_no
        """,
        run.merchant_id,
        run.run_id,
        call_id,
        [item.item_no for item in items],
        [_encoder.encode(sent[i.item_no]) if i.item_no in sent else None for i in items],
    )


async def enter_job(connection: Connection, merchant_id: str, call_id: str) -> None:
    """The items of that call are in a feed job from now on."""
    await connection.execute(
        """
        UPDATE run_item SET status = 'in_job'
        WHERE merchant_id = $1 AND call_id = $2 AND status = 'sending'
        """,
        merchant_id,
        call_id,
    )


async def note_stuck(connection: Connection, merchant_id: str, call_id: str, note: Refused) -> None:
    """Nobody waits any longer for these items of a job, which stay in it, even where nobody knows
    which job that is."""
    await connection.execute(
        """
        UPDATE run_item SET status = 'in_job', code = $3, message = $4
        WHERE merchant_id = $1 AND call_id = $2 AND status IN ('sending', 'in_job')
        """,
        merchant_id,
        call_id,
        note.code,
        note.message,
    )


async def list_with_item(connection: Connection, run: Run, families: Sequence[str]) -> set[str]:
    """Those of the families that the run's plan has an item of."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT family_id FROM run_item
        WHERE merchant_id = $1 AND run_id = $2 AND family_id = ANY($3::text[])
        """,
        run.merchant_id,
        run.run_id,
        list(families),
    )
    return {row["family_id"] for row in rows}


async def count_planned(connection: Connection, run: Run) -> int:
    """How many of the products that are wanted have an item in the run's plan.

    Each is looked up by its key: to join both, Postgres compared all with all while it had no
    statistics of them yet, which is when a feed's first plan is made.
    """
    found: int = await connection.fetchval(
        """
        SELECT count(*) FILTER (WHERE (
            SELECT d.presence FROM desired_product AS d
            WHERE d.merchant_id = $1 AND d.feed_id = $3 AND d.family_id = i.family_id
        ) = 'present')
        FROM (SELECT DISTINCT family_id FROM run_item WHERE merchant_id = $1 AND run_id = $2) AS i
        """,
        run.merchant_id,
        run.run_id,
        run.feed_id,
    )
    return found
