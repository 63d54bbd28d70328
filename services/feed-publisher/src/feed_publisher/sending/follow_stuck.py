"""Checks on jobs past their deadline, whose families are left alone until they end (M7.6)."""

from dataclasses import replace

from aliexpress.errors import AppRefused
from common.postgres.unit_of_work import reading
from feed_publisher.sending import store
from feed_publisher.sending.context import Sending
from feed_publisher.sending.find_job import find_job
from feed_publisher.sending.follow_jobs import is_over, items_of, query_job, take_results
from feed_publisher.sending.record import leave_to_next, move_call
from feed_publisher.sending.store import Call


async def follow_stuck(sending: Sending) -> None:
    """Check once whether stuck jobs of earlier runs have come to an end after all."""
    run = sending.run
    if "stuck" in sending.backoff.since:
        return
    sending.backoff.since["stuck"] = 0.0
    async with reading(sending.pool) as connection:
        stuck = await store.list_stuck(connection, run)
    try:
        for run_id, call in stuck:
            known = call if call.marketplace_job_id else await _find_stuck(sending, run_id, call)
            if known is not None:
                await _follow_stuck_job(sending, run_id, known)
    except AppRefused:
        sending.backoff.forget("stuck")
        raise


async def _find_stuck(sending: Sending, run_id: str, call: Call) -> Call | None:
    """The call with its job, where that has been found now.

    Once no job that may be it is left, its items are left to the next run, which looks every SKU up
    before it creates anything.
    """
    items = await items_of(sending, call)
    found = await find_job(sending, call, items, run_id=run_id)
    if found.job_id is not None:
        await move_call(sending, call.call_id, "stuck", job_id=found.job_id)
        return replace(call, marketplace_job_id=found.job_id)
    if not found.may_come:
        await leave_to_next(sending, items, run_id=run_id, call=(call.call_id, "done"))
    return None


async def _follow_stuck_job(sending: Sending, run_id: str, call: Call) -> None:
    """Take its results; once it is over, its families are left alone no longer."""
    report = await query_job(sending, call)
    has_ended = report is None or await is_over(sending, call)
    if has_ended:  # it may have ended between the two answers
        report = await query_job(sending, call)
    items = await items_of(sending, call)
    if report is not None and await take_results(sending, call, items, report, run_id=run_id):
        items = await items_of(sending, call)
        has_ended |= not items
    if has_ended:
        await leave_to_next(sending, items, run_id=run_id, call=(call.call_id, "done"))
