"""Queues the runs that are due: the product feed daily, the offer feed hourly (M7.1)."""

from common.postgres.pool import Connection, Pool
from common.postgres.schedules import Schedule, run_due
from feed_publisher.desired.feeds.rhythm import OFFER_SCHEDULE, PRODUCT_SCHEDULE
from feed_publisher.desired.states import Kind
from feed_publisher.runs.store import ask_for_run

_KINDS: dict[str, Kind] = {PRODUCT_SCHEDULE: "product", OFFER_SCHEDULE: "offer"}


async def schedule_runs(pool: Pool) -> bool:
    """Turn due schedules into queued runs; whether there were any."""
    did = False
    for schedule in _KINDS:
        did |= await run_due(pool, schedule, _ask)
    return did


async def _ask(connection: Connection, due: Schedule) -> None:
    kind = _KINDS[due.kind]
    await ask_for_run(connection, due.merchant_id, due.subject, kind, cause="schedule")
