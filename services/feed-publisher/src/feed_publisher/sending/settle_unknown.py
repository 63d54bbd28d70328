"""A call whose answer was lost is settled by reading, never by blind repeat."""

from datetime import timedelta

from aliexpress.products import Product
from common import clock
from common.postgres.leases import check_lease
from common.postgres.unit_of_work import reading, unit_of_work
from feed_publisher.listings.listing import is_same_amount
from feed_publisher.listings.outcomes import Outcome
from feed_publisher.runs.items import store as items_store
from feed_publisher.runs.items.item import RunItem
from feed_publisher.sending import store
from feed_publisher.sending.context import Sending, Step, Wait
from feed_publisher.sending.find_job import find_job
from feed_publisher.sending.look_up import read_products
from feed_publisher.sending.record import move_call, put_back, record_outcomes
from feed_publisher.sending.store import Call
from feed_publisher.sending.submit_jobs import MAX_ATTEMPTS, no_answer

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
    """Look for the job among the seller's.

    One that says nothing may be ours: it is waited for as long as a job may take, then the call is
    stuck, as its job would be.
    """
    found = await find_job(sending, call, items, run_id=sending.run.run_id)
    if found.job_id is not None:
        await move_call(sending, call.call_id, "following", job_id=found.job_id)
        return Step.WORKED
    if found.may_come and clock.now() - call.intended_at > sending.settings.job_deadline:
        await move_call(sending, call.call_id, "stuck")
        return Step.WORKED
    wait = sending.backoff.next_wait(call.call_id, first=FIRST_WAIT, longest=LONGEST_WAIT)
    if found.may_come:
        return wait
    if call.settle_attempts + 1 < SETTLE_ATTEMPTS:
        async with unit_of_work(sending.pool) as connection:
            await check_lease(connection, sending.lease)
            await store.count_settle_attempt(connection, sending.run.merchant_id, call.call_id)
        return wait
    sending.backoff.forget(call.call_id)
    await put_back(sending, items, call=(call.call_id, "withdrawn"), was_tried=True)
    return Step.WORKED


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
