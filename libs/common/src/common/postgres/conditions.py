"""The table of conditions: which ones a service has published, and what has changed beside them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg
import msgspec

from common import clock
from common.postgres.pool import Connection
from common.postgres.set_aside import RowKey

JOB = "conditions"
Facts = Mapping[str, str]
"""Names and values."""
_facts = msgspec.json.Decoder(dict[str, str])


@dataclass(frozen=True)
class Seen:
    """A condition that is present, as published or as an observer sees it now."""

    since: datetime | None
    links: Facts
    details: Facts


@dataclass(frozen=True)
class Difference:
    """A condition of which not the same is published as is seen now; None: it is not present."""

    merchant_id: str
    subject: str
    published: Seen | None
    seen: Seen | None


@dataclass(frozen=True)
class Condition:
    """A condition as published. `links` are ids of things it is about, by the contract's names."""

    merchant_id: str
    kind: str
    subject: str
    present: bool
    since: datetime
    ended_at: datetime | None
    links: Facts
    details: Facts
    revision: int = 0


async def take_turn(connection: Connection) -> bool:
    """Whether this transaction may compare and publish: one of the service does at a time."""
    is_ours: bool = await connection.fetchval(
        "SELECT pg_try_advisory_xact_lock(hashtext('conditions'))"
    )
    return is_ours


async def await_turn(connection: Connection) -> None:
    """The same; waits for the one at work, whose transaction is short."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtext('conditions'))")


LONGEST_TEXT = 200
"""Characters of a detail: words of a cause are for a line of a message."""


def facts(**expressions: str) -> str:
    """The expression of an observer's query that makes links or details, by name, of these; what is
    NULL is left out."""
    pairs = (
        f"'{name}', left(({expression})::text, {LONGEST_TEXT})"
        for name, expression in expressions.items()
    )
    return f"jsonb_strip_nulls(jsonb_build_object({', '.join(pairs)}))"


def moment(expression: str) -> str:
    """The expression that writes a time as RFC 3339, in UTC to the second."""
    return f"""to_char({expression} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""


async def find_differences(
    connection: Connection,
    kind: str,
    query: str,
    values: Sequence[object],
    *,
    only: Collection[RowKey] | None = None,
    limit: int,
) -> list[Difference]:
    """What an observer's query gives otherwise than published, by merchant and subject; of `only`
    these, where they are given, else without those that the job is to pass over.

    The query's columns are `merchant_id`, `subject`, `since` (or NULL), and `links` and `details`
    (`facts`). Postgres compares, so that what has not changed, nearly all, does not leave it.
    """
    first = len(values) + 1
    if only is None:
        chosen = f"NOT is_held('{JOB}', merchant_id, '{kind}/' || subject, ${first})"
        further: tuple[object, ...] = (clock.now(),)
    else:
        chosen = f"""(merchant_id, '{kind}/' || subject) IN (
            SELECT * FROM unnest(${first}::text[], ${first + 1}::text[]))"""  # noqa: S608 - as below
        further = ([row.merchant_id for row in only], [row.subject for row in only])
    rows = await connection.fetch(
        f"""
        WITH seen AS MATERIALIZED ({query}), published AS MATERIALIZED (
            SELECT merchant_id, subject, since, links, details FROM condition
            WHERE kind = '{kind}' AND present
        ), different AS MATERIALIZED (
            SELECT merchant_id, subject, p.since AS published_since, p.links AS published_links,
                p.details AS published_details, s.since, s.links, s.details
            FROM published AS p FULL JOIN seen AS s USING (merchant_id, subject)
            WHERE (p.links, p.details) IS DISTINCT FROM (s.links, s.details)
        )
        SELECT * FROM different WHERE {chosen} ORDER BY merchant_id, subject LIMIT {limit:d}
        """,  # noqa: S608 - the service's own text
        *values,
        *further,
    )
    return [
        Difference(
            row["merchant_id"],
            row["subject"],
            _seen(row["published_since"], row["published_links"], row["published_details"]),
            _seen(row["since"], row["links"], row["details"]),
        )
        for row in rows
    ]


def _seen(since: datetime | None, links: str | None, details: str | None) -> Seen | None:
    if links is None or details is None:
        return None
    return Seen(since, _facts.decode(links), _facts.decode(details))


async def save_conditions(
    connection: Connection, conditions: Sequence[Condition]
) -> list[Condition]:
    """Write these, in key order, each once; as they are now, with their new revisions.

    One that comes back did not begin before it ended last.
    """
    ordered = sorted(conditions, key=lambda one: (one.merchant_id, one.kind, one.subject))
    rows = await connection.fetch(
        """
        INSERT INTO condition AS c
            (merchant_id, kind, subject, present, since, ended_at, links, details, revision)
        SELECT *, $9 FROM unnest($1::text[], $2::text[], $3::text[], $4::boolean[],
            $5::timestamptz[], $6::timestamptz[], $7::jsonb[], $8::jsonb[])
        ON CONFLICT (merchant_id, kind, subject) DO UPDATE SET
            present = excluded.present, ended_at = excluded.ended_at, links = excluded.links,
            details = excluded.details, revision = greatest(c.revision + 1, excluded.revision),
            since = CASE WHEN c.present THEN excluded.since
                ELSE greatest(excluded.since, c.ended_at) END
        RETURNING *
        """,
        [one.merchant_id for one in ordered],
        [one.kind for one in ordered],
        [one.subject for one in ordered],
        [one.present for one in ordered],
        [one.since for one in ordered],
        [one.ended_at for one in ordered],
        [_text(one.links) for one in ordered],
        [_text(one.details) for one in ordered],
        clock.epoch_milliseconds(),
    )
    return [_condition(row) for row in rows]


async def renew_revisions(
    connection: Connection,
    *,
    merchant_id: str | None,
    after: tuple[str, str, str],
    limit: int,
) -> list[Condition]:
    """The next conditions by merchant, kind and subject, each with a new revision; of one merchant,
    or of all (None)."""
    rows = await connection.fetch(
        """
        UPDATE condition AS c SET revision = greatest(c.revision + 1, $5) FROM (
            SELECT merchant_id, kind, subject FROM condition
            WHERE (merchant_id, kind, subject) > ($1, $2, $3)
                AND ($6::text IS NULL OR merchant_id = $6)
            ORDER BY merchant_id, kind, subject LIMIT $4
        ) AS next
        WHERE (c.merchant_id, c.kind, c.subject) = (next.merchant_id, next.kind, next.subject)
        RETURNING c.*
        """,
        *after,
        limit,
        clock.epoch_milliseconds(),
        merchant_id,
    )
    return sorted(map(_condition, rows), key=lambda one: (one.merchant_id, one.kind, one.subject))


async def forget_ended(connection: Connection, *, before: datetime) -> None:
    """Delete what ended before then: a later revision of it is greater all the same."""
    await connection.execute("DELETE FROM condition WHERE NOT present AND ended_at < $1", before)


async def count_present(connection: Connection, kinds: Collection[str]) -> dict[str, int]:
    """How many conditions of each of these kinds are present, 0 too."""
    rows = await connection.fetch(
        "SELECT kind, count(*) AS number FROM condition WHERE present GROUP BY kind"
    )
    return dict.fromkeys(kinds, 0) | {row["kind"]: row["number"] for row in rows}


def _text(facts: Facts) -> str:
    return msgspec.json.encode(dict(facts)).decode()


def _condition(row: asyncpg.Record) -> Condition:
    values = dict(row)
    for name in ("links", "details"):
        values[name] = _facts.decode(values[name])
    return Condition(**values)
