"""Dirty marks and waits of families in Postgres."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import (
    ARRAY,
    Insert,
    SelectBase,
    Text,
    any_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
)

from catalog_service.tables import family_mark, family_wait
from common import clock
from common.postgres import core
from common.postgres.counters import load_all
from common.postgres.pool import Connection
from common.postgres.set_aside import RowKey
from common.postgres.unit_of_work import WorkKind, made_work

NORMALIZING = WorkKind()
"""Dirty families, to be evaluated."""

FamilyKey = tuple[str, str, str]
"""(merchant, catalogue, family)"""
ProductKey = tuple[str, str, str]
"""(merchant, feed, family)"""

MARKED = ("merchant_id", "catalogue_id", "family_id", "feed_id", "traceparent")
"""What a mark and a wait say of a family."""


@dataclass(frozen=True)
class Mark:
    """Why a family is dirty: for one feed, or for all of its catalogue (`feed_id` is None)."""

    id: int
    feed_id: str | None
    traceparent: str | None
    marked_at: datetime


@dataclass(frozen=True)
class Wait:
    """A family that cannot be evaluated for a feed before something is there; None: it came
    meanwhile, the family is simply dirty again."""

    family: FamilyKey
    feed_id: str
    waits_for: str | None
    traceparent: str | None


def marking(families: SelectBase) -> Insert:
    """The statement that marks the families selected, to be run by `mark` or within another, whose
    caller says that it `made_work` for `NORMALIZING` and gives the time as `now`.

    `families` has the columns merchant_id, catalogue_id and family_id; feed_id and traceparent
    where there are any.
    """
    selected = families.subquery()
    return insert(family_mark).from_select(
        [*selected.c.keys(), family_mark.c.marked_at.name],
        select(selected, bindparam("now", type_=family_mark.c.marked_at.type)),
    )


async def mark(connection: Connection, families: SelectBase) -> None:
    """Mark the families selected dirty: see `marking`."""
    if await core.execute(connection, marking(families), now=clock.now()):
        made_work(connection, NORMALIZING)


def listed(families: Iterable[tuple[str, str, str, str | None, str | None]]) -> SelectBase:
    """These families as a selection: merchant, catalogue, family, feed and traceparent of each."""
    columns = zip(*families, strict=True)
    arrays = [list(column) for column in columns] or [[]] * len(MARKED)
    unnested = func.unnest(*(literal(array, ARRAY(Text)) for array in arrays))
    return select(unnested.table_valued(*MARKED, name="listed").render_derived())


JOB = "normalizing"
LOOKED_AHEAD = 10_000
"""How many marks behind the oldest ones are looked through: for ones that nobody else has, and for
further marks of the families claimed."""


async def claim_families(
    connection: Connection,
    *,
    limit: int,
    without_merchants: Collection[str] = (),
    only: FamilyKey | None = None,
) -> dict[FamilyKey, list[Mark]]:
    """Claim dirty families for this transaction by their oldest marks, and take the newer ones that
    are near along: a family of very many children is to be evaluated once, not for each of them.

    Those that another worker has are passed over, within `LOOKED_AHEAD`: several workers share what
    is dirty. So are those of `without_merchants`, those that are held back, looked up once (see
    `held_rows`), and those of a catalogue that somebody holds (`hold_families`); `only` is the one
    family to claim. A family's lock is an advisory one, so that ingest writes no row for it. Its
    data is to be read by later statements, after the lock is held, so that it is at least as new as
    these marks.
    """
    rows = await connection.fetch(
        """
        WITH near AS (
            SELECT id, merchant_id, catalogue_id, family_id
            FROM family_mark
            WHERE merchant_id <> ALL($2::text[])
                AND (merchant_id, catalogue_id || '/' || family_id) NOT IN (
                    SELECT merchant_id, subject FROM failed_row WHERE job = $7 AND retry_at > $8)
                AND ($3::text IS NULL OR (merchant_id, catalogue_id, family_id) = ($3, $4, $5))
            ORDER BY id LIMIT $1::bigint + $6::bigint
        ), oldest AS MATERIALIZED (
            SELECT id, merchant_id, catalogue_id, family_id FROM near
            WHERE pg_try_advisory_xact_lock_shared(
                    hashtextextended(merchant_id || '/' || catalogue_id, 0))
                AND pg_try_advisory_xact_lock(
                    hashtextextended(merchant_id || '/' || catalogue_id || '/' || family_id, 0))
            LIMIT $1
        ), locked AS MATERIALIZED (
            SELECT DISTINCT merchant_id, catalogue_id, family_id FROM oldest
        )
        SELECT merchant_id, catalogue_id, family_id, id, feed_id, traceparent, marked_at
        FROM family_mark JOIN locked USING (merchant_id, catalogue_id, family_id)
        WHERE id <= (SELECT max(id) FROM oldest) + $6 ORDER BY id
        """,
        limit,
        list(without_merchants),
        *(only or (None, None, None)),
        LOOKED_AHEAD,
        JOB,
        clock.now(),
    )
    claimed: dict[FamilyKey, list[Mark]] = defaultdict(list)
    for merchant, catalogue, family, *mark in rows:
        claimed[(merchant, catalogue, family)].append(Mark(*mark))
    return claimed


async def have_others(connection: Connection, merchants: Collection[str]) -> bool:
    """Whether any merchant but these has dirty families."""
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM family_mark WHERE merchant_id <> ALL($1::text[]))",
        list(merchants),
    )
    return found


async def hold_families(connection: Connection, merchant_id: str, catalogue_id: str) -> None:
    """Have no family of the catalogue evaluated until this transaction ends; waits for turns that
    evaluate some.

    Who changes a feed marks the families there are. One that comes in meanwhile has a mark of its
    own: evaluated before the change can be seen, it would keep what the feed was before, for ever.
    """
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended($1 || '/' || $2, 0))",
        merchant_id,
        catalogue_id,
    )


async def list_dirty_families(connection: Connection, *, limit: int) -> list[FamilyKey]:
    """The families that `claim_families` would take next."""
    rows = await connection.fetch(
        """
        SELECT merchant_id, catalogue_id, family_id FROM (
            SELECT id, merchant_id, catalogue_id, family_id FROM family_mark
            WHERE NOT is_held($2, merchant_id, catalogue_id || '/' || family_id, $3)
            ORDER BY id LIMIT $1
        ) AS oldest GROUP BY 1, 2, 3 ORDER BY min(id)
        """,
        limit,
        JOB,
        clock.now(),
    )
    return [(m, c, f) for m, c, f in rows]


async def forget_marks(connection: Connection, ids: Sequence[int]) -> None:
    """Delete these marks: their work is done in this transaction."""
    await connection.execute("DELETE FROM family_mark WHERE id = ANY($1)", list(ids))


@dataclass(frozen=True)
class Backlog:
    """How much is still to be normalized, of all merchants, counted to a limit."""

    marks: int
    oldest_mark: datetime | None
    waiting: int


async def count_backlog(connection: Connection, *, limit: int) -> Backlog:
    """Count marks and waiting families, at most `limit` of each."""
    row = await connection.fetchrow(
        """
        SELECT (SELECT count(*) FROM (SELECT FROM family_mark LIMIT $1) AS m) AS marks,
            (SELECT marked_at FROM family_mark ORDER BY id LIMIT 1) AS oldest_mark,
            (SELECT count(*) FROM (SELECT FROM family_wait LIMIT $1) AS w) AS waiting
        """,
        limit,
    )
    if row is None:
        raise RuntimeError("a SELECT without FROM returned no row")
    return Backlog(**dict(row))


async def set_waits(
    connection: Connection, evaluated: Collection[ProductKey], waits: Sequence[Wait]
) -> None:
    """These families were evaluated; some of them wait now, and the others no longer."""
    await connection.execute(
        """
        DELETE FROM family_wait USING unnest($1::text[], $2::text[], $3::text[])
            AS k (merchant_id, feed_id, family_id)
        WHERE (family_wait.merchant_id, family_wait.feed_id, family_wait.family_id)
            = (k.merchant_id, k.feed_id, k.family_id)
        """,
        *columns_of(evaluated),
    )
    if not waits:
        return
    await connection.executemany(
        """
        INSERT INTO family_wait (merchant_id, catalogue_id, family_id, feed_id, traceparent,
            waits_since, waits_for) VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        [
            (*wait.family, wait.feed_id, wait.traceparent, clock.now(), wait.waits_for)
            for wait in waits
            if wait.waits_for is not None
        ],
    )
    come = [wait for wait in waits if wait.waits_for is None]
    await mark(connection, listed((*wait.family, wait.feed_id, wait.traceparent) for wait in come))


