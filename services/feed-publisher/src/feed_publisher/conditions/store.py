"""What is wrong with feeds and shops now: the queries of the observers. Reads only.

Each looks at every feed, or shop, or run that failed, once and from there by indexes: no history,
plan or catalogue is read through. Runs of the fast lane say nothing of a feed's ordinary ones.
Their rows are as `common.conditions.Observer` says.
"""

from common.postgres.conditions import facts, moment

CHANGES_COUNTED_TO = 1_000
DRIFT_COUNTED_TO = 100_000
AT_LEAST = 10
"""Fewer items, or products, make no share."""

_OF_FEED = facts(feed_id="f.feed_id", shop_id="f.shop_id", catalogue_id="f.catalogue_id")
_OF_RUN = facts(
    feed_id="f.feed_id", shop_id="f.shop_id", catalogue_id="f.catalogue_id", run_id="r.run_id"
)
_KINDS = "(VALUES ('product', 'product-feed'), ('offer', 'offer-feed')) AS k (kind, schedule)"

RUN_FAILED = f"""
    SELECT DISTINCT ON (f.merchant_id, f.feed_id) f.merchant_id, 'feed/' || f.feed_id AS subject,
        r.finished_at AS since, {_OF_RUN} AS links,
        {facts(run_kind="r.kind", cause="r.trouble")} AS details
    FROM feed_run AS r JOIN feed AS f USING (merchant_id, feed_id)
    WHERE r.state = 'failed' AND NOT r.is_dry_run AND r.cause <> 'fast_lane'
        AND NOT EXISTS (
            SELECT FROM feed_run AS later
            WHERE later.merchant_id = r.merchant_id AND later.feed_id = r.feed_id
                AND later.kind = r.kind AND later.finished_at > r.finished_at
                AND later.finished_at IS NOT NULL AND NOT later.is_dry_run
                AND later.cause <> 'fast_lane')
        AND (f.lifecycle = 'active' OR EXISTS (
            SELECT FROM schedule AS s
            WHERE s.kind IN ('product-feed', 'offer-feed') AND s.merchant_id = f.merchant_id
                AND s.subject = f.feed_id))
    ORDER BY f.merchant_id, f.feed_id, r.finished_at DESC
"""  # noqa: S608 - constant text
"""Feeds whose last run of either kind failed. A removed feed has schedules until all is deleted."""

RUN_WITHHELD = f"""
    SELECT f.merchant_id, 'feed/' || f.feed_id AS subject,
        coalesce(h.since, r.planned_at) AS since, {_OF_RUN} AS links,
        {
    facts(
        guard="coalesce(h.guard, 'first-run')",
        run_kind="coalesce(h.kind, r.kind)",
        changes="nullif(h.changes, 0)",
    )
} AS details
    FROM feed AS f CROSS JOIN LATERAL (
        SELECT min(held_at) AS since, min(guard) AS guard, min(kind) AS kind, count(*) AS changes
        FROM (
            SELECT held_at, guard, kind FROM held_change
            WHERE merchant_id = f.merchant_id AND feed_id = f.feed_id LIMIT {CHANGES_COUNTED_TO}
        ) AS counted
    ) AS h LEFT JOIN LATERAL (
        SELECT run_id, kind, state, planned_at FROM feed_run
        WHERE merchant_id = f.merchant_id AND feed_id = f.feed_id
            AND state IN ('awaiting_confirmation', 'withheld')
        ORDER BY planned_at DESC LIMIT 1
    ) AS r ON true
    WHERE f.lifecycle = 'active' AND (h.changes > 0 OR r.state = 'awaiting_confirmation')
"""  # noqa: S608 - constant text
"""Active feeds of which changes are held, or whose first product run waits. By what is held, not by
runs: while the next run is planned none waits. `changes` are counted to a limit."""

MOSTLY_REFUSED = f"""
    SELECT DISTINCT ON (f.merchant_id, f.feed_id) f.merchant_id, 'feed/' || f.feed_id AS subject,
        r.finished_at AS since, {_OF_RUN} AS links,
        {facts(run_kind="r.kind", refused="r.refused", items="r.accepted + r.refused")} AS details
    FROM feed AS f CROSS JOIN {_KINDS} CROSS JOIN LATERAL (
        SELECT run_id, kind, accepted, refused, finished_at FROM feed_run
        WHERE merchant_id = f.merchant_id AND feed_id = f.feed_id AND kind = k.kind
            AND accepted + refused > 0 AND finished_at IS NOT NULL AND cause <> 'fast_lane'
        ORDER BY finished_at DESC LIMIT 1
    ) AS r
    WHERE f.lifecycle = 'active' AND r.refused >= {AT_LEAST} AND r.refused > r.accepted
    ORDER BY f.merchant_id, f.feed_id, r.finished_at DESC
"""  # noqa: S608 - constant text
"""Active feeds of whose last run of either kind that decided any items more were refused than
accepted, and not a few."""

