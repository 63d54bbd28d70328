"""What is wrong with catalogues, sources and feeds now: the observers' queries. Reads only.

Each looks at every catalogue, feed or change once and from there by indexes and counters: no
catalogue is read through. Their rows are as `common.conditions.Observer` says.
"""

from common.postgres.conditions import facts, moment

BEATS_AT_LEAST = 5
"""Fewer arrivals are no rhythm."""
PRODUCTS_LOOKED_AT = 20_000

CONFIGURATION_BROKEN = f"""
    SELECT f.merchant_id, 'feed/' || f.feed_id AS subject, k.checked_at AS since,
        {facts(feed_id="f.feed_id", shop_id="f.shop_id", catalogue_id="f.catalogue_id")} AS links,
        {facts(version="k.version", cause="k.problem")} AS details
    FROM feed AS f JOIN feed_check AS k USING (merchant_id, feed_id)
    WHERE f.lifecycle = 'active' AND k.problem IS NOT NULL AND k.version = f.configuration_version
"""  # noqa: S608 - constant text
"""Active feeds whose configuration, as it is, cannot be used."""

_LAST_IMPORT = f"""
    SELECT c.merchant_id, 'catalogue/' || c.catalogue_id AS subject, i.finished_at AS since,
        {facts(catalogue_id="c.catalogue_id", run_id="i.import_id")} AS links,
        {{details}} AS details
    FROM catalogue AS c CROSS JOIN LATERAL (
        SELECT import_id, state, failure, file_name, withheld, finished_at FROM catalogue_import
        WHERE merchant_id = c.merchant_id AND catalogue_id = c.catalogue_id
            AND finished_at IS NOT NULL AND NOT is_dry_run AND state <> 'cancelled'
        ORDER BY import_id DESC LIMIT 1
    ) AS i WHERE i.state = """  # noqa: S608 - constant text
IMPORT_FAILED = (
    _LAST_IMPORT.format(details=facts(cause="i.failure", file_name="i.file_name")) + "'failed'"
)
"""Catalogues whose last file could not be read."""
DELETIONS_WITHHELD = (
    _LAST_IMPORT.format(details=facts(deletions="i.withheld", file_name="i.file_name"))
    + "'awaiting_confirmation'"
)
"""Catalogues whose last file lacked so much that its deletions wait for a person (M7.4)."""

CATALOGUE_SILENT = f"""
    SELECT r.merchant_id, 'catalogue/' || r.catalogue_id AS subject, r.silent_from AS since,
        {facts(catalogue_id="r.catalogue_id")} AS links,
        {
    facts(
        last_at=moment("r.last_at"), usual_hours="ceil(extract(epoch FROM r.usual_silence) / 3600)"
    )
} AS details
    FROM (
        SELECT *, last_at + greatest($3::interval, $2 * usual_silence) AS silent_from
        FROM catalogue_rhythm
        WHERE beats >= {BEATS_AT_LEAST} AND last_at - first_at >= 2 * $3::interval
    ) AS r
    WHERE r.silent_from <= $1 AND EXISTS (
        SELECT FROM feed AS f WHERE f.merchant_id = r.merchant_id
            AND f.catalogue_id = r.catalogue_id AND f.lifecycle = 'active')
"""  # noqa: S608 - constant text
"""Catalogues of active feeds for which nothing has come for so many times (`$2`) its usual silence,
at least as long as `$3`, though it has a rhythm. Now is `$1`."""

SOURCE_QUARANTINED = f"""
    SELECT q.merchant_id, 'source/' || q.source AS subject, min(q.since) AS since,
        {facts()} AS links, {facts(source="q.source", reason="min(q.reason)")} AS details
    FROM quarantine AS q
    WHERE EXISTS (SELECT FROM catalogue AS c WHERE c.merchant_id = q.merchant_id)
    GROUP BY q.merchant_id, q.source
"""  # noqa: S608 - constant text
"""Sources in quarantine, of merchants that have a catalogue: a record may name anybody."""

CATEGORY_CHANGED = f"""
    SELECT DISTINCT ON (f.merchant_id, subject) f.merchant_id,
        'category/' || f.feed_id || '/' || c.category_id AS subject, c.changed_at AS since,
        {facts(feed_id="f.feed_id", shop_id="f.shop_id", catalogue_id="f.catalogue_id")} AS links,
        {
    facts(
        what="c.what",
        category_id="c.category_id",
        fields="nullif(array_to_string(c.fields, ', '), '')",
    )
} AS details
    FROM category_change AS c
    JOIN feed AS f ON f.merchant_id = c.merchant_id AND f.shop_id = c.shop_id
        AND f.lifecycle = 'active'
    WHERE CASE c.what
        WHEN 'asks' THEN c.changed_at > $1::timestamptz - interval '30 days' AND EXISTS (
                SELECT FROM (
                    SELECT number FROM counter AS k
                    WHERE k.merchant_id = f.merchant_id AND k.subject = f.feed_id
                        AND k.kind = 'missing' AND k.name = ANY(c.fields)
                    UNION ALL
                    SELECT number FROM counter_change AS k
                    WHERE k.merchant_id = f.merchant_id AND k.subject = f.feed_id
                        AND k.kind = 'missing' AND k.name = ANY(c.fields)
                ) AS part HAVING sum(number) > 0)
            AND EXISTS (
                SELECT FROM (
                    SELECT missing FROM normalized_product AS n
                    WHERE n.category_id = c.category_id AND n.merchant_id = f.merchant_id
                        AND n.feed_id = f.feed_id LIMIT {PRODUCTS_LOOKED_AT}
                ) AS used WHERE used.missing && c.fields)
        ELSE EXISTS (
            SELECT FROM normalized_product AS n
            WHERE n.category_id = c.category_id AND n.merchant_id = f.merchant_id
                AND n.feed_id = f.feed_id
                AND n.state NOT IN ('excluded', 'deleted', 'feed_removed'))
        END
    ORDER BY f.merchant_id, subject, c.what DESC
"""  # noqa: S608 - constant text
"""Categories, by feed, that its products use though they were withdrawn, or that ask since lately
for something its products lack. Whether any lacks it say counters; only then products are looked
at, to a limit. Now is `$1`."""
