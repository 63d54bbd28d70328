"""Jobs over open troubles: close those that stayed quiet, remind of those that last."""

from collections.abc import Sequence
from datetime import timedelta

from auth_service.troubles import store
from auth_service.troubles.change import close_quiet
from auth_service.troubles.damping import remind_after
from auth_service.troubles.kinds import KINDS
from auth_service.troubles.trouble import Trouble
from common import clock
from common.postgres.pool import Pool
from common.postgres.set_aside import RowKey, each_apart
from common.postgres.unit_of_work import reading, unit_of_work
from common.telemetry.names import TROUBLES
from common.telemetry.setup import Gauge

JOB = "tend-troubles"
ROWS = 100
_open = Gauge(TROUBLES)


async def tend_troubles(pool: Pool) -> bool:
    """Close and remind of the next ones. Whether there were any."""
    now = clock.now()
    async with reading(pool) as connection:
        quiet = await store.list_due_to_close(connection, JOB, now, limit=ROWS)
        lasting = await store.list_due_to_remind(connection, JOB, now, limit=ROWS)

    async def close(troubles: Sequence[Trouble]) -> None:
        async with unit_of_work(pool) as connection:
            await close_quiet(connection, [(t.merchant_id, t.kind, t.subject) for t in troubles])

    async def remind(rows: Sequence[RowKey]) -> None:
        async with unit_of_work(pool) as connection:
            ids = [row.subject for row in rows]
            for trouble in await store.lock_due_to_remind(connection, ids, now):
                following = now + remind_after(trouble.reminders + 1)
                reminded = await store.note_reminded(connection, trouble.trouble_id, following)
                await store.add_notice(connection, reminded, "reminded")

    await each_apart(pool, JOB, quiet, close, key=lambda t: RowKey(t.merchant_id, t.trouble_id))
    await each_apart(pool, JOB, lasting, remind, key=lambda row: row)
    return bool(quiet or lasting)


async def forget_old_troubles(pool: Pool, kept: timedelta) -> bool:
    """Delete what was closed longer ago than it is kept. Whether there was any."""
    async with unit_of_work(pool) as connection:
        return bool(await store.forget_closed(connection, clock.now() - kept, limit=1_000))


async def measure_troubles(pool: Pool) -> bool:
    """Set the gauge of open troubles; it names the kinds of which there is none."""
    async with reading(pool) as connection:
        found = await store.count_open(connection)
    counted = {(kind.name, str(kind.severity)): 0 for kind in KINDS.values()} | found
    _open.replace(
        {
            (("kind", kind), ("severity", severity)): float(number)
            for (kind, severity), number in counted.items()
        }
    )
    return False
