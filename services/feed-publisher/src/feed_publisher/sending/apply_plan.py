"""Applies a plan step by step: settle, follow, delete, update, create; or stock, then prices.

Each step does one thing and returns what it was; the driver calls it again until nothing is left.
"""

import time
from collections.abc import Sequence
from datetime import timedelta

from aliexpress.errors import CallerFault
from aliexpress.offers import (
    BatchOutcome,
    ProductPrices,
    ProductStock,
    SkuPrice,
    SkuStock,
    update_prices,
    update_stock,
)
from aliexpress.payload import country_prices
from aliexpress.products import delete_products
from common.postgres.leases import check_lease
from common.postgres.unit_of_work import reading, unit_of_work
from feed_publisher.desired.store import mark_families
from feed_publisher.listings.causes import AUDITING, refusal
from feed_publisher.listings.change import Action
from feed_publisher.listings.listing import Refused
from feed_publisher.listings.outcomes import Outcome
from feed_publisher.planning.batches import (
    MAX_DELETIONS,
    MAX_PRODUCTS,
    offer_batches,
)
from feed_publisher.runs.items import store as items_store
from feed_publisher.runs.items.item import RunItem
from feed_publisher.sending import store
from feed_publisher.sending.calls import Answered, RefusedCall, write
from feed_publisher.sending.context import Sending, Step, Wait
from feed_publisher.sending.follow_jobs import follow_job
from feed_publisher.sending.follow_stuck import follow_stuck
from feed_publisher.sending.look_up import begin_audits, find_product, refresh_audits
from feed_publisher.sending.record import put_back, record_outcomes
from feed_publisher.sending.settle_unknown import settle_call
from feed_publisher.sending.store import CallState
from feed_publisher.sending.submit_jobs import submit_creations, submit_updates

POLL_AFTER = timedelta(milliseconds=500)


async def take_step(sending: Sending) -> Step | Wait:
    """Do the next thing of the run's plan.

    Raises the failures of `aliexpress.errors` that mean "not now", and `LeaseLost`.
    """
    run = sending.run
    async with unit_of_work(sending.pool) as connection:
        await check_lease(connection, sending.lease)
        await store.orphan_intents(connection, run)
        calls = await store.list_calls(connection, run, ["unknown", "following"])
    waits: list[Wait] = []
    for call in calls:
        result = await (
            settle_call(sending, call) if call.state == "unknown" else follow_job(sending, call)
        )
        if result is Step.WORKED:
            return result
        if isinstance(result, Wait):
            waits.append(result)
    if run.kind == "product":
        await follow_stuck(sending)
        sent = await _send_products(sending, {call.operation for call in calls})
    else:
        sent = await _send_offers(sending, "stock") or await _send_offers(sending, "price")
    if sent:
        return Step.WORKED
    return await _wait_or_end(sending, waits)


async def _send_products(sending: Sending, in_flight: set[Action]) -> bool:
    if await _send_deletions(sending):
        return True
    if "update" not in in_flight and await submit_updates(sending):
        return True
    return "create" not in in_flight and await submit_creations(sending)


async def _wait_or_end(sending: Sending, waits: Sequence[Wait]) -> Step | Wait:
    run = sending.run
    async with reading(sending.pool) as connection:
        pending, under_way = await items_store.find_open(connection, run)
        has_audited = await items_store.has_audited(connection, run)
    if not pending and not under_way:
        return Step.ENDED
    if waits:
        return min(waits, key=lambda wait: wait.lasts)
    if has_audited:
        return await _wait_for_audits(sending)
    return Wait(POLL_AFTER)  # another feed's job of the type is in flight in this shop


async def _wait_for_audits(sending: Sending) -> Step | Wait:
    """Products AliExpress is checking take no update: not an error, only later."""
    run, backoff = sending.run, sending.backoff
    since = backoff.since.setdefault("audits", time.monotonic())
    await refresh_audits(sending)  # first: while AliExpress cannot be asked, no audit is too long
    async with reading(sending.pool) as connection:
        still_waits = await items_store.has_audited(connection, run)
        pending, _ = await items_store.find_open(connection, run)
    if pending and not still_waits:
        backoff.forget("audits")
        return Step.WORKED
    patience = timedelta() if run.is_fast_lane else sending.settings.audit_patience
    if time.monotonic() - since > patience.total_seconds():
        async with unit_of_work(sending.pool) as connection:
            await check_lease(connection, sending.lease)
            families = await items_store.defer_pending(connection, run, AUDITING)
            await mark_families(connection, run.merchant_id, run.feed_id, [run.kind], families)
        return Step.WORKED
    return backoff.next_wait("audits", first=POLL_AFTER, longest=timedelta(seconds=15))


async def _sendable(sending: Sending, action: Action, limit: int) -> list[RunItem]:
    async with reading(sending.pool) as connection:
        return await items_store.list_sendable(connection, sending.run, action, limit=limit)


