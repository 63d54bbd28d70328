"""What lists and reports count is kept by the transactions that change it.

Of a feed (kind `placed`): families by presence and whether they are online. Of a run: `items` by
action and status, `refusals` by code and message. Triggers count, so that the version before this
one, which works on during the roll-out, is counted too.
"""

from alembic import op

from common.postgres.counters import COUNTER_TABLES, counting, triggers
from common.postgres.migrate import statements
from common.postgres.row_security import protect

revision = "0013"
down_revision = "0012"

ITEMS = """SELECT i.merchant_id, i.run_id AS subject, f.kind, f.name, count(*) AS number
    FROM {rows} AS i
    CROSS JOIN LATERAL (
        SELECT 'items' AS kind, i.action || '/' || i.status AS name
        UNION ALL
        SELECT 'refusals', coalesce(i.code, '') || chr(10) || left(coalesce(i.message, ''), 400)
            WHERE i.status IN ('rejected', 'withheld')
                OR i.status IN ('deferred', 'in_job') AND i.code IS NOT NULL
    ) AS f GROUP BY 1, 2, 3, 4"""
COUNT_ITEMS = counting(
    "count_items", ITEMS.format(rows="after_rows"), ITEMS.format(rows="before_rows")
)
ONLINE = "CASE WHEN {row}.marketplace_product_id IS NULL THEN '/offline' ELSE '/online' END"
"""A family without a listing is offline, too."""
ADDED = "INSERT INTO counter_change (merchant_id, subject, kind, name, number)"
SUMMED = "GROUP BY 1, 2, 4 HAVING sum(number) <> 0"
PRESENCES = f"""SELECT d.merchant_id, d.feed_id, 'placed', d.presence || {ONLINE.format(row="l")},
    sum(number) FROM ({{changed}}) AS d
    LEFT JOIN listing AS l USING (merchant_id, feed_id, family_id) {SUMMED}"""
KEYS = "merchant_id, feed_id, family_id"
COUNT_DESIRED = f"""
CREATE FUNCTION count_desired() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        {ADDED} {PRESENCES.format(changed=f"SELECT {KEYS}, presence, 1 AS number FROM after_rows")};
    ELSIF TG_OP = 'UPDATE' THEN
        {ADDED} {
    PRESENCES.format(
        changed=f'''
            (SELECT {KEYS}, presence, 1 AS number FROM after_rows
                EXCEPT SELECT {KEYS}, presence, 1 FROM before_rows)
            UNION ALL
            (SELECT {KEYS}, presence, -1 FROM before_rows
                EXCEPT SELECT {KEYS}, presence, -1 FROM after_rows)'''
    )
};
    ELSE
        {ADDED} {
    PRESENCES.format(changed=f"SELECT {KEYS}, presence, -1 AS number FROM before_rows")
};
    END IF;
    RETURN NULL;
END
$$
"""
IS_ONLINE = "WHERE marketplace_product_id IS NOT NULL"
CAME = f"""SELECT {KEYS} FROM after_rows {IS_ONLINE}
    EXCEPT SELECT {KEYS} FROM before_rows {IS_ONLINE}"""
WENT = f"""SELECT {KEYS} FROM before_rows {IS_ONLINE}
    EXCEPT SELECT {KEYS} FROM after_rows {IS_ONLINE}"""


def moving(*, came: str, went: str) -> str:
    """A statement that counts families that came online, and that went.

    It locks what is desired of them, in the order of those who change that: who makes a family
    absent waits for who puts it online, or the other way, and counts what the other has committed.
    """
    return f"""
        WITH changed AS MATERIALIZED (
            SELECT {KEYS}, 1 AS number FROM ({came}) AS came
            UNION ALL SELECT {KEYS}, -1 FROM ({went}) AS went
        ), desired AS MATERIALIZED (
            SELECT {KEYS}, presence FROM desired_product
            WHERE ({KEYS}) IN (SELECT {KEYS} FROM changed)
            ORDER BY merchant_id COLLATE "C", feed_id COLLATE "C", family_id COLLATE "C" FOR SHARE
        )
        {ADDED}
        SELECT merchant_id, feed_id, 'placed', presence || place, sum(number * sign)
        FROM changed JOIN desired USING ({KEYS})
        CROSS JOIN (VALUES ('/online', 1), ('/offline', -1)) AS p (place, sign) {SUMMED}"""


NONE = f"SELECT {KEYS} FROM {{rows}} WHERE false"
COUNT_LISTINGS = f"""
CREATE FUNCTION count_listings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        {
    moving(came=f"SELECT {KEYS} FROM after_rows {IS_ONLINE}", went=NONE.format(rows="after_rows"))
};
    ELSIF TG_OP = 'UPDATE' THEN
        {moving(came=CAME, went=WENT)};
    ELSE
        {
    moving(came=NONE.format(rows="before_rows"), went=f"SELECT {KEYS} FROM before_rows {IS_ONLINE}")
};
    END IF;
    RETURN NULL;
END
$$
"""
COUNTING = (
    ("run_item", "count_items"),
    ("desired_product", "count_desired"),
    ("listing", "count_listings"),
)
COUNT_ALL = (
    f"""INSERT INTO counter (merchant_id, subject, kind, name, number)
    {ITEMS.format(rows="run_item")}""",
    f"""INSERT INTO counter (merchant_id, subject, kind, name, number)
    SELECT d.merchant_id, d.feed_id, 'placed', d.presence || {ONLINE.format(row="l")}, count(*)
    FROM desired_product AS d LEFT JOIN listing AS l USING (merchant_id, feed_id, family_id)
    GROUP BY 1, 2, 4""",
)


def upgrade() -> None:
    for statement in (
        *statements(COUNTER_TABLES),
        *protect("counter"),
        *protect("counter_change"),
        *(COUNT_ITEMS, COUNT_DESIRED, COUNT_LISTINGS),
        *(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE" for table, _ in COUNTING),
        *COUNT_ALL,
        *(statement for counted in COUNTING for statement in triggers(*counted)),
    ):
        op.execute(statement)