FEED_IDLE = f"""
    SELECT DISTINCT ON (f.merchant_id, f.feed_id) f.merchant_id, 'feed/' || f.feed_id AS subject,
        idle.since, {_OF_FEED} AS links,
        {facts(run_kind="k.kind", last_run_at=moment("last.finished_at"))} AS details
    FROM feed AS f JOIN shop USING (merchant_id, shop_id) CROSS JOIN {_KINDS}
    JOIN schedule AS s
        ON s.kind = k.schedule AND s.merchant_id = f.merchant_id AND s.subject = f.feed_id
    CROSS JOIN LATERAL (
        SELECT FROM family_mark
        WHERE merchant_id = f.merchant_id AND feed_id = f.feed_id AND kind = k.kind LIMIT 1
    ) AS due
    LEFT JOIN LATERAL (
        SELECT finished_at FROM feed_run
        WHERE merchant_id = f.merchant_id AND feed_id = f.feed_id AND kind = k.kind
            AND finished_at IS NOT NULL AND NOT is_dry_run AND cause <> 'fast_lane'
        ORDER BY finished_at DESC LIMIT 1
    ) AS last ON true
    CROSS JOIN LATERAL (SELECT coalesce(last.finished_at, f.confirmed_at) + CASE k.kind
        WHEN 'product' THEN $2::interval
        ELSE greatest($3::interval, make_interval(secs => 2 * s.every_seconds)) END AS since
    ) AS idle
    WHERE f.lifecycle = 'active' AND f.confirmed_at IS NOT NULL AND NOT s.is_paused
        AND shop.is_eligible AND shop.connection = 'connected'
        AND (shop.expires_at IS NULL OR shop.expires_at > $1) AND idle.since <= $1
        AND NOT EXISTS (
            SELECT FROM feed_run AS r
            WHERE r.merchant_id = f.merchant_id AND r.feed_id = f.feed_id AND r.kind = k.kind
                AND r.state IN ('planning', 'running') AND NOT r.is_dry_run AND r.trouble IS NULL
                AND r.cause <> 'fast_lane'
                AND NOT EXISTS (
                    SELECT FROM failed_row AS d
                    WHERE d.job = 'runs' AND d.merchant_id = r.merchant_id
                        AND d.subject = r.run_id AND d.retry_at = 'infinity'))
    ORDER BY f.merchant_id, f.feed_id, k.kind DESC
"""  # noqa: S608 - constant text
"""Active feeds, not paused, that have something to send and ended no run of that kind for a set
time (`$2` product, `$3` offer), though their shop may be called; a run in progress that nothing
holds up is no idleness. Now is `$1`."""

DRIFT = f"""
    SELECT f.merchant_id, 'feed/' || f.feed_id AS subject, NULL::timestamptz AS since,
        {_OF_FEED} AS links,
        {facts(percent="(5 * floor(20 * d.products / o.products))::int")} AS details
    FROM feed AS f CROSS JOIN LATERAL (
        SELECT count(*)::numeric AS products FROM (
            SELECT FROM listing
            WHERE merchant_id = f.merchant_id AND feed_id = f.feed_id AND drift IS NOT NULL
            LIMIT {DRIFT_COUNTED_TO}
        ) AS counted
    ) AS d CROSS JOIN LATERAL (
        SELECT greatest(1, d.products, sum(number)) AS products FROM (
            SELECT number FROM counter
            WHERE merchant_id = f.merchant_id AND subject = f.feed_id AND kind = 'placed'
                AND name IN ('present/online', 'absent/online')
            UNION ALL
            SELECT number FROM counter_change
            WHERE merchant_id = f.merchant_id AND subject = f.feed_id AND kind = 'placed'
                AND name IN ('present/online', 'absent/online')
        ) AS part
    ) AS o
    WHERE f.lifecycle = 'active' AND d.products >= {AT_LEAST} AND d.products > $1 * o.products
"""  # noqa: S608 - constant text
"""Active feeds of whose products online more than a share (`$1`) were found otherwise in the shop;
`percent` in steps of five, as it moves with every reading."""

BANNED = f"""
    SELECT s.merchant_id, 'shop/' || s.shop_id AS subject, NULL::timestamptz AS since,
        {facts(shop_id="s.shop_id")} AS links,
        {
    facts(
        methods="string_agg(DISTINCT b.operation, ', ')",
        until=moment(
            "date_bin('10 minutes', max(b.banned_until) + interval '10 minutes', 'epoch')"
        ),
    )
} AS details
    FROM shop AS s JOIN rate_bucket AS b ON b.scope IN (s.seller_id, 'app')
    WHERE s.is_eligible AND s.connection = 'connected'
        AND b.banned_until > $1::timestamptz + interval '1 minute'
    GROUP BY s.merchant_id, s.shop_id
"""  # noqa: S608 - constant text
"""Connected shops for whose seller, or for all of the app, AliExpress refuses a method for more
than a minute from now (`$1`): shorter bans are what limits are kept by. `until` in steps of ten
minutes."""
