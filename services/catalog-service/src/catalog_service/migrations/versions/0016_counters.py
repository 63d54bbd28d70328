"""What lists and reports count is kept by the transactions that change it, and families are found
by an index.

Triggers count, so that the version before this one, which works on during the roll-out, is counted
too. A statement's rows are counted together, and only added to `counter_change`: no transaction
waits for another's counts. What is there already is counted here, while evaluation waits.
"""

from alembic import op

from common.postgres.counters import COUNTER_TABLES, counting, triggers
from common.postgres.migrate import statements
from common.postgres.row_security import looking_up, protect

revision = "0016"
down_revision = "0015"

TABLES = """
CREATE EXTENSION IF NOT EXISTS pg_trgm;
ALTER TABLE normalized_product ADD COLUMN groups text[] NOT NULL DEFAULT '{}';
ALTER TABLE normalized_product ADD COLUMN sought text NOT NULL DEFAULT '';
CREATE TABLE family_fact (
    merchant_id text COLLATE "C" NOT NULL,
    feed_id text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    family_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (merchant_id, feed_id, kind, name, family_id)
);
COMMENT ON TABLE family_fact IS
    'Families by rules, causes and values of their issues, and by their unmatched paths';
CREATE TABLE family_text (
    merchant_id text COLLATE "C" NOT NULL,
    feed_id text COLLATE "C" NOT NULL,
    family_id text COLLATE "C" NOT NULL,
    body text NOT NULL,
    PRIMARY KEY (merchant_id, feed_id, family_id)
);
COMMENT ON TABLE family_text IS 'By what families are found: id, title, SKU codes';
CREATE INDEX family_text_search ON family_text USING gin (body gin_trgm_ops)
"""

FACTS = """
CREATE FUNCTION family_facts(
    state text, category_id text, category_path text, rules text[], missing text[], groups text[],
    is_online boolean
) RETURNS TABLE (kind text, name text) LANGUAGE sql IMMUTABLE AS $$
    SELECT fact.kind, fact.name FROM (
        SELECT 'state' AS kind, state AS name
        UNION ALL SELECT 'online', '' WHERE is_online
        UNION ALL SELECT CASE WHEN category_id IS NULL THEN 'unmatched' ELSE 'leaf' END,
            coalesce(category_id, category_path, '')
            WHERE state NOT IN ('excluded', 'deleted', 'feed_removed')
        UNION ALL SELECT 'missing', field FROM unnest(missing) AS field
        UNION ALL SELECT 'rule', rule FROM unnest(rules) AS rule
        UNION ALL SELECT split_part(part, ':', 1), substr(part, strpos(part, ':') + 1)
            FROM unnest(groups) AS part
    ) AS fact WHERE octet_length(fact.name) <= 1000
$$
"""
LISTED = "('rule', 'cause', 'value', 'unmatched')"
"""The kinds by which families are listed; the others are only counted."""


def of(row: str) -> str:
    """The facts of a row of `normalized_product`."""
    columns = ("state", "category_id", "category_path", "rules", "missing", "groups")
    online = f"({row}.live_locale IS NOT NULL OR {row}.marketplace_product_id IS NOT NULL)"
    return f"family_facts({', '.join(f'{row}.{name}' for name in columns)}, {online})"


COMPARED = """merchant_id, feed_id, family_id, state, category_id, category_path, rules, missing,
    groups, sought, live_locale IS NOT NULL OR marketplace_product_id IS NOT NULL AS is_online"""
COMPARED_FACTS = """family_facts(
    state, category_id, category_path, rules, missing, groups, is_online) AS f"""

