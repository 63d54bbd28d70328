"""Submits feed jobs: creations after looking their SKUs up, updates that keep the shop's own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import msgspec

from aliexpress.feeds import FeedItem, FeedType, submit_feed
from aliexpress.products import Product
from common import clock
from common.postgres.unit_of_work import reading, unit_of_work
from feed_publisher.candidates.candidate import Candidate, candidate_of
from feed_publisher.candidates.store import replace_candidates
from feed_publisher.listings.causes import refusal
from feed_publisher.listings.change import Action
from feed_publisher.listings.listing import Listing, Refused
from feed_publisher.listings.outcomes import Outcome, Sent
from feed_publisher.listings.store import load_listings
from feed_publisher.planning.batches import MAX_JOB_ITEMS
from feed_publisher.runs.items import store as items_store
from feed_publisher.runs.items.item import RunItem
from feed_publisher.sending.bodies import Body, carried_offers, creation_body, update_body
from feed_publisher.sending.calls import Answered, RefusedCall, write
from feed_publisher.sending.context import Sending
from feed_publisher.sending.look_up import begin_audits, find_foreign, read_products, skus_of
from feed_publisher.sending.record import keep_fitting, move_call, record_outcomes

MAX_ATTEMPTS = 3
"""How often an item is sent whose outcome could not be learnt, before the next run has it."""
CLOCK_SLACK = timedelta(minutes=10)


def content_id(run_id: str, item_no: int) -> str:
    """Our name for an item inside a job; no other item has it."""
    return f"{run_id}-{item_no}"


def item_no_of(run_id: str, name: str) -> int | None:
    """The item a job's result speaks of, None when it is none of that run's."""
    prefix, _, number = name.rpartition("-")
    is_ours = prefix == run_id and number.isascii() and number.isdigit()
    return int(number) if is_ours else None


# -- creations ---------------------------------------------------------------------------------


async def submit_creations(sending: Sending) -> bool:
    """Submit the next job of creations; whether anything was done.

    Every SKU is looked up first, before a repeated attempt too (M1.6): what a lost creation of
    ours made is taken over, what is there from elsewhere is named and left alone.
    """
    items = await _sendable(sending, "create")
    if not items:
        return False
    found = await look_up_creations(sending, items)
    batch = _Batch(items, outcomes=list(found.values()))
    for item in items:
        if item.item_no not in found and batch.may_send(item):
            batch.add(item, Sent(offers=item.change.offers), partial(creation_body, item.change))
    return await _submit(sending, "create", batch)


async def look_up_creations(sending: Sending, items: Sequence[RunItem]) -> dict[int, Outcome]:
    """What the shop already holds under the items' SKU codes, as outcomes; by item."""
    families = sorted({item.family_id for item in items})
    run = sending.run
    async with unit_of_work(sending.pool) as connection:
        listings = await load_listings(
            connection, run.merchant_id, run.feed_id, families, shop_id=run.shop_id
        )
    is_unsettled = any(listing.create_intent_at for listing in listings.values())
    codes = sorted({code for item in items for code in item.sku_codes})
    holders = await find_foreign(sending, codes, with_offline=is_unsettled)
    products = await read_products(
        sending.client, sending.token, {p for held in holders.values() for p in held}
    )
    outcomes = {}
    candidates: list[Candidate] = []
    for item in items:
        held = sorted({p for code in item.sku_codes for p in holders.get(code, ())})
        there = [product for p in held if (product := products[p]) is not None]
        if there:
            outcome = outcomes[item.item_no] = _found(item, there, listings[item.family_id])
            candidates += _candidates(item, there) if outcome.verdict == "rejected" else ()
    async with unit_of_work(sending.pool) as connection:
        await replace_candidates(connection, run.merchant_id, run.feed_id, families, candidates)
    return outcomes


def _candidates(item: RunItem, products: Sequence[Product]) -> list[Candidate]:
    """The products that the item's family could take over instead (M1.6)."""
    content, now = item.change.content, clock.now()
    if content is None:
        return []
    return [candidate_of(item.family_id, content, product, now) for product in products]


def _found(item: RunItem, products: Sequence[Product], listing: Listing) -> Outcome:
    ours = [product for product in products if _is_lost_creation(product, item, listing)]
    if ours:
        return Outcome(
            item_no=item.item_no,
            verdict="accepted",
            product_id=ours[0].product_id,
            found_skus=skus_of(ours[0]),
            is_other_content=item.attempts == 0,
        )
    ids = ", ".join(product.product_id for product in products)
    codes = sorted({*item.sku_codes}.intersection(*[skus_of(p) for p in products[:1]]))
    message = f"SKU {', '.join(codes)} is online in the shop as product {ids}"
    return Outcome(
        item_no=item.item_no,
        verdict="rejected",
        refused=Refused("already-online", message, is_transient=True),
    )