async def end_waits(connection: Connection, merchant_id: str, *waits_for: str) -> None:
    """What families waited for, one of these, is there: they are dirty again."""
    there = any_(literal(list(waits_for), ARRAY(Text)))
    ended = (
        delete(family_wait)
        .where(family_wait.c.merchant_id == merchant_id, family_wait.c.waits_for == there)
        .returning(*(family_wait.c[name] for name in MARKED))
        .cte("ended")
    )
    await mark(connection, select(ended))


async def load_waits(connection: Connection, keys: Collection[ProductKey]) -> dict[ProductKey, str]:
    """What those of these feeds' families that wait are waiting for."""
    rows = await connection.fetch(
        """
        SELECT merchant_id, feed_id, family_id, waits_for FROM family_wait
        JOIN unnest($1::text[], $2::text[], $3::text[]) AS k (merchant_id, feed_id, family_id)
            USING (merchant_id, feed_id, family_id)
        """,
        *columns_of(keys),
    )
    return {(m, feed, family): waits_for for m, feed, family, waits_for in rows}


def row_of_product(key: ProductKey) -> RowKey:
    """What jobs call the row of a feed's family."""
    merchant_id, feed_id, family_id = key
    return RowKey(merchant_id, f"{feed_id}/{family_id}")


def columns_of(keys: Iterable[tuple[str, str, str]]) -> list[list[str]]:
    """Keys in order as the three arrays that `unnest` takes."""
    columns: list[list[str]] = [[], [], []]
    for key in sorted(keys):
        for column, part in zip(columns, key, strict=True):
            column.append(part)
    return columns


