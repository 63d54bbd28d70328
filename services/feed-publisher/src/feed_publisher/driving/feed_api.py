"""REST: feeds with their schedules, their guard and their fast lane."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, WithJsonSchema

from common import clock
from common.postgres.audit import record
from common.postgres.pool import Connection, Pool
from common.postgres.schedules import (
    Daily,
    Every,
    Schedule,
    list_schedules,
    next_due,
    pause_schedule,
    set_schedule,
)
from common.postgres.unit_of_work import reading, unit_of_work
from common.time_zones import require_time_zone
from common.web.pagination import Keyset, Limit, Page
from common.web.routing import new_router
from feed_publisher.access import STORABLE, FeedId, Reader, Runner, Writer
from feed_publisher.desired.feeds.rhythm import OFFER_SCHEDULE, PRODUCT_SCHEDULE, UsualRhythm
from feed_publisher.desired.feeds.store import (
    list_feeds,
    load_feed,
    set_fast_lane,
    set_guard_share,
    set_rhythm,
)
from feed_publisher.desired.states import Feed, Kind
from feed_publisher.desired.store import find_shop
from feed_publisher.driving.store import count_feed
from feed_publisher.fast_lane.share import LaneShare
from feed_publisher.fast_lane.why_off import why_off
from feed_publisher.planning.guards import shares_of, usual_shares
from feed_publisher.runs.items.extent import Guard
from feed_publisher.settings import PublisherSettings


class FeedPlace(NamedTuple):
    """A feed's place in the list of feeds."""

    feed_id: str


AfterFeed = Annotated[FeedPlace | None, Depends(Keyset(FeedPlace))]


_WALL_TIME = r"^([01]\d|2[0-3]):[0-5]\d$"


def _wall_time(text: str) -> str:
    if re.fullmatch(_WALL_TIME, text) is None:
        raise ValueError("it is no time of the day as 22:30; its time zone stands beside it")
    return text


WallTime = Annotated[
    str,
    AfterValidator(_wall_time),
    WithJsonSchema({"type": "string", "pattern": _WALL_TIME, "examples": ["22:30"]}),
]


class ScheduleView(BaseModel):
    """When a kind of run is due next, and whether it is paused.

    A product run is due each day at `daily_at` in `zone`, an offer run every `every_minutes`.
    """

    kind: Kind
    next_due_at: datetime
    daily_at: WallTime | None
    zone: str | None
    every_minutes: int | None
    is_chosen: bool = Field(description="Whether the feed chose it; else it is the setting's.")
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


class DailyRun(BaseModel):
    """A time of the day, by the wall clock of a time zone."""

    model_config = ConfigDict(extra="forbid")

    at: WallTime
    zone: Annotated[str, Field(max_length=100), AfterValidator(require_time_zone)] = "UTC"


class ScheduleRequest(BaseModel):
    """When runs of a feed are due; null: as the setting says (M7.1)."""

    model_config = ConfigDict(extra="forbid")

    product: DailyRun | None
    offer_every_minutes: Annotated[int, Field(ge=10, le=60)] | None


class GuardView(BaseModel):
    """What a run may do within 24 hours without a confirmation (M7.4)."""

    removal_share: Decimal = Field(description="Of products and SKUs: deleted or set to stock 0.")
    configuration_share: Decimal = Field(description="Of products: changed by a configuration.")
    is_chosen: bool


class GuardRequest(BaseModel):
    """The share of the feed's products, above 0 and up to 1; null: as the settings say."""

    model_config = ConfigDict(extra="forbid")

    share: Annotated[Decimal, Field(gt=0, le=1, max_digits=5, decimal_places=4)] | None


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
    guard: GuardView
    fast_lane: FastLaneView
    counts: dict[str, int]