def _is_lost_creation(product: Product, item: RunItem, listing: Listing) -> bool:
    """The SKUs were not there before we tried: what appeared since is what we made."""
    begun = listing.create_intent_at
    if begun is None or not skus_of(product).keys() & set(item.sku_codes):
        return False
    return product.created_at is None or product.created_at >= begun - CLOCK_SLACK


# -- updates -----------------------------------------------------------------------------------


async def submit_updates(sending: Sending) -> bool:
    """Submit the next job of content updates; whether anything was done.

    A full update carries the whole product, so each is read first: price, stock and country prices
    go back as the shop has them, and the offer feed alone changes them.
    """
    items = await _sendable(sending, "update")
    if not items:
        return False
    products = await read_products(
        sending.client, sending.token, [i.marketplace_product_id or "" for i in items]
    )
    run = sending.run
    async with unit_of_work(sending.pool) as connection:
        listings = await load_listings(
            connection,
            run.merchant_id,
            run.feed_id,
            sorted({item.family_id for item in items}),
            shop_id=run.shop_id,
        )
    batch = _Batch(items)
    auditing: list[str] = []
    for item in items:
        product = products[item.marketplace_product_id or ""]
        if product is None:
            batch.outcomes.append(Outcome(item_no=item.item_no, verdict="gone"))
        elif product.status == "auditing":
            auditing.append(product.product_id)
        elif batch.may_send(item):
            base = listings[item.family_id].accepted.skus
            sent = Sent(offers=carried_offers(item.change, product), base=base)
            batch.add(item, sent, partial(update_body, item.change, product))
    await begin_audits(sending, auditing)
    return await _submit(sending, "update", batch)


# -- both --------------------------------------------------------------------------------------


def no_answer(item: RunItem) -> Outcome:
    """The outcome of an item that could not be learnt."""
    refused = Refused(
        "no-answer", f"{item.attempts} attempts were left without an answer", is_transient=True
    )
    return Outcome(item_no=item.item_no, verdict="rejected", refused=refused)


@dataclass
class _Batch:
    """Items on their way into a job: payloads of those that go, outcomes of those that do not."""

    items: Sequence[RunItem]
    outcomes: list[Outcome] = field(default_factory=list)
    payloads: dict[int, Body] = field(default_factory=dict)
    sent: dict[int, Sent] = field(default_factory=dict)

    def may_send(self, item: RunItem) -> bool:
        """Whether there are attempts left; if not, that is the item's outcome."""
        if item.attempts >= MAX_ATTEMPTS:
            self.outcomes.append(no_answer(item))
        return item.attempts < MAX_ATTEMPTS

    def add(self, item: RunItem, sent: Sent, build: Callable[[], Body]) -> None:
        """Take the item along; a payload that cannot be written is its outcome."""
        try:
            self.payloads[item.item_no] = build()
        except (ValueError, ArithmeticError, KeyError) as error:
            refused = Refused("payload-invalid", f"{type(error).__name__}: {error}")
            self.outcomes.append(Outcome(item_no=item.item_no, verdict="rejected", refused=refused))
        else:
            self.sent[item.item_no] = sent


async def _sendable(sending: Sending, action: Action) -> list[RunItem]:
    """The next items that fit: before the shop is read for those that do not."""
    while True:
        async with reading(sending.pool) as connection:
            items = await items_store.list_sendable(
                connection, sending.run, action, limit=MAX_JOB_ITEMS
            )
        fitting = await keep_fitting(sending, items) if items else []
        if fitting or not items:
            return fitting


_FEED_TYPES: Mapping[Action, FeedType] = {
    "create": "PRODUCT_CREATE",
    "update": "PRODUCT_FULL_UPDATE",
}


async def _submit(sending: Sending, action: Action, batch: _Batch) -> bool:
    if batch.outcomes:
        await record_outcomes(sending, batch.items, batch.outcomes, call=None)
    ready = [item for item in batch.items if item.item_no in batch.payloads]
    if not ready:
        return bool(batch.outcomes)

    async def do(fitting: Sequence[RunItem]) -> str:
        feed_items = [
            FeedItem(content_id(sending.run.run_id, item.item_no), batch.payloads[item.item_no])
            for item in fitting
        ]
        return await submit_feed(sending.client, sending.token, _FEED_TYPES[action], feed_items)

    result = await write(sending, action, ready, do, sent=batch.sent)
    if isinstance(result, Answered):
        await move_call(sending, result.call_id, "following", job_id=result.answer)
        return True
    if isinstance(result, RefusedCall):
        fault = refusal(result.fault.code or result.fault.sub_code, result.fault.message)
        refused = msgspec.structs.replace(fault, is_transient=True)  # the job, not the product
        await record_outcomes(
            sending,
            result.items,
            [Outcome(item_no=i.item_no, verdict="rejected", refused=refused) for i in result.items],
            call=(result.call_id, "done"),
        )
        return True
    return result.was_lost or bool(batch.outcomes)
