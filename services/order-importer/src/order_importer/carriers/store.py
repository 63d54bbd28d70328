"""The shops' carriers as last read: the rows of `carrier_list`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from aliexpress.logistics import Carrier
from common import clock
from common.postgres.pool import Connection


@dataclass(frozen=True)
class CarrierList:
    """A shop's carriers as read at that time."""

    carriers: list[Carrier]
    fetched_at: datetime


async def find_carriers(
    connection: Connection, merchant_id: str, shop_id: str
) -> CarrierList | None:
    row = await connection.fetchrow(
        "SELECT carriers, fetched_at FROM carrier_list WHERE merchant_id = $1 AND shop_id = $2",
        merchant_id,
        shop_id,
    )
    if row is None:
        return None
    return CarrierList(msgspec.json.decode(row["carriers"], type=list[Carrier]), row["fetched_at"])


async def save_carriers(
    connection: Connection, merchant_id: str, shop_id: str, carriers: Sequence[Carrier]
) -> CarrierList:
    now = clock.now()
    await connection.execute(
        """
        INSERT INTO carrier_list (merchant_id, shop_id, carriers, fetched_at)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (merchant_id, shop_id) DO UPDATE SET carriers = $3, fetched_at = $4
        """,
        merchant_id,
        shop_id,
        msgspec.json.encode(list(carriers)).decode(),
        now,
    )
    return CarrierList(list(carriers), now)
