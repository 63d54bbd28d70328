"""REST: one SKU of a feed with all that led to it, and the request body of a product (M6.1)."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from aliexpress.errors import MarketplaceFailure
from aliexpress.payload import product_payload
from aliexpress.products import Product
from common import clock
from common.errors import NotFound, Outage, Refusal
from common.nearest import MOST_COMPARED, nearest_names, nearest_remedy
from common.postgres.pool import Connection, Pool
from common.postgres.schedules import Schedule, list_schedules
from common.postgres.unit_of_work import reading
from common.web.routing import new_router
from feed_publisher.access import STORABLE, FamilyId, FeedId, Reader, SkuCode
from feed_publisher.candidates.store import list_candidates
from feed_publisher.candidates.views import CandidateView, candidate_view
from feed_publisher.desired.feeds.rhythm import PRODUCT_SCHEDULE
from feed_publisher.desired.feeds.store import load_feed
from feed_publisher.desired.states import Feed, Kind
from feed_publisher.desired.store import find_shop
from feed_publisher.explaining.body_changes import BodyChange, find_body_changes, shown_body
from feed_publisher.explaining.family_state import FamilyState, load_family_state
from feed_publisher.explaining.forecast import forecast_run
from feed_publisher.explaining.store import (
    find_accepted_change,
    find_claim,
    find_last_outcome,
    find_last_read,
    find_open_item,
    list_codes_beside,
)
from feed_publisher.explaining.views import (
    FeedSkuView,
    accepted_view,
    desired_view,
    holder_view,
    item_view,
    last_read_view,
    live_view,
    step_view,
)
from feed_publisher.listings.listing import AcceptedSku, Listing
from feed_publisher.reports.views import CauseView, cause_view
from feed_publisher.sending.bodies import Body
from feed_publisher.sending.shop_reader import ShopReader

MOST_CANDIDATES = 20
OPERATIONS = {"create": "PRODUCT_CREATE", "update": "PRODUCT_FULL_UPDATE"}


class StepView(BaseModel):
    """What the next run of a kind would do about the product, or why nothing."""

    kind: Kind
    verdict: str
    actions: list[str]
    causes: list[CauseView]


class ChangedField(BaseModel):
    """A field of the body: as AliExpress accepted it, and as it would be sent."""

    path: list[str | int]
    before: Any = None
    after: Any = None


class FamilyBodyView(BaseModel):
    """What the next runs would do about one product.

    `body` is the request body of its creation or update, exactly as it would be sent now; null
    where the product run would send neither, or where the shop could not be read.
    """

    family_id: str
    marketplace_product_id: str | None
    steps: list[StepView]
    operation: str | None
    body: dict[str, Any] | None
    changes: list[ChangedField] | None = Field(
        description="Against what was last accepted; null where that is not known."
    )
    candidates: list[CandidateView] = Field(
        description="Products that were online before us and could be adopted instead (M1.6)."
    )
    live_problem: str | None = Field(description="Why the shop could not be read just now.")


class ForecastView(BaseModel):
    """What the next run of a kind would do with the feed, in products. Nothing is planned: the
    guard, and what AliExpress has already, are seen by a dry run."""

    kind: Kind
    actions: dict[str, int] = Field(description="By create, update, delete, price, stock.")
    refused: int = Field(description="By a rule, or before and not changed since.")
    waiting: int = Field(description="For a value that is valid.")
    unchanged: int = Field(description="Wanted products that need nothing.")
    is_partial: bool = Field(description="Whether only the first 50,000 changed ones are counted.")


def explaining_router(pool: Pool, shop: ShopReader) -> APIRouter:
    """The routes."""
    router = new_router(tags=["products"])
    feeds = "/v1/merchants/{merchant_id}/feeds/{feed_id}"

    @router.get(feeds + "/skus/{sku_code:path}")
    async def get_feed_sku(
        merchant_id: Reader,
        feed_id: FeedId,
        sku_code: SkuCode,
        family_id: Annotated[
            str | None,
            Query(
                pattern=STORABLE,
                description="The SKU's product, where it is known; else that which holds the code.",
            ),
        ] = None,
        live: Annotated[bool, Query(description="Read the shop for what it shows now.")] = False,
    ) -> FeedSkuView:
        """Why a SKU is as it is: desired, accepted, open item, last outcome, what is shown."""
        async with reading(pool) as connection:
            feed = await load_feed(connection, merchant_id, feed_id)
            view, state = await _load_sku(connection, feed, sku_code, family_id)
        if live:
            product, problem = await _read(shop, feed, state.listing)
            view.live_problem = problem
            if product is not None:
                view.shown = live_view(product, sku_code, state.listing.accepted.main_locale)
        return view

    @router.get(feeds + "/bodies/{family_id:path}")
    async def get_family_body(
        merchant_id: Reader, feed_id: FeedId, family_id: FamilyId
    ) -> FamilyBodyView:
        """The request body of a product's creation or update as it would be sent now; for an update
        the product is read, whose prices and stock go back as the shop has them."""
        async with reading(pool) as connection:
            feed = await load_feed(connection, merchant_id, feed_id)
            state = await load_family_state(connection, feed, family_id)
            accepted = await _load_accepted_body(connection, feed, state.listing)
            candidates = await _candidates(connection, feed, family_id)
        if state.desired is None:
            raise NotFound("product")
        product, problem = None, None
        if state.content_item is not None and state.content_item.action == "update":
            product, problem = await _read(shop, feed, state.listing)
        body = state.content_body(product)
        return _body_view(state, body, accepted, candidates=candidates, problem=problem)

    @router.get(feeds + "/forecast")
    async def get_forecast(
        merchant_id: Reader, feed_id: FeedId, kind: Kind = "product"
    ) -> ForecastView:
        """How many products the next run would create, update, delete, leave as they are (M6.1)."""
        async with reading(pool) as connection:
            feed = await load_feed(connection, merchant_id, feed_id)
        found = await forecast_run(pool, feed, kind)
        return ForecastView(
            kind=found.kind,
            actions=dict(sorted(found.actions.items())),
            refused=found.refused,
            waiting=found.waiting,
            unchanged=found.unchanged,
            is_partial=found.is_partial,
        )

    return router


async def _load_sku(
    connection: Connection, feed: Feed, sku_code: str, family_id: str | None
) -> tuple[FeedSkuView, FamilyState]:
    merchant_id = feed.merchant_id
    claim = await find_claim(connection, merchant_id, feed.shop_id, sku_code)
    if family_id is None and claim is not None and claim.feed_id == feed.feed_id:
        family_id = claim.family_id
    if family_id is None:
        raise await _unknown(connection, feed, sku_code)
    state = await load_family_state(connection, feed, family_id)
    key = (merchant_id, feed.feed_id, family_id)
    shop = await find_shop(connection, merchant_id, feed.shop_id)
    schedules = await list_schedules(connection, merchant_id, subject=feed.feed_id)
    view = FeedSkuView(
        sku_code=sku_code,
        feed_id=feed.feed_id,
        shop_id=feed.shop_id,
        family_id=family_id,
        waits_for_shop="the shop is not known yet"
        if shop is None
        else shop.why_unusable(clock.now()),
        is_first_run_confirmed=feed.confirmed_at is not None,
        holder=holder_view(claim),
        desired=desired_view(state.desired, sku_code),
        accepted=accepted_view(state.listing, state.desired, sku_code),
        next_steps=[
            step_view(step, _schedule_of(kind, schedules), sku_code)
            for kind, step in state.steps.items()
        ],
        open_item=item_view(await find_open_item(connection, *key, sku_code)),
        last_outcome=item_view(await find_last_outcome(connection, *key, sku_code)),
        shown=last_read_view(state.listing, await find_last_read(connection, *key), sku_code),
        candidates=await _candidates(connection, feed, family_id),
        live_problem=None,
    )
    if view.desired is None and not state.listing.is_online and view.last_outcome is None:
        raise await _unknown(connection, feed, sku_code)
    return view, state


async def _candidates(connection: Connection, feed: Feed, family_id: str) -> list[CandidateView]:
    found = await list_candidates(
        connection, feed.merchant_id, feed.feed_id, family_id=family_id, limit=MOST_CANDIDATES
    )
    return [candidate_view(candidate) for candidate in found]


async def _unknown(connection: Connection, feed: Feed, sku_code: str) -> NotFound:
    beside = await list_codes_beside(
        connection, feed.merchant_id, feed.shop_id, sku_code, limit=MOST_COMPARED
    )
    return NotFound("SKU", remedy=nearest_remedy(nearest_names(sku_code, beside)))


def _schedule_of(kind: Kind, schedules: list[Schedule]) -> Schedule | None:
    is_product = kind == "product"
    found = (one for one in schedules if (one.kind == PRODUCT_SCHEDULE) == is_product)
    return next(found, None)


async def _read(
    shop: ShopReader, feed: Feed, listing: Listing
) -> tuple[Product | None, str | None]:
    """The product as it stands, or why it could not be read."""
    if listing.marketplace_product_id is None:
        return None, None
    try:
        product = await shop.find(feed.merchant_id, feed.shop_id, listing.marketplace_product_id)
    except Refusal as refusal:
        return None, f"{refusal.title}. {refusal.remedy}"
    except (MarketplaceFailure, Outage) as failure:
        return None, f"{failure}"
    return product, None if product is not None else "AliExpress has no product of that id"


async def _load_accepted_body(connection: Connection, feed: Feed, listing: Listing) -> Body | None:
    """The body of what was last accepted, where it is known: not of products that were adopted."""
    accepted = listing.accepted
    if not listing.is_online or accepted.content_hash is None:
        return None
    change = await find_accepted_change(
        connection, feed.merchant_id, feed.feed_id, listing.family_id, accepted.content_hash
    )
    if change is None or change.content is None:
        return None
    codes = [sku.sku_code for sku in change.content.skus]
    offers = {code: accepted.skus.get(code, AcceptedSku()) for code in codes}
    return product_payload(change.content, offers)


def _body_view(
    state: FamilyState,
    body: Body | None,
    accepted: Body | None,
    *,
    candidates: list[CandidateView],
    problem: str | None,
) -> FamilyBodyView:
    item = state.content_item
    changes = None
    if body is not None and accepted is not None:
        sent = {name: value for name, value in body.items() if name != "aliexpress_product_id"}
        changes = [_changed(change) for change in find_body_changes(accepted, sent)]
    return FamilyBodyView(
        family_id=state.listing.family_id,
        marketplace_product_id=state.listing.marketplace_product_id,
        steps=[
            StepView(
                kind=kind,
                verdict=step.verdict,
                actions=[planned.action for planned in step.items],
                causes=[cause_view(cause) for cause in step.causes],
            )
            for kind, step in state.steps.items()
        ],
        operation=None if item is None else OPERATIONS[item.action],
        body=None if body is None else shown_body(body),
        changes=changes,
        candidates=candidates,
        live_problem=problem,
    )


def _changed(change: BodyChange) -> ChangedField:
    return ChangedField(path=list(change.path), before=change.before, after=change.after)
