"""Queues the runs that are due: the product feed daily, the offer feed hourly (M7.1)."""

from common.postgres.pool import Pool
from common.postgres.schedules import claim_due
from common.postgres.unit_of_work import unit_of_work
from feed_publisher.desired.consumer import OFFER_SCHEDULE, PRODUCT_SCHEDULE
from feed_publisher.desired.states import Kind
from feed_publisher.runs.store import ask_for_run

_KINDS: dict[str, Kind] = {PRODUCT_SCHEDULE: "product", OFFER_SCHEDULE: "offer"}


async def schedule_runs(pool: Pool) -> bool:
    """Turn due schedules into queued runs; whether there were any."""
    did = False
    for schedule, kind in _KINDS.items():
        async with unit_of_work(pool) as connection:
            for due in await claim_due(connection, schedule):
                await ask_for_run(connection, due.merchant_id, due.subject, kind, cause="schedule")
                did = True
    return did
