"""Counters in Postgres: read, and their changes summed up."""

from collections.abc import Collection

from common.postgres.pool import Connection

FOLDED_AT_ONCE = 20_000
"""How many changes are summed up in one transaction."""


async def load_counters(
    connection: Connection, merchant_id: str, subject: str, kind: str
) -> dict[str, int]:
    """What is counted of a feed or catalogue under this kind, by name, the most first, then by
    name; what there is none of is left out.

    The kinds of a feed count families: `state`, `online` (by the empty name), and of those that are
    wanted `leaf` and `unmatched` (paths); `missing` (attributes), `rule`, `cause` and `value` by
    their issues; `waits` by what they wait for. Of a catalogue: `products` (by the empty name),
    `roots` (products without a parent), `marks` by the feed they are of.
    """
    return (await load_all(connection, merchant_id, [subject], [kind]))[subject, kind]


async def load_all(
    connection: Connection, merchant_id: str, subjects: Collection[str], kinds: Collection[str]
) -> dict[tuple[str, str], dict[str, int]]:
    """The counters of several subjects and kinds: see `load_counters`."""
    rows = await connection.fetch(
        """
        SELECT subject, kind, name, sum(number)::bigint AS number FROM (
            SELECT subject, kind, name, number FROM counter
            WHERE merchant_id = $1 AND subject = ANY($2::text[]) AND kind = ANY($3::text[])
            UNION ALL
            SELECT subject, kind, name, number FROM counter_change
            WHERE merchant_id = $1 AND subject = ANY($2::text[]) AND kind = ANY($3::text[])
        ) AS part GROUP BY subject, kind, name HAVING sum(number) > 0 ORDER BY number DESC, name
        """,
        merchant_id,
        list(subjects),
        list(kinds),
    )
    found: dict[tuple[str, str], dict[str, int]] = {
        (subject, kind): {} for subject in subjects for kind in kinds
    }
    for subject, kind, name, number in rows:
        found[subject, kind][name] = number
    return found


async def fold_changes(connection: Connection) -> bool:
    """Add the oldest changes to their counters; whether there may be more.

    Who counts only adds rows, so that transactions never wait for one another's counts. One session
    at a time sums up.
    """
    is_ours = await connection.fetchval("SELECT pg_try_advisory_xact_lock(hashtext('counters'))")
    if not is_ours:
        return False
    taken: int = await connection.fetchval(
        """
        WITH taken AS (
            DELETE FROM counter_change WHERE id IN (
                SELECT id FROM counter_change ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)
            RETURNING merchant_id, subject, kind, name, number
        ), added AS (
            INSERT INTO counter AS c (merchant_id, subject, kind, name, number)
            SELECT merchant_id, subject, kind, name, sum(number) FROM taken
            GROUP BY merchant_id, subject, kind, name HAVING sum(number) <> 0
            ON CONFLICT (merchant_id, subject, kind, name)
                DO UPDATE SET number = c.number + excluded.number
        )
        SELECT count(*) FROM taken
        """,
        FOLDED_AT_ONCE,
    )
    if taken:
        await connection.execute("DELETE FROM counter WHERE number = 0")
    return taken == FOLDED_AT_ONCE
