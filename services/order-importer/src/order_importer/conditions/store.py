"""What is wrong with shops' imports, orders and parcels now: the observers' queries. Reads only.

Each goes by an index that holds what is open, or what was refused lately. Their rows are as
`common.conditions.Observer` says; of a buyer, and of AliExpress's words on an order, which may
quote one, nothing is in them.
"""

from common.postgres.conditions import facts, moment

ORDERS_FAILING = f"""
    SELECT s.merchant_id, 'shop/' || s.shop_id AS subject, s.behind_since AS since,
        {facts(shop_id="s.shop_id")} AS links,
        {facts(outcome="coalesce(last.state, 'late')", covered_until=moment("s.covered_until"))}
            AS details
    FROM (
        SELECT s.merchant_id, s.shop_id, s.covered_until, open.asked_at, open.import_id,
            open.is_going, coalesce(s.covered_until, open.asked_at) AS behind_since
        FROM shop AS s
        LEFT JOIN schedule AS c ON c.kind = 'order-import'
            AND c.merchant_id = s.merchant_id AND c.subject = s.shop_id
        LEFT JOIN (
            SELECT merchant_id, shop_id, min(requested_at) AS asked_at, min(import_id) AS import_id,
                bool_or(state = 'running' AND problem IS NULL AND NOT EXISTS (
                    SELECT FROM failed_row AS d
                    WHERE d.job = 'imports' AND d.merchant_id = i.merchant_id
                        AND d.subject = i.import_id::text)) AS is_going
            FROM order_import AS i WHERE state IN ('due', 'running') GROUP BY merchant_id, shop_id
        ) AS open ON open.merchant_id = s.merchant_id AND open.shop_id = s.shop_id
        WHERE s.is_usable AND c.is_paused IS NOT TRUE
            AND coalesce(s.covered_until, open.asked_at) <= $1::timestamptz
                - greatest(interval '1 hour', make_interval(secs => 2 * c.every_seconds))
    ) AS s LEFT JOIN LATERAL (
        SELECT state FROM order_import AS i
        WHERE i.merchant_id = s.merchant_id AND i.shop_id = s.shop_id
            AND (s.import_id IS NULL OR i.import_id < s.import_id)
        ORDER BY i.import_id DESC LIMIT 1
    ) AS last ON last.state = 'failed'
    WHERE s.is_going IS NOT TRUE AND (last.state = 'failed'
        OR s.asked_at IS NULL OR s.asked_at <= $1::timestamptz - interval '1 hour')
"""  # noqa: S608 - constant text
"""Shops that may be called, not paused, whose orders are not here for longer than an hour and two
due times, and for which nothing is on its way: an import that nothing holds up goes on, and one
that was asked for within the hour gets its chance, as after a renewal, unless the last one failed.
Now is `$1`."""

_TO_SHIP = """
    content IS NOT NULL AND status = 'waiting_shipment' AND CASE
        WHEN shippable_lines IS NULL THEN NOT EXISTS (
            SELECT FROM shipment AS s
            WHERE s.merchant_id = o.merchant_id AND s.shop_id = o.shop_id
                AND s.order_id = o.order_id AND s.state <> 'refused')
        ELSE EXISTS (
            SELECT FROM jsonb_array_elements_text(shippable_lines) AS line (id)
            WHERE (
                SELECT s.more_follow FROM shipment AS s
                WHERE s.merchant_id = o.merchant_id AND s.shop_id = o.shop_id
                    AND s.order_id = o.order_id AND s.state <> 'refused'
                    AND line.id = ANY(s.line_ids)
                ORDER BY s.requested_at DESC, s.shipment_id DESC LIMIT 1
            ) IS NOT FALSE)
    END"""
"""As `deadlines.thresholds.is_to_be_shipped`: a line is in no parcel, or more are to follow."""

_ORDER = f"""
    SELECT merchant_id, 'order/' || shop_id || '/' || order_id AS subject, {{since}} AS since,
        {facts(shop_id="shop_id", order_id="order_id")} AS links,
        {facts(due_at=moment("date_bin('15 minutes', due_at, 'epoch')"))} AS details
    FROM marketplace_order AS o WHERE {_TO_SHIP} AND """  # noqa: S608 - constant text
"""The deadline in steps of 15 minutes: readings of the same one differ a little."""

ORDER_DUE = (
    _ORDER.format(since="due_at - interval '1 day'")
    + "due_at > $1 AND due_at <= $1::timestamptz + interval '1 day'"
)
"""Orders that are to be shipped within a day from now (`$1`), and are in no parcel."""

ORDER_LATE = _ORDER.format(since="due_at") + "due_at <= $1"
"""Orders that were to be shipped by now (`$1`), and are in no parcel."""

ORDER_UNREADABLE = f"""
    SELECT merchant_id, 'order/' || shop_id || '/' || order_id AS subject,
        NULL::timestamptz AS since, {facts(shop_id="shop_id", order_id="order_id")} AS links,
        {facts(is_known="content IS NOT NULL")} AS details
    FROM marketplace_order WHERE problem IS NOT NULL
"""  # noqa: S608 - constant text
"""Orders that could not be read, or not their newest state (`is_known`)."""

_SUBJECT = "'parcel/' || shop_id || '/' || order_id || '/' || shipment_id"
PARCEL_REFUSED = f"""
    SELECT DISTINCT ON (merchant_id, subject) merchant_id, subject, since, links, details FROM (
        SELECT p.merchant_id, {_SUBJECT} AS subject, p.settled_at AS since,
            {facts(shop_id="shop_id", order_id="order_id")} AS links,
            {
    facts(
        what="'parcel'", code="p.problem_code", carrier="p.service_name", shipment_id="shipment_id"
    )
} AS details
        FROM shipment AS p JOIN marketplace_order AS o USING (merchant_id, shop_id, order_id)
        WHERE p.state = 'refused' AND p.settled_at > $1::timestamptz - interval '60 days'
            AND (o.status = 'waiting_shipment' OR p.settled_at > $1::timestamptz - interval '1 day')
            AND NOT EXISTS (
                SELECT FROM shipment AS later
                WHERE later.merchant_id = p.merchant_id AND later.shop_id = p.shop_id
                    AND later.order_id = p.order_id AND later.line_ids && p.line_ids
                    AND (later.requested_at, later.shipment_id) > (p.requested_at, p.shipment_id))
        UNION ALL
        SELECT c.merchant_id, {_SUBJECT}, c.settled_at,
            {facts(shop_id="shop_id", order_id="order_id")},
            {
    facts(
        what="'correction'",
        code="c.problem_code",
        carrier="c.service_name",
        shipment_id="shipment_id",
    )
}
        FROM tracking_correction AS c
        WHERE c.state = 'refused' AND c.settled_at > $1::timestamptz - interval '7 days'
            AND NOT EXISTS (
                SELECT FROM tracking_correction AS later
                WHERE later.merchant_id = c.merchant_id AND later.shop_id = c.shop_id
                    AND later.order_id = c.order_id AND later.shipment_id = c.shipment_id
                    AND (later.requested_at, later.correction_id)
                        > (c.requested_at, c.correction_id))
    ) AS refused ORDER BY merchant_id, subject, since DESC
"""  # noqa: S608 - constant text
"""Parcels AliExpress refused, until another is asked for of their lines or the order waits no more,
a day in any case; and corrections of a tracking number it refused, until the next, for a week. Now
is `$1`."""
