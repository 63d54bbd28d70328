"""The parcels of orders, ours and the seller centre's, and the numbers they go by. Reads only."""

from collections.abc import Sequence

from common.contracts.order import Parcel
from common.postgres.pool import Connection


async def list_parcels(
    connection: Connection, merchant_id: str, shop_id: str, order_ids: Sequence[str]
) -> dict[str, list[Parcel]]:
    """The parcels of these orders of a shop: each order's own in the order they were asked for,
    then those of the seller centre."""
    rows = await connection.fetch(
        """
        SELECT 'channel' AS origin, order_id, requested_at AS at, shipment_id, carrier,
            tracking_number, line_ids, state,
            CASE WHEN state = 'confirmed' THEN settled_at END AS shipped_at,
            NULL::timestamptz AS gone_at, sent_as, more_follow, array(
                SELECT former_number FROM tracking_correction c
                WHERE c.merchant_id = s.merchant_id AND c.shop_id = s.shop_id
                    AND c.order_id = s.order_id AND c.shipment_id = s.shipment_id
                    AND c.state = 'confirmed' AND c.former_number <> c.tracking_number
                ORDER BY c.settled_at, c.correction_id
            ) AS former_numbers
        FROM shipment s WHERE merchant_id = $1 AND shop_id = $2 AND order_id = ANY($3)
        UNION ALL
        SELECT 'marketplace', order_id, found_at, shipment_id, carrier, tracking_number, '{}',
            'confirmed', sent_at, gone_at, NULL, false, '{}'
        FROM marketplace_parcel
        WHERE merchant_id = $1 AND shop_id = $2 AND order_id = ANY($3)
        ORDER BY order_id, origin, at, shipment_id
        """,
        merchant_id,
        shop_id,
        order_ids,
    )
    parcels: dict[str, list[Parcel]] = {}
    for row in rows:
        parcel = Parcel(
            shipment_id=row["shipment_id"],
            carrier=row["carrier"],
            tracking_number=row["tracking_number"],
            line_ids=row["line_ids"],
            state=row["state"],
            shipped_at=row["shipped_at"],
            origin=row["origin"],
            gone_at=row["gone_at"],
            sent_as=row["sent_as"],
            more_follow=row["more_follow"],
            former_numbers=row["former_numbers"],
        )
        parcels.setdefault(row["order_id"], []).append(parcel)
    return parcels


async def list_own_numbers(
    connection: Connection, merchant_id: str, shop_id: str, order_ids: Sequence[str]
) -> dict[str, set[str]]:
    """The numbers under which AliExpress may know parcels of ours, by order.

    Beside those of its parcels they are former ones, and those that corrections may have brought
    there by now.
    """
    rows = await connection.fetch(
        """
        SELECT order_id, tracking_number FROM shipment
        WHERE merchant_id = $1 AND shop_id = $2 AND order_id = ANY($3) AND state <> 'refused'
        UNION
        SELECT order_id, unnest(ARRAY[former_number, tracking_number]) FROM tracking_correction
        WHERE merchant_id = $1 AND shop_id = $2 AND order_id = ANY($3) AND state <> 'refused'
        """,
        merchant_id,
        shop_id,
        order_ids,
    )
    numbers: dict[str, set[str]] = {}
    for row in rows:
        numbers.setdefault(row["order_id"], set()).add(row["tracking_number"])
    return numbers


async def list_reserved_numbers(
    connection: Connection, merchant_id: str, shop_id: str, order_id: str
) -> set[str]:
    """The numbers that corrections under way will give to parcels of the order."""
    rows = await connection.fetch(
        """
        SELECT tracking_number FROM tracking_correction
        WHERE merchant_id = $1 AND shop_id = $2 AND order_id = $3 AND state IN ('pending', 'sent')
        """,
        merchant_id,
        shop_id,
        order_id,
    )
    return {row["tracking_number"] for row in rows}
