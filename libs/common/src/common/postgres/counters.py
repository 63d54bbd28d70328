"""Counts that lists and reports show, kept by the transactions that change what they count.

Triggers (`counting`, `triggers`) add to `counter_change` what a statement changed, its rows
together: nobody waits for another's counts, as for a row that all raise. A job (`fold`) sums the
changes up in `counter`; a count is the sum of both, and what is counted in either is committed
with what it counts.
"""

from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import BigInteger, Column, Identity, Index, MetaData, Table, Text, text

from common.postgres.pool import Connection, Pool
from common.postgres.unit_of_work import unit_of_work

COUNTERS = MetaData()
"""For the services that count."""

counter = Table(
    "counter",
    COUNTERS,
    Column("merchant_id", Text(collation="C"), primary_key=True),
    Column("subject", Text(collation="C"), primary_key=True),
    Column("kind", Text(collation="C"), primary_key=True),
    Column("name", Text(collation="C"), primary_key=True),
    Column("number", BigInteger, nullable=False),
)
Index("counter_empty", counter.c.merchant_id, postgresql_where=text("number = 0"))

counter_change = Table(
    "counter_change",
    COUNTERS,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("merchant_id", Text(collation="C"), nullable=False),
    Column("subject", Text(collation="C"), nullable=False),
    Column("kind", Text(collation="C"), nullable=False),
    Column("name", Text(collation="C"), nullable=False),
    Column("number", BigInteger, nullable=False),
)
Index(
    "counter_change_of",
    counter_change.c.merchant_id,
    counter_change.c.subject,
    counter_change.c.kind,
)

COUNTER_TABLES = """
CREATE TABLE counter (
    merchant_id text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    number bigint NOT NULL,
    PRIMARY KEY (merchant_id, subject, kind, name)
);
CREATE INDEX counter_empty ON counter (merchant_id) WHERE number = 0;
CREATE TABLE counter_change (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    merchant_id text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    number bigint NOT NULL
);
CREATE INDEX counter_change_of ON counter_change (merchant_id, subject, kind)
"""
"""What makes the tables, for the migration of a service; it protects them (`row_security`)."""
COLUMNS = "merchant_id, subject, kind, name"
LONGEST_NAME_BYTES = 1_000
"""What an index takes of a name; what has a longer one is not counted by itself."""
FOLDED_EVERY = timedelta(seconds=5)
"""How often changes are summed up: what is not yet is added when it is read."""
FOLDED_AT_ONCE = 20_000
"""How many changes are summed up in one transaction."""

_ROWS = {
    "INSERT": "NEW TABLE AS after_rows",
    "UPDATE": "OLD TABLE AS before_rows NEW TABLE AS after_rows",
    "DELETE": "OLD TABLE AS before_rows",
}


def triggers(table: str, function: str) -> list[str]:
    """A trigger for each kind of statement that changes the table."""
    return [
        f"CREATE TRIGGER {function}_{kind.lower()} AFTER {kind} ON {table}"
        f" REFERENCING {rows} FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
        for kind, rows in _ROWS.items()
    ]


def counting(function: str, after: str, before: str) -> str:
    """The function of such triggers: `after` selects merchant_id, subject, kind, name and number of
    what `after_rows` are to each count, `before` of what `before_rows` were."""
    added = f"INSERT INTO counter_change ({COLUMNS}, number)"
    gained = f"SELECT {COLUMNS}, number FROM ({after}) AS gained"  # noqa: S608 - ours
    lost = f"SELECT {COLUMNS}, -number FROM ({before}) AS lost"  # noqa: S608 - ours
    both = f"{gained} UNION ALL {lost}"
    summed = f"GROUP BY {COLUMNS} HAVING sum(number) <> 0"
    changed = f"SELECT {COLUMNS}, sum(number) FROM ({both}) AS part {summed}"  # noqa: S608 - ours
    return f"""
CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        {added} {gained} WHERE number <> 0;
    ELSIF TG_OP = 'UPDATE' THEN
        {added} {changed};
    ELSE
        {added} {lost} WHERE number <> 0;
    END IF;
    RETURN NULL;
END
$$
"""


async def load_counters(
    connection: Connection, merchant_id: str, subject: str, kind: str
) -> dict[str, int]:
    """What is counted of a subject (a feed, a catalogue, a run) under this kind, by name, the most
    first, then by name; what there is none of is left out."""
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


async def fold(pool: Pool) -> bool:
    """Add the oldest changes to their counters, one session at a time; whether there may be
    more."""
    async with unit_of_work(pool) as connection:
        return await _fold_changes(connection)


async def _fold_changes(connection: Connection) -> bool:
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
