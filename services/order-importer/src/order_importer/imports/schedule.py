"""When a shop's orders are read: the schedules `order-import`, `order-reread` and `order-audit`.

Their subject is the shop.
"""

import zlib
from datetime import time, timedelta
from typing import Literal

from common.postgres import schedules
from common.postgres.pool import Connection
from common.postgres.schedules import Daily, Every, Schedule

Kind = Literal["order-import", "order-reread", "order-audit"]

AUDIT_EVERY = timedelta(days=30)
NIGHT = 180
"""Minutes after midnight UTC over which the shops' nightly readings are spread."""


async def schedule_imports(
    connection: Connection, merchant_id: str, shop_id: str, every: timedelta
) -> None:
    """Let the shop be imported so often, read deeply every night and audited every month; a pause
    stays."""
    minute = zlib.crc32(f"{merchant_id}/{shop_id}".encode()) % NIGHT
    for kind, rhythm in (
        ("order-import", Every(every)),
        ("order-reread", Daily(time(minute // 60, minute % 60))),
        ("order-audit", Every(AUDIT_EVERY)),
    ):
        await schedules.set_schedule(connection, kind, merchant_id, shop_id, rhythm)


async def find_schedule(connection: Connection, merchant_id: str, shop_id: str) -> Schedule | None:
    """The shop's schedule of imports; None before it was connected."""
    found = await schedules.list_schedules(connection, merchant_id, subject=shop_id)
    return next((each for each in found if each.kind == "order-import"), None)


async def pause_imports(
    connection: Connection, merchant_id: str, shop_id: str, reason: str | None
) -> None:
    """Let no import or audit begin by schedule, for this reason; None lets them go on."""
    kinds: tuple[Kind, ...] = ("order-import", "order-reread", "order-audit")
    for kind in kinds:
        await schedules.pause_schedule(connection, kind, merchant_id, shop_id, reason=reason)