COUNT_FAMILIES = f"""
CREATE FUNCTION count_families() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO counter_change (merchant_id, subject, kind, name, number)
        SELECT a.merchant_id, a.feed_id, f.kind, f.name, count(*)
        FROM after_rows AS a CROSS JOIN LATERAL {of("a")} AS f GROUP BY 1, 2, 3, 4;
        INSERT INTO family_fact (merchant_id, feed_id, kind, name, family_id)
        SELECT a.merchant_id, a.feed_id, f.kind, f.name, a.family_id
        FROM after_rows AS a CROSS JOIN LATERAL {of("a")} AS f WHERE f.kind IN {LISTED}
        ON CONFLICT DO NOTHING;
        INSERT INTO family_text (merchant_id, feed_id, family_id, body)
        SELECT merchant_id, feed_id, family_id, sought FROM after_rows
        ON CONFLICT (merchant_id, feed_id, family_id) DO UPDATE SET body = excluded.body;
    ELSIF TG_OP = 'UPDATE' THEN
        WITH gained AS MATERIALIZED (
            SELECT {COMPARED} FROM after_rows EXCEPT SELECT {COMPARED} FROM before_rows
        ), lost AS MATERIALIZED (
            SELECT {COMPARED} FROM before_rows EXCEPT SELECT {COMPARED} FROM after_rows
        ), counted AS (
            INSERT INTO counter_change (merchant_id, subject, kind, name, number)
            SELECT merchant_id, feed_id, kind, name, sum(number) FROM (
                SELECT merchant_id, feed_id, f.kind, f.name, 1 AS number
                FROM gained CROSS JOIN LATERAL {COMPARED_FACTS}
                UNION ALL
                SELECT merchant_id, feed_id, f.kind, f.name, -1
                FROM lost CROSS JOIN LATERAL {COMPARED_FACTS}
            ) AS fact GROUP BY 1, 2, 3, 4 HAVING sum(number) <> 0
        ), gained_facts AS MATERIALIZED (
            SELECT merchant_id, feed_id, f.kind, f.name, family_id
            FROM gained CROSS JOIN LATERAL {COMPARED_FACTS} WHERE f.kind IN {LISTED}
        ), lost_facts AS MATERIALIZED (
            SELECT merchant_id, feed_id, f.kind, f.name, family_id
            FROM lost CROSS JOIN LATERAL {COMPARED_FACTS} WHERE f.kind IN {LISTED}
        ), gone AS (
            DELETE FROM family_fact AS f
            USING (TABLE lost_facts EXCEPT TABLE gained_facts) AS past
            WHERE (f.merchant_id, f.feed_id, f.kind, f.name, f.family_id)
                = (past.merchant_id, past.feed_id, past.kind, past.name, past.family_id)
        ), come AS (
            INSERT INTO family_fact (merchant_id, feed_id, kind, name, family_id)
            TABLE gained_facts EXCEPT TABLE lost_facts ON CONFLICT DO NOTHING
        )
        INSERT INTO family_text (merchant_id, feed_id, family_id, body)
        SELECT merchant_id, feed_id, family_id, sought FROM gained
        EXCEPT SELECT merchant_id, feed_id, family_id, sought FROM lost
        ON CONFLICT (merchant_id, feed_id, family_id) DO UPDATE SET body = excluded.body;
    ELSE
        INSERT INTO counter_change (merchant_id, subject, kind, name, number)
        SELECT b.merchant_id, b.feed_id, f.kind, f.name, -count(*)
        FROM before_rows AS b CROSS JOIN LATERAL {of("b")} AS f GROUP BY 1, 2, 3, 4;
        DELETE FROM family_fact AS gone USING before_rows AS b CROSS JOIN LATERAL {of("b")} AS f
        WHERE (gone.merchant_id, gone.feed_id, gone.kind, gone.name, gone.family_id)
            = (b.merchant_id, b.feed_id, f.kind, f.name, b.family_id);
        DELETE FROM family_text AS gone USING before_rows AS b
        WHERE (gone.merchant_id, gone.feed_id, gone.family_id)
            = (b.merchant_id, b.feed_id, b.family_id);
    END IF;
    RETURN NULL;
END
$$
"""
LIVE = """SELECT merchant_id, subject, kind, '' AS name,
        CASE kind WHEN 'products' THEN products ELSE roots END AS number
    FROM (
        SELECT merchant_id, catalogue_id AS subject, count(*) AS products,
            count(*) FILTER (WHERE parent_id IS NULL) AS roots
        FROM {rows} WHERE NOT is_deleted GROUP BY 1, 2
    ) AS live CROSS JOIN (VALUES ('products'), ('roots')) AS k (kind)"""
MARKED = """SELECT merchant_id, catalogue_id AS subject, 'marks' AS kind,
    coalesce(feed_id, '') AS name, count(*) AS number FROM {rows} GROUP BY 1, 2, 4"""
WAITING = """SELECT merchant_id, feed_id AS subject, 'waits' AS kind, waits_for AS name,
    count(*) AS number FROM {rows} GROUP BY 1, 2, 4"""
