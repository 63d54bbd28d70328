"""Parcels made in AliExpress's seller centre: the rows of `marketplace_parcel`.

Whoever changes one has locked its order's row.
"""

from collections.abc import Mapping, Sequence

from common import clock
from common.contracts.order import Parcel
from common.postgres.pool import Connection


async def list_marketplace_parcels(
    connection: Connection, merchant_id: str, shop_id: str, order_ids: Sequence[str]
) -> dict[str, list[Parcel]]:
    """Those of these orders of a shop, by order, as they were found; those that are gone too."""
    rows = await connection.fetch(
        """
        SELECT order_id, shipment_id, carrier, tracking_number, sent_at, gone_at
        FROM marketplace_parcel
        WHERE merchant_id = $1 AND shop_id = $2 AND order_id = ANY($3)
        ORDER BY order_id, found_at, shipment_id
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
            line_ids=[],
            state="confirmed",
            shipped_at=row["sent_at"],
            origin="marketplace",
            gone_at=row["gone_at"],
        )
        parcels.setdefault(row["order_id"], []).append(parcel)
    return parcels


async def save_marketplace_parcels(
    connection: Connection,
    merchant_id: str,
    shop_id: str,
    parcels: Mapping[str, Sequence[Parcel]],
) -> None:
    """Write these parcels, by order, as they are now."""
    rows = [(order_id, parcel) for order_id in sorted(parcels) for parcel in parcels[order_id]]
    await connection.executemany(
        """
        INSERT INTO marketplace_parcel
            (merchant_id, shop_id, order_id, shipment_id, carrier, tracking_number, sent_at,
             gone_at, found_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (merchant_id, shop_id, order_id, shipment_id) DO UPDATE SET
            carrier = excluded.carrier, tracking_number = excluded.tracking_number,
            sent_at = excluded.sent_at, gone_at = excluded.gone_at
        """,
        [
            (
                merchant_id,
                shop_id,
                order_id,
                parcel.shipment_id,
                parcel.carrier,
                parcel.tracking_number,
                parcel.shipped_at,
                parcel.gone_at,
                clock.now(),
            )
            for order_id, parcel in rows
        ],
    )
