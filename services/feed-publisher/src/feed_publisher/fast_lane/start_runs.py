"""Begins fast-lane runs: a feed's next one as soon as its turn has come and it has a change."""

from collections.abc import Sequence
from datetime import timedelta

import structlog

from common import clock
from common.postgres.pool import Pool
from common.postgres.set_aside import RowKey, each_apart
from common.postgres.unit_of_work import made_work, reading, unit_of_work
from feed_publisher.desired.feeds.store import claim_fast_lane, load_feed
from feed_publisher.desired.store import IN_FAST_LANE
from feed_publisher.fast_lane.plan_run import plan_run
from feed_publisher.fast_lane.share import LaneShare
from feed_publisher.fast_lane.store import list_due_feeds, may_begin
from feed_publisher.planning.guards import shares_of, usual_shares
from feed_publisher.settings import PublisherSettings

log = structlog.get_logger()

JOB = "fast-lane"
FEEDS_AT_ONCE = 50
LOOKS_EVERY = timedelta(seconds=1)
"""For what other processes marked, and what may go again; a process that began a run of a feed
looks when that feed's next turn has come."""


class FastLane:
    """The job; every replica runs it."""

    def __init__(self, pool: Pool, share: LaneShare, settings: PublisherSettings) -> None:
        self._pool = pool
        self._share = share
        self._settings = settings

    async def take_turn(self) -> bool:
        """Begin a run of each feed that is due, one transaction each; whether any was due. None
        begins while the share of the day's calls is used up."""
        async with reading(self._pool) as connection:
            feeds = await list_due_feeds(
                connection, JOB, is_default=self._settings.fast_lane, limit=FEEDS_AT_ONCE
            )
        if not feeds or await self._share.is_used_up():
            return False
        for feed in feeds:
            await each_apart(self._pool, JOB, [feed], self._begin, key=lambda key: key)
        return True

    async def _begin(self, feeds: Sequence[RowKey]) -> None:
        settings = self._settings
        for merchant_id, feed_id in feeds:
            async with unit_of_work(self._pool) as connection:
                due = clock.wall_now() + settings.fast_lane_every
                place = (connection, merchant_id, feed_id)
                if not await claim_fast_lane(*place, next_due_at=due):
                    return
                made_work(connection, IN_FAST_LANE, due_after=settings.fast_lane_every)
                if not await may_begin(*place, is_default=settings.fast_lane):
                    return
                feed = await load_feed(*place)
                run = await plan_run(
                    connection,
                    feed,
                    families=settings.fast_lane_families,
                    removal_share=shares_of(feed, usual_shares(settings))["removal"],
                )
            if run is not None:
                log.info("run.planned", run=run.run_id, feed=feed_id, kind=JOB, state=run.state)
