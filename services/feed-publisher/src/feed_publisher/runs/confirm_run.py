"""A person confirms a plan: it is applied exactly as it was shown."""

from common import clock
from common.errors import Refusal
from common.postgres.pool import Connection, Pool
from common.postgres.unit_of_work import unit_of_work
from feed_publisher.desired.store import confirm_feed
from feed_publisher.planning.store import load_listings, record_removals
from feed_publisher.reports.causes import refusal
from feed_publisher.reports.report_products import Changed, report_products
from feed_publisher.runs.store import (
    CONFIRMABLE,
    Run,
    ask_for_run,
    has_active_run,
    list_refused,
    list_removals,
    load_run,
    release_confirmed,
)


async def confirm_run(pool: Pool, merchant_id: str, run_id: str) -> Run:
    """Apply a dry run, a feed's first product run, or the removals a run withholds (M7.4).

    Raises `NotFound`, and `Refusal` when there is nothing to confirm or another run is in work.
    """
    async with unit_of_work(pool) as connection:
        run = await load_run(connection, merchant_id, run_id, locked=True)
        if run.state not in CONFIRMABLE:
            raise Refusal(
                f"this run is {run.state}: there is nothing to confirm",
                status=409,
                slug="nothing-to-confirm",
                remedy="Read the run; if its plan is out of date, ask for a new one.",
            )
        if await has_active_run(connection, merchant_id, run.feed_id, run.kind):
            raise Refusal(
                f"another {run.kind} run of this feed is in work",
                status=409,
                slug="run-active",
                remedy="Confirm this one once the other has ended.",
            )
        removals = await list_removals(connection, merchant_id, run_id)
        await record_removals(
            connection,
            merchant_id,
            run.shop_id,
            run.feed_id,
            removals,
            at=clock.now(),
            is_confirmed=True,
        )
        if run.kind == "product":
            await confirm_feed(connection, merchant_id, run.feed_id)
        await release_confirmed(connection, run)
        if run.state != "withheld":
            await _tell_refused(connection, run)
            # What changed since the plan was made, and what it refused, is for the next one.
            await ask_for_run(connection, merchant_id, run.feed_id, run.kind, cause="confirmation")
        return await load_run(connection, merchant_id, run_id)


async def _tell_refused(connection: Connection, run: Run) -> None:
    """What the confirmed plan refused is refused from now on, and others are told so."""
    refused = await list_refused(connection, run.merchant_id, run.run_id)
    families = [item.family_id for item in refused]
    listings = await load_listings(
        connection, run.merchant_id, run.feed_id, families, shop_id=run.shop_id
    )
    changed = [
        Changed(
            listings[item.family_id].refusing("content", refusal(item.code, item.message)),
            item.desired_revision,
            item.traceparent,
        )
        for item in refused
    ]
    await report_products(connection, run.merchant_id, changed)
