"""How a SKU's way is shown: what is desired, accepted, open, sent, and what the shop has."""

from datetime import datetime
from typing import Any

import msgspec
from pydantic import BaseModel, Field

from aliexpress.payload import desired_stock
from aliexpress.products import Product
from common import clock
from common.contracts.product import ProductNormalized
from common.postgres.schedules import Schedule
from feed_publisher.candidates.views import CandidateView
from feed_publisher.desired.desired_state import desired_skus
from feed_publisher.desired.states import Kind
from feed_publisher.explaining.store import Claim, LastRead, SkuItem
from feed_publisher.listings.causes import explain
from feed_publisher.listings.change import Change, main_title
from feed_publisher.listings.listing import Listing, Refused
from feed_publisher.planning.next_step import NextStep
from feed_publisher.reports.views import CauseView, DriftView, Offer, cause_view, drift_view
from feed_publisher.runs.items.planned import Planned
from feed_publisher.sending.look_up import skus_of

Side = dict[str, Any]


class HolderView(BaseModel):
    """Who holds the SKU code in the shop (M1.7)."""

    feed_id: str
    family_id: str
    claimed_at: datetime


class DesiredSkuView(BaseModel):
    """What should be there, as catalog-service last said it."""

    revision: int
    configuration_version: int
    presence: str = Field(description="`absent` also where the product stays without this SKU.")
    absent_reason: str | None
    content_is_valid: bool
    title: str | None
    price: str | None = Field(description="Null where it cannot be sent.")
    discount_price: str | None
    inventory: int | None = Field(description="Null where it is invalid or not managed.")


class AcceptedSkuView(BaseModel):
    """What AliExpress last accepted; `offer` is null where it has no such SKU."""

    status: str
    marketplace_product_id: str | None
    configuration_version: int = Field(description="That the content stems from; 0: not known.")
    is_content_desired: bool = Field(description="Whether just the desired content was accepted.")
    offer: Offer | None
    is_price_unsure: bool
    is_stock_unsure: bool
    written_at: datetime | None


class PlannedAction(BaseModel):
    """One thing a run would do about the SKU."""

    action: str
    before: Side | None
    after: Side | None


class NextStepView(BaseModel):
    """What the next run of a kind would do about the SKU, or why nothing.

    `verdict`: planned, refused (by a rule, or before and not changed since), waits (for a valid
    value), unchanged (nothing differs), not-online.
    """

    kind: Kind
    verdict: str
    actions: list[PlannedAction]
    causes: list[CauseView]
    next_due_at: datetime | None
    is_paused: bool
    pause_reason: str | None


class CallView(BaseModel):
    """A writing call; `ended_at` is null while its outcome is not known."""

    call_id: str
    operation: str
    state: str
    job_id: str | None
    called_at: datetime
    ended_at: datetime | None


class SkuItemView(BaseModel):
    """An item of a run that concerns the SKU; `call` is null where none was made of it."""

    run_id: str
    kind: str
    item_no: int
    action: str
    status: str
    desired_revision: int
    attempts: int
    decided_at: datetime | None
    cause: CauseView | None
    call: CallView | None


class ShownView(BaseModel):
    """The SKU as AliExpress shows it: read just now, or as last read or accepted, with its age.

    `offer` is null where the product has no such SKU.
    """

    is_live: bool
    as_of: datetime | None
    age_seconds: int | None
    status: str | None
    title: str | None
    offer: Offer | None
    differences: list[DriftView]


class FeedSkuView(BaseModel):
    """All that is known of one SKU of a feed, for saying why it is as it is."""

    sku_code: str
    feed_id: str
    shop_id: str
    family_id: str
    waits_for_shop: str | None = Field(description="Why AliExpress may not be called now.")
    is_first_run_confirmed: bool
    holder: HolderView | None
    desired: DesiredSkuView | None
    accepted: AcceptedSkuView
    next_steps: list[NextStepView]
    open_item: SkuItemView | None
    last_outcome: SkuItemView | None
    shown: ShownView | None
    candidates: list[CandidateView] = Field(
        description="Products that were online before us and could be adopted instead (M1.6)."
    )
    live_problem: str | None = Field(description="Why the shop could not be read just now.")


def holder_view(claim: Claim | None) -> HolderView | None:
    """The holder as shown."""
    if claim is None:
        return None
    return HolderView(feed_id=claim.feed_id, family_id=claim.family_id, claimed_at=claim.claimed_at)


def desired_view(desired: ProductNormalized | None, sku_code: str) -> DesiredSkuView | None:
    """What is desired of the SKU."""
    if desired is None:
        return None
    offer = next((o for o in desired.offers or () if o.sku_code == sku_code), None)
    return DesiredSkuView(
        revision=desired.revision,
        configuration_version=desired.configuration_version,
        presence="present" if sku_code in desired_skus(desired) else "absent",
        absent_reason=desired.absent_reason,
        content_is_valid=desired.content is not None,
        title=main_title(desired.content),
        price=offer.price if offer else None,
        discount_price=offer.discount_price if offer else None,
        inventory=desired_stock(desired).get(sku_code),
    )


