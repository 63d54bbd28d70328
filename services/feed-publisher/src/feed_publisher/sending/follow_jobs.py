"""Follows feed jobs to their end: results come gradually, twice, or never."""

from datetime import timedelta

from aliexpress.errors import CallerFault
from aliexpress.feeds import (
    FeedItemResult,
    FeedReport,
    invalidate_feeds,
    list_feeds,
    query_feed,
)
from common import clock
from common.postgres.unit_of_work import reading
from feed_publisher.listings.causes import refusal
from feed_publisher.listings.outcomes import Outcome
from feed_publisher.runs.items import store as items_store
from feed_publisher.runs.items.item import RunItem
from feed_publisher.sending.context import Sending, Step, Wait
from feed_publisher.sending.look_up import begin_audits, refresh_audits
from feed_publisher.sending.record import leave_to_next, move_call, put_back, record_outcomes
from feed_publisher.sending.store import Call
from feed_publisher.sending.submit_jobs import item_no_of

FIRST_WAIT = timedelta(milliseconds=300)
LONGEST_WAIT = timedelta(seconds=30)
CHECK_STATUS_AFTER = 5
"""Queries without a new result after which AliExpress's list is asked whether the job is over."""
LIST_PAGES = 20
LIST_SLACK = timedelta(hours=2)
"""Before the intent a job's list is read from: the repeated hour of autumn included."""


async def follow_job(sending: Sending, call: Call) -> Step | Wait:
    """Take what results a job has; wait while it has no new ones."""
    items = await items_of(sending, call)
    if not items:
        await move_call(sending, call.call_id, "done")
        return Step.WORKED
    report = await query_job(sending, call)
    if report is None:
        return await _settle_missing(sending, call, items)
    if await take_results(sending, call, items, report):
        sending.backoff.forget(call.call_id)
        return Step.WORKED
    return await _wait_for_results(sending, call, items)


async def _wait_for_results(sending: Sending, call: Call, items: list[RunItem]) -> Step | Wait:
    begun = call.submitted_at or call.intended_at
    if clock.now() - begun > sending.settings.job_deadline:
        return await _give_up(sending, call, items)
    queries = sending.backoff.waits.get(call.call_id, 0)
    if queries and queries % CHECK_STATUS_AFTER == 0 and await is_over(sending, call):
        report = await query_job(sending, call)
        if report is None or not await take_results(sending, call, items, report):
            return await _settle_missing(sending, call, items)
        return Step.WORKED
    return sending.backoff.next_wait(call.call_id, first=FIRST_WAIT, longest=LONGEST_WAIT)


async def items_of(sending: Sending, call: Call) -> list[RunItem]:
    """The items of a call that are not decided yet."""
    async with reading(sending.pool) as connection:
        return await items_store.list_call_items(connection, sending.run.merchant_id, call.call_id)


async def take_results(
    sending: Sending,
    call: Call,
    items: list[RunItem],
    report: FeedReport,
    *,
    run_id: str | None = None,
) -> bool:
    """Record the results that are new; whether there were any.

    `run_id` names the run of the items where it is an earlier one.
    """
    by_no = {item.item_no: item for item in items}
    results: dict[int, FeedItemResult] = {}
    for result in report.items:
        item_no = item_no_of(run_id or sending.run.run_id, result.content_id)
        if item_no in by_no and not (item_no in results and results[item_no].is_success):
            results[item_no] = result
    if not results:
        return False
    again = await _still_audited(
        sending, call, [by_no[n] for n in results if not results[n].is_success]
    )
    if again and run_id is None:
        await put_back(sending, again, call=None)
    elif again:
        await leave_to_next(sending, again, run_id=run_id or "", call=None)
    skipped = {item.item_no for item in again}
    outcomes = [_outcome(n, results[n], by_no[n]) for n in sorted(results) if n not in skipped]
    end = (call.call_id, "done" if len(results) == len(items) else call.state)
    await record_outcomes(sending, items, outcomes, call=end, run_id=run_id)
    return True


async def _still_audited(sending: Sending, call: Call, refused: list[RunItem]) -> list[RunItem]:
    """Refused updates of products AliExpress is checking: later, not an error."""
    if call.operation != "update" or not refused:
        return []
    auditing = await refresh_audits(sending)
    again = [item for item in refused if item.marketplace_product_id in auditing]
    await begin_audits(sending, [item.marketplace_product_id or "" for item in again])
    return again


def _outcome(item_no: int, result: FeedItemResult, item: RunItem) -> Outcome:
    product_id = result.product_id or item.marketplace_product_id
    if result.is_success and product_id is not None:
        return Outcome(item_no=item_no, verdict="accepted", product_id=product_id)
    return Outcome(
        item_no=item_no, verdict="rejected", refused=refusal(result.code, result.message)
    )


async def query_job(sending: Sending, call: Call) -> FeedReport | None:
    """The job as it stands; None when AliExpress knows no such job (any more)."""
    try:
        return await query_feed(sending.client, sending.token, call.marketplace_job_id or "")
    except CallerFault:
        return None


async def is_over(sending: Sending, call: Call) -> bool:
    """Whether AliExpress's list says that the job has ended."""
    since = (call.submitted_at or call.intended_at) - LIST_SLACK
    for page_no in range(1, LIST_PAGES + 1):
        page = await list_feeds(sending.client, sending.token, page=page_no, submitted_from=since)
        for job in page.jobs:
            if job.job_id == call.marketplace_job_id:
                return job.status == "FINISH"
        if not page.jobs or page_no >= (page.total_pages or LIST_PAGES):
            return False
    return False


async def _settle_missing(sending: Sending, call: Call, items: list[RunItem]) -> Step:
    """The job is over without a word on these items: they are sent again.

    Creations are looked up by SKU before that, so none is doubled; updates repeat without harm.
    """
    await put_back(sending, items, call=(call.call_id, "done"), was_tried=True)
    return Step.WORKED


async def _give_up(sending: Sending, call: Call, items: list[RunItem]) -> Step:
    """A job past its deadline: cancelled if it still queues, else left as stuck.

    A stuck job may still run: its items stay in it, so that their families are not planned again,
    and later runs check it again. The run itself waits no longer.
    """
    job_id = call.marketplace_job_id or ""
    if await _cancel(sending, job_id):
        await put_back(sending, items, call=(call.call_id, "done"))
    else:
        await move_call(sending, call.call_id, "stuck")
    return Step.WORKED


async def _cancel(sending: Sending, job_id: str) -> bool:
    try:
        outcome = await invalidate_feeds(sending.client, sending.token, [job_id])
    except CallerFault:
        return False
    return job_id in outcome.cancelled