class PauseRequest(BaseModel):
    """Why the feed's schedules stop."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=500, pattern=STORABLE)]


@dataclass(frozen=True)
class FeedViews:
    """Makes the views, by the fast lane's share of the limits and what holds for feeds that chose
    nothing of their own."""

    share: LaneShare
    lane_is_default: bool
    shares: Mapping[Guard, Decimal]

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
            schedules=[_schedule_view(feed, schedule) for schedule in schedules],
            guard=_guard_view(feed, shares_of(feed, self.shares)),
            fast_lane=FastLaneView(is_on=off is None, why_off=off, is_chosen=feed.uses_fast_lane),
            counts=await count_feed(connection, feed.merchant_id, feed.feed_id),
        )


def feed_router(pool: Pool, share: LaneShare, settings: PublisherSettings) -> APIRouter:
    """The routes."""
    usual = UsualRhythm.of(settings)
    views = FeedViews(share, settings.fast_lane, usual_shares(settings))
    router = new_router(prefix="/v1/merchants/{merchant_id}", tags=["runs"])

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

    @router.put("/feeds/{feed_id}/schedule")
    async def put_schedule(
        merchant_id: Writer, feed_id: FeedId, request: ScheduleRequest
    ) -> FeedView:
        """Say when the feed's runs are due. The next one is due no later than it was."""
        daily = request.product
        async with unit_of_work(pool) as connection:
            await load_feed(connection, merchant_id, feed_id)
            await set_rhythm(
                connection,
                merchant_id,
                feed_id,
                product=None if daily is None else Daily(time.fromisoformat(daily.at), daily.zone),
                offer_minutes=request.offer_every_minutes,
            )
            feed = await load_feed(connection, merchant_id, feed_id)
            await _keep_rhythm(connection, feed, usual)
            await record(connection, "feed.schedule-set", feed_id, request.model_dump(mode="json"))
            return await views.view(connection, feed)

    @router.put("/feeds/{feed_id}/guard")
    async def put_guard(merchant_id: Writer, feed_id: FeedId, request: GuardRequest) -> FeedView:
        """Say how much the feed's runs may take away, or change, without a confirmation."""
        async with unit_of_work(pool) as connection:
            await load_feed(connection, merchant_id, feed_id)
            await set_guard_share(connection, merchant_id, feed_id, request.share)
            await record(connection, "feed.guard-set", feed_id, request.model_dump(mode="json"))
            return await views.view(connection, await load_feed(connection, merchant_id, feed_id))

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


async def _keep_rhythm(connection: Connection, feed: Feed, usual: UsualRhythm) -> None:
    """Give the feed's schedules its rhythms. What was due before is not put off: a feed whose time
    of the day moves would miss a day."""
    rhythms = usual.rhythms(feed)
    for schedule in await list_schedules(connection, feed.merchant_id, subject=feed.feed_id):
        if (rhythm := rhythms.get(schedule.kind)) is not None:
            due = min(schedule.next_due_at, next_due(rhythm, clock.now()))
            place = (schedule.kind, feed.merchant_id, feed.feed_id)
            await set_schedule(connection, *place, rhythm, first_due_at=due)


def _guard_view(feed: Feed, shares: Mapping[Guard, Decimal]) -> GuardView:
    return GuardView(
        removal_share=shares["removal"],
        configuration_share=shares["configuration"],
        is_chosen=feed.guard_share is not None,
    )


def _schedule_view(feed: Feed, schedule: Schedule) -> ScheduleView:
    is_product = schedule.kind == PRODUCT_SCHEDULE
    rhythm = schedule.rhythm
    chosen = feed.product_run_at if is_product else feed.offer_run_minutes
    return ScheduleView(
        kind="product" if is_product else "offer",
        next_due_at=schedule.next_due_at,
        daily_at=f"{rhythm.at:%H:%M}" if isinstance(rhythm, Daily) else None,
        zone=rhythm.zone if isinstance(rhythm, Daily) else None,
        every_minutes=int(rhythm.interval.total_seconds() // 60)
        if isinstance(rhythm, Every)
        else None,
        is_chosen=chosen is not None,
        is_paused=schedule.is_paused,
        pause_reason=schedule.pause_reason,
    )


async def why_waiting(connection: Connection, merchant_id: str, shop_id: str) -> str | None:
    """Why AliExpress may not be called for the shop now, or None when it may."""
    shop = await find_shop(connection, merchant_id, shop_id)
    if shop is None:
        return "the shop is not known yet"
    return shop.why_unusable(clock.now())