COUNT_PRODUCTS, COUNT_MARKS, COUNT_WAITS = (
    counting(function, select.format(rows="after_rows"), select.format(rows="before_rows"))
    for function, select in (
        ("count_products", LIVE),
        ("count_marks", MARKED),
        ("count_waits", WAITING),
    )
)
COUNTING = (
    ("normalized_product", "count_families"),
    ("source_product", "count_products"),
    ("family_mark", "count_marks"),
    ("family_wait", "count_waits"),
)
GROUPS = """
UPDATE normalized_product AS n SET groups = found.groups FROM (
    SELECT merchant_id, feed_id, family_id, array_agg(DISTINCT part ORDER BY part) AS groups
    FROM (
        SELECT merchant_id, feed_id, family_id, category_id, issue ->> 'rule' AS rule,
            coalesce(issue ->> 'severity', 'error') AS severity, issue ->> 'field' AS field,
            issue ->> 'value' AS value, chr(31) AS sep,
            regexp_replace(issue ->> 'message', pattern, '', 'g') AS message,
            regexp_replace(issue ->> 'remedy', pattern, '', 'g') AS remedy
        FROM normalized_product
        CROSS JOIN (VALUES ($re$(?<![A-Za-z0-9])'[^']*'|"[^"]*"|$re$
            || $re$(?<!answered )(?<![A-Za-z0-9.,])-?[0-9][0-9.,]*$re$)) AS re (pattern)
        CROSS JOIN LATERAL (
            VALUES ('content_part'), ('offers_part'), ('stock_part')) AS parts (name)
        CROSS JOIN LATERAL json_array_elements(
            coalesce(event::json -> parts.name -> 'issues', '[]')) AS issue
        WHERE cardinality(rules) > 0
    ) AS i CROSS JOIN LATERAL (
        SELECT 'cause:' || severity || '/' || rule || '/' || md5(
            rule || sep || severity || sep || field || sep || message || sep || remedy) AS part
        UNION ALL
        SELECT 'value:[' || to_json(field)::text || ',' || to_json(value)::text || ']'
        WHERE rule IN ('M3.12', 'M4.2') AND value IS NOT NULL AND category_id IS NOT NULL
    ) AS one WHERE octet_length(part) <= 1000 GROUP BY 1, 2, 3
) AS found WHERE (n.merchant_id, n.feed_id, n.family_id)
    = (found.merchant_id, found.feed_id, found.family_id)
"""
COUNT_ALL = (
    f"""INSERT INTO counter (merchant_id, subject, kind, name, number)
    SELECT n.merchant_id, n.feed_id, f.kind, f.name, count(*)
    FROM normalized_product AS n CROSS JOIN LATERAL {of("n")} AS f GROUP BY 1, 2, 3, 4""",
    *(
        f"INSERT INTO counter (merchant_id, subject, kind, name, number) {select}"
        for select in (
            f"SELECT * FROM ({LIVE.format(rows='source_product')}) AS part WHERE number <> 0",
            MARKED.format(rows="family_mark"),
            WAITING.format(rows="family_wait"),
        )
    ),
    f"""INSERT INTO family_fact (merchant_id, feed_id, kind, name, family_id)
    SELECT n.merchant_id, n.feed_id, f.kind, f.name, n.family_id
    FROM normalized_product AS n CROSS JOIN LATERAL {of("n")} AS f
    WHERE f.kind IN {LISTED} ON CONFLICT DO NOTHING""",
    """INSERT INTO family_text (merchant_id, feed_id, family_id, body)
    SELECT merchant_id, feed_id, family_id,
        lower(left(concat_ws(chr(10), family_id, coalesce(title, ''), (
            SELECT string_agg(sku_code, chr(10) ORDER BY sku_code) FROM family_sku AS s
            WHERE (s.merchant_id, s.feed_id, s.family_id)
            = (n.merchant_id, n.feed_id, n.family_id))), 2000))
    FROM normalized_product AS n""",
)
FAMILIES_WITH = looking_up(
    "families_with",
    parameters="feed_id text, pattern text, from_id text",
    returns="family_id text",
    query="SELECT t.family_id FROM family_text AS t"
    " WHERE t.merchant_id = families_with.merchant_id AND t.feed_id = families_with.feed_id"
    " AND t.body LIKE families_with.pattern AND t.family_id >= families_with.from_id",
)


def upgrade() -> None:
    protected = ("counter", "counter_change", "family_fact", "family_text")
    for statement in (
        *statements(COUNTER_TABLES),
        *statements(TABLES),
        *(statement for table in protected for statement in protect(table)),
        *(FACTS, COUNT_FAMILIES, COUNT_PRODUCTS, COUNT_MARKS, COUNT_WAITS),
        *(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE" for table, _ in COUNTING),
        GROUPS,
        *COUNT_ALL,
        *(statement for counted in COUNTING for statement in triggers(*counted)),
        FAMILIES_WITH,
    ):
        op.execute(statement)
