"""Before a plan is shown, its creations are looked up in the shop (M1.6): what is online there
already and was not published by us is named, not created."""

from common.postgres.leases import Lease, check_lease
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work
from feed_publisher.planning.batches import MAX_JOB_ITEMS
from feed_publisher.runs.items.item import Decision
from feed_publisher.runs.items.store import decide_items, list_planned
from feed_publisher.runs.run import Run, State
from feed_publisher.runs.store import seal_plan
from feed_publisher.sending.context import Sending
from feed_publisher.sending.submit_jobs import look_up_creations


def confirmable_state(run: Run) -> State:
    """The state a plan awaits its confirmation in."""
    return "planned" if run.is_dry_run else "awaiting_confirmation"


async def look_up_plan(sending: Sending) -> None:
    """Refuse the plan's creations whose SKUs are online from elsewhere. Raises read failures."""
    run, after = sending.run, 0
    while True:
        async with reading(sending.pool) as connection:
            items = await list_planned(connection, run, "create", after=after, limit=MAX_JOB_ITEMS)
        if not items:
            return
        after = items[-1].item_no
        found = await look_up_creations(sending, items)
        refused = [
            Decision(number, "rejected", outcome.refused.code, outcome.refused.message)
            for number, outcome in found.items()
            if outcome.refused is not None
        ]
        async with unit_of_work(sending.pool) as connection:
            await check_lease(connection, sending.lease)
            await decide_items(connection, run.run_id, run.merchant_id, refused)


async def show_plan(pool: Pool, run: Run, lease: Lease) -> None:
    """The plan can be read and confirmed from now on. Raises `LeaseLost`."""
    async with unit_of_work(pool) as connection:
        await check_lease(connection, lease)
        await seal_plan(
            connection, run, plan_hash=run.plan_hash or "", state=confirmable_state(run)
        )
