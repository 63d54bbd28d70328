"""Looks among the seller's jobs for the one whose submission got no answer."""

from dataclasses import dataclass

from aliexpress.errors import CallerFault
from aliexpress.feeds import FeedType, list_feeds, query_feed
from common.postgres.unit_of_work import reading
from feed_publisher.runs.items.item import RunItem
from feed_publisher.sending import store
from feed_publisher.sending.context import Sending
from feed_publisher.sending.follow_jobs import LIST_PAGES, LIST_SLACK
from feed_publisher.sending.store import Call
from feed_publisher.sending.submit_jobs import item_no_of


@dataclass(frozen=True)
class Found:
    """The job, once it has spoken of our items; without it, whether one that is silent may be
    it."""

    job_id: str | None = None
    may_come: bool = False


async def find_job(sending: Sending, call: Call, items: list[RunItem], *, run_id: str) -> Found:
    """Look through the jobs of the call's type; `run_id` is the run of the items."""
    may_come = False
    for job_id in await _candidates(sending, call):
        is_ours = await _is_ours(sending, job_id, items, run_id)
        if is_ours:
            return Found(job_id)
        may_come |= is_ours is None
    return Found(may_come=may_come)


async def _candidates(sending: Sending, call: Call) -> list[str]:
    """Jobs of the call's type since its intent that belong to no call of ours."""
    feed_type: FeedType = "PRODUCT_CREATE" if call.operation == "create" else "PRODUCT_FULL_UPDATE"
    found: list[str] = []
    for page_no in range(1, LIST_PAGES + 1):
        page = await list_feeds(
            sending.client,
            sending.token,
            page=page_no,
            feed_type=feed_type,
            submitted_from=call.intended_at - LIST_SLACK,
        )
        found += [job.job_id for job in page.jobs]
        if not page.jobs or page_no >= (page.total_pages or LIST_PAGES):
            break
    async with reading(sending.pool) as connection:
        known = await store.list_known_jobs(connection, sending.run.merchant_id, found)
    return [job_id for job_id in dict.fromkeys(found) if job_id not in known]


async def _is_ours(sending: Sending, job_id: str, items: list[RunItem], run_id: str) -> bool | None:
    """Whether a job speaks of our items; None while it speaks of nothing yet and may be ours."""
    try:
        report = await query_feed(sending.client, sending.token, job_id)
    except CallerFault:
        return False
    numbers = {item.item_no for item in items}
    for result in report.items:
        return item_no_of(run_id, result.content_id) in numbers
    return None if report.total_items == len(items) else False
