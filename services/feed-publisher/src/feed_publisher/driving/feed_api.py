"""REST: feeds with their schedules and their fast lane."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from common import clock
from common.postgres.audit import record
from common.postgres.pool import Connection, Pool
from common.postgres.schedules import Schedule, list_schedules, pause_schedule
from common.postgres.unit_of_work import reading, unit_of_work
from common.web.pagination import Keyset, Limit, Page
from common.web.problem import PROBLEM_RESPONSES
from feed_publisher.access import STORABLE, FeedId, Reader, Runner, Writer
from feed_publisher.desired.consumer import OFFER_SCHEDULE, PRODUCT_SCHEDULE
from feed_publisher.desired.feeds.store import list_feeds, load_feed, set_fast_lane
from feed_publisher.desired.states import Feed, Kind
from feed_publisher.desired.store import find_shop
from feed_publisher.driving.store import count_feed
from feed_publisher.fast_lane.share import LaneShare
from feed_publisher.fast_lane.why_off import why_off


class FeedPlace(NamedTuple):
    """A feed's place in the list of feeds."""

    feed_id: str


AfterFeed = Annotated[FeedPlace | None, Depends(Keyset(FeedPlace))]


class ScheduleView(BaseModel):
    """When a kind of run is due next, and whether it is paused."""

    kind: Kind
    next_due_at: datetime
    is_paused: bool
    pause_reason: str | None


class FastLaneView(BaseModel):
    """Whether changes of prices and stock go out at once, between the offer runs."""

    is_on: bool
    why_off: str | None
    is_chosen: bool | None = Field(description="What the feed asks for; null: as the setting says.")


class FastLaneRequest(BaseModel):
    """Whether the feed uses the fast lane; null: as the setting says."""

    model_config = ConfigDict(extra="forbid")

    is_on: StrictBool | None


class FeedView(BaseModel):
    """A feed: its schedules and how many of its products are where."""

    feed_id: str
    shop_id: str
    catalogue_id: str
    main_locale: str
    configuration_version: int
    lifecycle: str
    is_first_run_confirmed: bool
    waits_for_shop: str | None = Field(description="Why AliExpress may not be called now.")
    schedules: list[ScheduleView]
    fast_lane: FastLaneView
    counts: dict[str, int]


class PauseRequest(BaseModel):
    """Why the feed's schedules stop."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=500, pattern=STORABLE)]


@dataclass(frozen=True)
class FeedViews:
    """Makes the views, by the fast lane's share of the limits and whether feeds use it anyhow."""

    share: LaneShare
    lane_is_default: bool

    async def view(self, connection: Connection, feed: Feed) -> FeedView:
        """The feed, with its schedules and counts."""
        schedules = await list_schedules(connection, feed.merchant_id, subject=feed.feed_id)
        waits_for_shop = await why_waiting(connection, feed.merchant_id, feed.shop_id)
        off = why_off(
            feed,
            is_default=self.lane_is_default,
            waits_for_shop=waits_for_shop,
            is_paused=any(s.kind == OFFER_SCHEDULE and s.is_paused for s in schedules),
            is_used_up=await self.share.is_used_up(),
        )
        return FeedView(
            feed_id=feed.feed_id,
            shop_id=feed.shop_id,
            catalogue_id=feed.catalogue_id,
            main_locale=feed.main_locale,
            configuration_version=feed.configuration_version,
            lifecycle=feed.lifecycle,
            is_first_run_confirmed=feed.confirmed_at is not None,
            waits_for_shop=waits_for_shop,
            schedules=[_schedule_view(schedule) for schedule in schedules],
            fast_lane=FastLaneView(is_on=off is None, why_off=off, is_chosen=feed.uses_fast_lane),
            counts=await count_feed(connection, feed.merchant_id, feed.feed_id),
        )


def feed_router(pool: Pool, share: LaneShare, *, lane_is_default: bool) -> APIRouter:
    """The routes; `lane_is_default`: feeds use the fast lane unless they say otherwise."""
    views = FeedViews(share, lane_is_default)
    router = APIRouter(
        prefix="/v1/merchants/{merchant_id}", tags=["runs"], responses=PROBLEM_RESPONSES
    )

    @router.get("/feeds")
    async def get_feeds(
        merchant_id: Reader, after: AfterFeed = None, limit: Limit = 50
    ) -> Page[FeedView]:
        """The merchant's feeds."""
        async with reading(pool) as connection:
            feeds = await list_feeds(
                connection, merchant_id, after=after.feed_id if after else "", limit=limit + 1
            )
            page = Page.of(feeds, limit, lambda feed: FeedPlace(feed.feed_id))
            return page.with_items([await views.view(connection, feed) for feed in page.items])

    @router.get("/feeds/{feed_id}")
    async def get_feed(merchant_id: Reader, feed_id: FeedId) -> FeedView:
        """One feed."""
        async with reading(pool) as connection:
            return await views.view(connection, await load_feed(connection, merchant_id, feed_id))

    @router.post("/feeds/{feed_id}/pause")
    async def pause_feed(merchant_id: Runner, feed_id: FeedId, request: PauseRequest) -> FeedView:
        """Stop the feed's schedules; runs in progress go on."""
        return await _set_pause(pool, views, merchant_id, feed_id, request.reason)

    @router.post("/feeds/{feed_id}/resume")
    async def resume_feed(merchant_id: Runner, feed_id: FeedId) -> FeedView:
        """Let the feed's schedules go on; a run that was missed is caught up once."""
        return await _set_pause(pool, views, merchant_id, feed_id, None)

    @router.put("/feeds/{feed_id}/fast-lane")
    async def put_fast_lane(
        merchant_id: Writer, feed_id: FeedId, request: FastLaneRequest
    ) -> FeedView:
        """Switch the feed's fast lane on or off; a run of it in progress goes on."""
        async with unit_of_work(pool) as connection:
            await load_feed(connection, merchant_id, feed_id)
            await set_fast_lane(connection, merchant_id, feed_id, is_used=request.is_on)
            await record(connection, "feed.fast-lane-set", feed_id, {"is_on": request.is_on})
            return await views.view(connection, await load_feed(connection, merchant_id, feed_id))

    return router


async def _set_pause(
    pool: Pool, views: FeedViews, merchant_id: str, feed_id: str, reason: str | None
) -> FeedView:
    async with unit_of_work(pool) as connection:
        feed = await load_feed(connection, merchant_id, feed_id)
        for kind in (PRODUCT_SCHEDULE, OFFER_SCHEDULE):
            await pause_schedule(connection, kind, merchant_id, feed_id, reason=reason)
        await record(connection, "feed.resumed" if reason is None else "feed.paused", feed_id)
        return await views.view(connection, feed)


def _schedule_view(schedule: Schedule) -> ScheduleView:
    return ScheduleView(
        kind="product" if schedule.kind == PRODUCT_SCHEDULE else "offer",
        next_due_at=schedule.next_due_at,
        is_paused=schedule.is_paused,
        pause_reason=schedule.pause_reason,
    )


async def why_waiting(connection: Connection, merchant_id: str, shop_id: str) -> str | None:
    """Why AliExpress may not be called for the shop now, or None when it may."""
    shop = await find_shop(connection, merchant_id, shop_id)
    if shop is None:
        return "the shop is not known yet"
    return shop.why_unusable(clock.now())