# -- deletions ---------------------------------------------------------------------------------


async def _send_deletions(sending: Sending) -> bool:
    items = await _sendable(sending, "delete", MAX_DELETIONS)
    if items:
        await _delete(sending, items)
    return bool(items)


async def _delete(sending: Sending, items: Sequence[RunItem]) -> None:
    async def do(fitting: Sequence[RunItem]) -> None:
        product_ids = [item.marketplace_product_id or "" for item in fitting]
        await delete_products(sending.client, sending.token, product_ids)

    result = await write(sending, "delete", items, do)
    if isinstance(result, Answered):
        outcomes = [Outcome(item_no=item.item_no, verdict="accepted") for item in result.items]
        await record_outcomes(sending, result.items, outcomes, call=(result.call_id, "done"))
    elif isinstance(result, RefusedCall) and len(result.items) > 1:
        await put_back(sending, result.items, call=(result.call_id, "withdrawn"))
        for item in result.items:
            await _delete(sending, [item])
    elif isinstance(result, RefusedCall):
        item = result.items[0]
        is_there = (
            await find_product(sending.client, sending.token, item.marketplace_product_id or "")
            is not None
        )
        outcome = (
            Outcome(item_no=item.item_no, verdict="rejected", refused=refused_call(result.fault))
            if is_there
            else Outcome(item_no=item.item_no, verdict="gone")
        )
        await record_outcomes(sending, result.items, [outcome], call=(result.call_id, "done"))


def refused_call(fault: CallerFault) -> Refused:
    """A call refused as a whole, as a refusal of each of its items."""
    return refusal(fault.code or fault.sub_code, fault.message)


# -- offers ------------------------------------------------------------------------------------


async def _send_offers(sending: Sending, action: Action) -> bool:
    """The next batch of an action; after its creation a product is audited first."""
    items = await _sendable(sending, action, MAX_PRODUCTS * 2)
    batch = next(offer_batches(items), [])
    if batch:
        await _send_batch(sending, action, batch)
    return bool(batch)


async def _send_batch(sending: Sending, action: Action, batch: Sequence[RunItem]) -> None:
    async def do(items: Sequence[RunItem]) -> BatchOutcome:
        if action == "stock":
            stock = [_stock_of(item) for item in items]
            return await update_stock(sending.client, sending.token, stock)
        prices = [_prices_of(item) for item in items]
        return await update_prices(sending.client, sending.token, prices)

    result = await write(sending, action, batch, do)
    if isinstance(result, Answered):
        refused = {f.product_id: refusal(f.code, f.message) for f in result.answer.failed}
        await _take_answer(sending, result, set(result.answer.succeeded), refused)
    elif isinstance(result, RefusedCall) and len(result.items) > 1:
        await put_back(sending, result.items, call=(result.call_id, "withdrawn"))
        for item in result.items:
            await _send_batch(sending, action, [item])
    elif isinstance(result, RefusedCall):
        product_id = result.items[0].marketplace_product_id or ""
        await _take_answer(sending, result, set(), {product_id: refused_call(result.fault)})


def _stock_of(item: RunItem) -> ProductStock:
    return ProductStock(
        item.marketplace_product_id or "",
        tuple(SkuStock(change.sku_code, change.after) for change in item.change.stock),
    )


def _prices_of(item: RunItem) -> ProductPrices:
    return ProductPrices(
        item.marketplace_product_id or "",
        tuple(
            SkuPrice(priced.sku_code, priced.after.price or "", priced.after.discount_price)
            for priced in item.change.prices
        ),
        country_prices(item.change.countries),
    )


async def _take_answer(
    sending: Sending,
    result: Answered[BatchOutcome] | RefusedCall,
    accepted: set[str],
    refused: dict[str, Refused],
) -> None:
    auditing = await refresh_audits(sending) if refused else set()
    outcomes, again, undecided = [], [], []
    for item in result.items:
        product_id = item.marketplace_product_id or ""
        if product_id in accepted:
            outcomes.append(Outcome(item_no=item.item_no, verdict="accepted"))
        elif product_id in auditing:
            again.append(item)
        elif product_id in refused:
            outcomes.append(await _refused_offer(sending, item, refused[product_id]))
        else:
            undecided.append(item)
    if again:
        await begin_audits(sending, [item.marketplace_product_id or "" for item in again])
        await put_back(sending, again, call=None)
    end: CallState = "unknown" if undecided else "done"
    await record_outcomes(sending, result.items, outcomes, call=(result.call_id, end))


async def _refused_offer(sending: Sending, item: RunItem, refused: Refused) -> Outcome:
    """A refusal may mean that the product is gone; only the shop itself knows."""
    if await find_product(sending.client, sending.token, item.marketplace_product_id or "") is None:
        return Outcome(item_no=item.item_no, verdict="gone")
    return Outcome(item_no=item.item_no, verdict="rejected", refused=refused)
