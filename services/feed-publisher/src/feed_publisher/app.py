"""The composition root of feed-publisher: what it is made of, on one screen."""

from datetime import timedelta
from functools import partial
from pathlib import Path

from aliexpress.limits import limits_from
from aliexpress.limits_api import limits_router, shop_limits_router
from aliexpress.measure_limits import LIMITS_MEASURED_EVERY, measure_limits
from aliexpress.wiring import client_of
from common.conditions import Conditions
from common.jobs import Job
from common.postgres.counters import FOLDED_EVERY, fold
from common.service import Context, Parts, Service
from common.shop_tokens import ShopTokens
from feed_publisher.conditions.observers import observers
from feed_publisher.desired.consumer import GROUP, DesiredState
from feed_publisher.desired.store import IN_FAST_LANE
from feed_publisher.drift.adopt import Adopter
from feed_publisher.drift.api import adoption_router
from feed_publisher.drift.look_for_edits import LookForEdits
from feed_publisher.drift.orders import GROUP as ORDERS_GROUP
from feed_publisher.drift.orders import MovedStock
from feed_publisher.drift.read_back import ReadBack
from feed_publisher.drift.reconcile import reconcile
from feed_publisher.drift.visit_shops import ShopVisitor
from feed_publisher.driving.api import run_router
from feed_publisher.driving.drive_run import RunDriver
from feed_publisher.driving.feed_api import feed_router
from feed_publisher.driving.schedule_runs import schedule_runs
from feed_publisher.explaining.api import explaining_router
from feed_publisher.fast_lane.forget_runs import FORGOTTEN_EVERY, forget_runs
from feed_publisher.fast_lane.share import LaneShare
from feed_publisher.fast_lane.start_runs import LOOKS_EVERY, FastLane
from feed_publisher.listings.api import republish_router
from feed_publisher.listings.report import SOURCE
from feed_publisher.listings.republish import republish_daily
from feed_publisher.measuring.measure_feeds import measure_feeds
from feed_publisher.overview.api import overview_router
from feed_publisher.overview.shop_seller import seller_of
from feed_publisher.reports.api import report_router
from feed_publisher.reports.product_api import product_router
from feed_publisher.runs.store import RUNNING
from feed_publisher.sending.shop_reader import ShopReader
from feed_publisher.settings import PublisherSettings

MEASURED_EVERY = timedelta(seconds=10)


def build(context: Context[PublisherSettings]) -> Parts:
    """Wire the service; no I/O."""
    settings, pool, poll = context.settings, context.pool, context.poll
    client = client_of(
        settings, pool, limits=limits_from(settings.limits), integrator=settings.integrator
    )
    tokens = ShopTokens(
        settings.auth_url, settings.service_client_id, settings.service_client_secret
    )
    consumer = context.consumer(GROUP, *DesiredState(tokens, settings).subscriptions())
    moved_stock = MovedStock(run_after=settings.repair_after)
    orders = context.consumer(ORDERS_GROUP, *moved_stock.subscriptions())
    share = LaneShare(pool, settings)
    driver = RunDriver(pool, client, tokens, settings, lane_client=share.client(client))
    fast_lane = FastLane(pool, share, settings)
    forget_lane_runs = partial(forget_runs, pool, kept=settings.fast_lane_kept)
    # Nothing is planned before the state topics were read to the ends seen at the start.
    caught_up = consumer.caught_up
    turns = [
        Job(f"run-{number}", driver.take_turn, every=poll, woken_by=[RUNNING], after=caught_up)
        for number in range(settings.concurrent_runs)
    ]
    visitor = ShopVisitor(pool, tokens, holder=settings.instance_id)
    read_back = ReadBack(
        pool,
        client,
        visitor,
        every=settings.read_back_every,
        run_after=settings.repair_after,
        repairs_content=settings.repair_content,
    )
    look_for_edits = LookForEdits(
        pool,
        client,
        visitor,
        every=settings.look_every,
        first_reach=settings.read_back_every,
        limit=settings.edited_reads_per_look,
    )
    shop_reader = ShopReader(client, tokens)
    conditions = Conditions(pool, SOURCE, observers(settings))
    return Parts(
        routers=[
            feed_router(pool, share, settings),
            run_router(pool, max_queued=settings.max_queued_runs),
            report_router(pool),
            limits_router(pool),
            shop_limits_router(pool, partial(seller_of, pool), "feeds:read"),
            overview_router(pool),
            adoption_router(pool, Adopter(pool, shop_reader)),
            product_router(pool),
            explaining_router(pool, shop_reader),
            republish_router(pool),
        ],
        consumers=[consumer, orders],
        jobs=[
            Job("counters", lambda: fold(pool), every=FOLDED_EVERY),
            *turns,
            Job(
                "fast-lane",
                fast_lane.take_turn,
                every=LOOKS_EVERY,
                woken_by=[IN_FAST_LANE],
                after=caught_up,
            ),
            Job("forget-fast-lane", forget_lane_runs, every=FORGOTTEN_EVERY),
            Job("measure-limits", lambda: measure_limits(pool), every=LIMITS_MEASURED_EVERY),
            Job("measure-feeds", lambda: measure_feeds(pool), every=MEASURED_EVERY),
            Job("schedule-runs", lambda: schedule_runs(pool), every=timedelta(seconds=1)),
            Job("look-for-edits", look_for_edits.take_turn, every=settings.watch_every),
            Job("reconcile", lambda: reconcile(pool), every=timedelta(seconds=5)),
            Job("read-back", read_back.take_turn, every=settings.watch_every),
            Job("conditions", conditions.run, every=settings.conditions_every),
            Job("republish", lambda: republish_daily(pool), every=timedelta(seconds=30)),
        ],
        closers=[client.aclose, tokens.aclose],
    )


SERVICE = Service("feed-publisher", PublisherSettings, Path(__file__).parent / "migrations", build)
