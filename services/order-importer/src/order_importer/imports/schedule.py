"""When a shop's orders are imported by themselves: regularly, unless a merchant paused it."""

from datetime import timedelta

from common.postgres import schedules
from common.postgres.pool import Connection
from common.postgres.schedules import Every, Schedule

_KIND = "order-import"
"""The kind of these schedules; their subject is the shop."""


async def schedule_imports(
    connection: Connection, merchant_id: str, shop_id: str, every: timedelta
) -> None:
    """Let the shop be imported so often; a pause stays."""
    await schedules.set_schedule(connection, _KIND, merchant_id, shop_id, Every(every))


async def find_schedule(connection: Connection, merchant_id: str, shop_id: str) -> Schedule | None:
    """The shop's schedule; None before it was connected."""
    found = await schedules.list_schedules(connection, merchant_id, subject=shop_id)
    return next((each for each in found if each.kind == _KIND), None)


async def pause_imports(
    connection: Connection, merchant_id: str, shop_id: str, reason: str | None
) -> None:
    """Let no import begin by schedule, for this reason; None lets it go on."""
    await schedules.pause_schedule(connection, _KIND, merchant_id, shop_id, reason=reason)


async def claim_due_shops(connection: Connection) -> list[tuple[str, str]]:
    """Shops (merchant, shop) whose next import is due; each is claimed once."""
    claimed = await schedules.claim_due(connection, _KIND)
    return [(schedule.merchant_id, schedule.subject) for schedule in claimed]
