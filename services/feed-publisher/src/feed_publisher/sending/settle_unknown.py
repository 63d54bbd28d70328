"""A call whose answer was lost is settled by reading, never by blind repeat."""

from datetime import timedelta

from aliexpress.errors import CallerFault
from aliexpress.feeds import FeedType, list_feeds, query_feed
from aliexpress.products import Product
from common.postgres.leases import check_lease
from common.postgres.unit_of_work import reading, unit_of_work
from feed_publisher.listings.listing import is_same_amount
from feed_publisher.listings.outcomes import Outcome
from feed_publisher.runs.items import store as items_store
from feed_publisher.runs.items.item import RunItem
from feed_publisher.sending import store
from feed_publisher.sending.context import Sending, Step, Wait
from feed_publisher.sending.follow_jobs import LIST_PAGES, LIST_SLACK
from feed_publisher.sending.look_up import read_products
from feed_publisher.sending.record import move_call, put_back, record_outcomes
from feed_publisher.sending.store import Call
from feed_publisher.sending.submit_jobs import MAX_ATTEMPTS, item_no_of, no_answer

SETTLE_ATTEMPTS = 3
"""Attempts without a trace of the job after which it was never accepted."""
FIRST_WAIT = timedelta(milliseconds=500)
LONGEST_WAIT = timedelta(seconds=15)


async def settle_call(sending: Sending, call: Call) -> Step | Wait:
    """Find out what an unknown call did."""
    async with reading(sending.pool) as connection:
        items = await items_store.list_call_items(connection, sending.run.merchant_id, call.call_id)
    if not items:
        await move_call(sending, call.call_id, "done")
        return Step.WORKED
    if call.operation in {"create", "update"}:
        return await _settle_job(sending, call, items)
    return await _settle_by_products(sending, call, items)


# -- jobs --------------------------------------------------------------------------------------


async def _settle_job(sending: Sending, call: Call, items: list[RunItem]) -> Step | Wait:
    """Look for the job among the seller's: it is ours if it speaks of our items."""
    candidates = await _candidates(sending, call)
    is_open = False
    for job_id in candidates:
        is_ours = await _is_ours(sending, job_id, items)
        if is_ours:
            await move_call(sending, call.call_id, "following", job_id=job_id)
            return Step.WORKED
        is_open |= is_ours is None
    wait = sending.backoff.next_wait(call.call_id, first=FIRST_WAIT, longest=LONGEST_WAIT)
    if is_open:
        return wait
    if call.settle_attempts + 1 < SETTLE_ATTEMPTS:
        async with unit_of_work(sending.pool) as connection:
            await check_lease(connection, sending.lease)
            await store.count_settle_attempt(connection, sending.run.merchant_id, call.call_id)
        return wait
    sending.backoff.forget(call.call_id)
    await put_back(sending, items, call=(call.call_id, "withdrawn"), was_tried=True)
    return Step.WORKED


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


async def _is_ours(sending: Sending, job_id: str, items: list[RunItem]) -> bool | None:
    """Whether a job speaks of our items; None while it speaks of nothing yet and may be ours."""
    try:
        report = await query_feed(sending.client, sending.token, job_id)
    except CallerFault:
        return False
    numbers = {item.item_no for item in items}
    for result in report.items:
        return item_no_of(sending.run.run_id, result.content_id) in numbers
    return None if report.total_items == len(items) else False


# -- deletions, prices, stock ------------------------------------------------------------------


async def _settle_by_products(sending: Sending, call: Call, items: list[RunItem]) -> Step:
    """Compare the products with what was sent; what is not there is sent again, being absolute."""
    products = await read_products(
        sending.client, sending.token, [i.marketplace_product_id or "" for i in items]
    )
    outcomes, again = [], []
    for item in items:
        product = products[item.marketplace_product_id or ""]
        if product is None:
            outcomes.append(Outcome(item_no=item.item_no, verdict="gone"))
        elif _has_taken(item, product):
            outcomes.append(Outcome(item_no=item.item_no, verdict="accepted"))
        elif item.attempts >= MAX_ATTEMPTS:
            outcomes.append(no_answer(item))
        else:
            again.append(item)
    if again:
        await put_back(sending, again, call=None, was_tried=True)
    await record_outcomes(sending, items, outcomes, call=(call.call_id, "done"))
    return Step.WORKED


def _has_taken(item: RunItem, product: Product) -> bool:
    if item.action == "delete":
        return False
    there = {sku.sku_code: sku for sku in product.skus}
    for changed in item.change.stock:
        sku = there.get(changed.sku_code)
        if sku is None or sku.inventory != changed.after:
            return False
    for priced in item.change.prices:
        sku = there.get(priced.sku_code)
        if (
            sku is None
            or not is_same_amount(sku.price, priced.after.price)
            or not is_same_amount(sku.discount_price, priced.after.discount_price)
        ):
            return False
    return not item.change.countries