EXACT = 2_000
"""How many marks, the oldest of all, a feed's progress looks at one by one."""


class Progress(msgspec.Struct, frozen=True):
    """How far a feed's normalizing is, in families."""

    families: int
    dirty: int
    waiting: int
    waits_for: dict[str, int]

    @property
    def normalized(self) -> int:
        """Families evaluated since they last changed."""
        return max(self.families - self.dirty, 0)


async def load_progress(
    connection: Connection, merchant_id: str, catalogue_id: str, feed_id: str
) -> Progress:
    """The progress of a feed on its catalogue.

    Exact while fewer than `EXACT` marks wait, of whomever; while there are more, those behind them
    count a family each, and families are at least the products without a parent.
    """
    counted = await load_all(
        connection, merchant_id, [catalogue_id, feed_id], ["roots", "marks", "state", "waits"]
    )
    waits = counted[feed_id, "waits"]
    marks = counted[catalogue_id, "marks"]
    evaluated = sum(
        families
        for state, families in counted[feed_id, "state"].items()
        if state not in {"deleted", "feed_removed"}
    )
    row = await connection.fetchrow(
        """
        WITH oldest AS MATERIALIZED (
            SELECT merchant_id, catalogue_id, family_id, feed_id FROM family_mark
            ORDER BY id LIMIT $4
        ), marked AS MATERIALIZED (
            SELECT family_id, count(*) AS marks FROM oldest
            WHERE merchant_id = $1 AND catalogue_id = $2 AND (feed_id IS NULL OR feed_id = $3)
            GROUP BY family_id
        ), waiting AS MATERIALIZED (
            SELECT family_id FROM family_wait WHERE merchant_id = $1 AND feed_id = $3
            ORDER BY family_id LIMIT $4
        ), fresh AS (
            SELECT family_id FROM waiting UNION SELECT family_id FROM marked AS m
            WHERE coalesce((
                SELECT true FROM source_product WHERE merchant_id = $1 AND catalogue_id = $2
                    AND product_id = m.family_id AND parent_id IS NULL AND NOT is_deleted LIMIT 1
            ), (
                SELECT true FROM source_product WHERE merchant_id = $1 AND catalogue_id = $2
                    AND parent_id = m.family_id AND NOT is_deleted LIMIT 1
            ), false)
        )
        SELECT (SELECT count(*) FROM marked) AS dirty,
            (SELECT coalesce(sum(marks), 0)::bigint FROM marked) AS marks,
            (SELECT count(*) FROM waiting) AS waiting,
            (SELECT count(*) FROM fresh WHERE (
                SELECT true FROM normalized_product
                WHERE merchant_id = $1 AND feed_id = $3 AND family_id = fresh.family_id
                    AND state NOT IN ('deleted', 'feed_removed') LIMIT 1) IS NULL) AS fresh
        """,
        merchant_id,
        catalogue_id,
        feed_id,
        EXACT,
    )
    assert row is not None  # noqa: S101 - a statement without a table has a row
    behind = max(marks.get("", 0) + marks.get(feed_id, 0) - row["marks"], 0)
    waiting = sum(waits.values())
    families = evaluated + row["fresh"] + max(waiting - row["waiting"], 0)
    if behind:
        families = max(families, counted[catalogue_id, "roots"].get("", 0))
    shown = dict(list(waits.items())[:50])
    return Progress(families, row["dirty"] + behind + waiting, waiting, shown)