def accepted_view(
    listing: Listing, desired: ProductNormalized | None, sku_code: str
) -> AcceptedSkuView:
    """What was accepted of the SKU."""
    accepted, offer = listing.accepted, listing.accepted.skus.get(sku_code)
    part = desired.content_part if desired else None
    return AcceptedSkuView(
        status=listing.status,
        marketplace_product_id=listing.marketplace_product_id,
        configuration_version=accepted.configuration_version,
        is_content_desired=part is not None and part.hash == accepted.content_hash,
        offer=None if offer is None else _offer(offer.price, offer.discount_price, offer.inventory),
        is_price_unsure=offer is not None and offer.is_price_unsure,
        is_stock_unsure=offer is not None and offer.is_stock_unsure,
        written_at=listing.written_at,
    )


def step_view(step: NextStep, schedule: Schedule | None, sku_code: str) -> NextStepView:
    """What the next run would do about the SKU."""
    found = step.of_sku(sku_code)
    return NextStepView(
        kind=found.kind,
        verdict=found.verdict,
        actions=[_action(item, sku_code) for item in found.items],
        causes=[cause_view(cause) for cause in found.causes],
        next_due_at=schedule.next_due_at if schedule else None,
        is_paused=schedule.is_paused if schedule else False,
        pause_reason=schedule.pause_reason if schedule else None,
    )


def item_view(item: SkuItem | None) -> SkuItemView | None:
    """An item as shown."""
    if item is None:
        return None
    cause = explain(Refused(item.code, item.message or "")) if item.code else None
    return SkuItemView(
        run_id=item.run_id,
        kind=item.kind,
        item_no=item.item_no,
        action=item.action,
        status=item.status,
        desired_revision=item.desired_revision,
        attempts=item.attempts,
        decided_at=item.decided_at,
        cause=None if cause is None else cause_view(cause),
        call=_call(item),
    )


def _call(item: SkuItem) -> CallView | None:
    if item.call_id is None or item.intended_at is None:
        return None
    return CallView(
        call_id=item.call_id,
        operation=item.operation or item.action,
        state=item.call_state or "",
        job_id=item.marketplace_job_id,
        called_at=item.submitted_at or item.intended_at,
        ended_at=item.ended_at,
    )


def live_view(product: Product, sku_code: str, locale: str | None) -> ShownView:
    """The SKU as the shop has it just now."""
    now = clock.now()
    sku = skus_of(product).get(sku_code)
    return ShownView(
        is_live=True,
        as_of=now,
        age_seconds=0,
        status=product.status,
        title=product.titles.get(locale or "") or next(iter(product.titles.values()), None),
        offer=None if sku is None else _offer(sku.price, sku.discount_price, sku.inventory),
        differences=[],
    )


def last_read_view(listing: Listing, last: LastRead, sku_code: str) -> ShownView | None:
    """The SKU as last read; as last accepted where nothing was read since. None where it is not
    online."""
    if not listing.is_online:
        return None
    moments = [at for at in (last.read_at, last.written_at) if at is not None]
    as_of = max(moments, default=None)
    own = [d for d in last.differences if d.sku_code in {"", sku_code}]
    found = {d.what: d.found for d in own}
    known = listing.accepted.skus.get(sku_code)
    offer = (
        None
        if known is None or found.get("sku") == "gone"
        else _offer(
            found.get("price", known.price),
            _text(found.get("discount_price", known.discount_price)),
            _number(found.get("inventory"), known.inventory),
        )
    )
    return ShownView(
        is_live=False,
        as_of=as_of,
        age_seconds=None if as_of is None else int((clock.now() - as_of).total_seconds()),
        status=found.get("status", found.get("product", listing.status)),
        title=found.get("title", listing.accepted.title),
        offer=offer,
        differences=[drift_view(difference) for difference in own],
    )


def _offer(price: str | None, discount: str | None, inventory: int | None) -> Offer:
    return {"price": price, "discount_price": discount, "inventory": inventory}


def _text(value: str | None) -> str | None:
    return None if value == "none" else value  # as `differences` write what is not there


def _number(found: str | None, known: int | None) -> int | None:
    return int(found) if found is not None and found.isdigit() else known


def _action(item: Planned, sku_code: str) -> PlannedAction:
    before, after = sides_of(item.change, sku_code)
    return PlannedAction(action=item.action, before=before, after=after)


def sides_of(change: Change, sku_code: str) -> tuple[Side | None, Side | None]:
    """What a change makes of one SKU: before and after."""
    for price in change.prices:
        if price.sku_code == sku_code:
            return _prices(price.before), _prices(price.after)
    for stock in change.stock:
        if stock.sku_code == sku_code:
            return {"inventory": stock.before}, {"inventory": stock.after}
    offer = change.offers.get(sku_code)
    if offer is None:
        return None, None
    after = _offer(offer.price, offer.discount_price, offer.inventory)
    return None, {"title": main_title(change.content), **after}


def _prices(sku: Any) -> Side:
    return {
        "price": sku.price,
        "discount_price": sku.discount_price,
        "country_prices": msgspec.to_builtins(sku.country_prices),
    }
