"""One row that a background job fails on leaves its neighbours unharmed, job by job."""

from collections.abc import AsyncIterator
from datetime import timedelta

import msgspec
import pytest
from pydantic import SecretStr

from aliexpress.operation import AccessToken
from common import clock
from common.contracts.feed import FeedState
from common.contracts.product import ProductNormalized, ProductReported
from common.contracts.shop import ShopState
from common.postgres.pool import Pool, open_pool
from common.postgres.schedules import Every, set_schedule
from common.postgres.unit_of_work import unit_of_work
from common.shop_tokens import ShopTokens
from feed_publisher.desired.feeds.rhythm import OFFER_SCHEDULE, PRODUCT_SCHEDULE
from feed_publisher.desired.feeds.store import confirm_feed, save_feeds
from feed_publisher.desired.store import save_desired, save_shops
from feed_publisher.drift.look_for_edits import JOB as LOOKING
from feed_publisher.drift.read_back import JOB as READING
from feed_publisher.drift.reconcile import reconcile
from feed_publisher.drift.visit_shops import ShopVisitor
from feed_publisher.driving.schedule_runs import schedule_runs
from feed_publisher.fast_lane.share import LaneShare
from feed_publisher.fast_lane.start_runs import FastLane
from feed_publisher.listings.republish import republish
from feed_publisher.listings.store import DueShop
from feed_publisher.reconciliation.store import ask_for_reconciliation
from feed_publisher.settings import PublisherSettings
from stack.testing import NewDatabase, eventually, outbox_events
from stack.testing.poison import failed_rows, poison

from ..publisher_auth import MERCHANT, SELLER
from ..publisher_harness import FEED, SHOP, Harness, Sku, migrate

FAMILIES = ("a", "b", "c")
"""Of which `b` is poisoned."""


@pytest.fixture
async def pool(database: NewDatabase) -> AsyncIterator[Pool]:
    opened = await open_pool(await database(migrate), max_size=4)
    yield opened
    await opened.close()


CONNECTED = ShopState(
    merchant_id=MERCHANT,
    shop_id=SHOP,
    revision=1,
    is_eligible=True,
    connection="connected",
    generation=1,
    seller_id=SELLER,
    expires_at=None,
)


def feed_state(feed_id: str) -> FeedState:
    return FeedState(
        merchant_id=MERCHANT,
        feed_id=feed_id,
        revision=1,
        shop_id=SHOP,
        catalogue_id="c",
        main_locale="en_US",
        configuration_version=1,
        lifecycle="active",
    )


def desired(family_id: str) -> ProductNormalized:
    return ProductNormalized(
        merchant_id=MERCHANT,
        feed_id=FEED,
        family_id=family_id,
        revision=1,
        shop_id=SHOP,
        presence="absent",
        absent_reason="deleted",
    )


async def test_schedule_runs(pool: Pool) -> None:
    now = clock.now()
    async with unit_of_work(pool) as connection:
        await save_feeds(connection, [feed_state(name) for name in FAMILIES])
        for name in FAMILIES:
            await connection.execute("DELETE FROM schedule WHERE subject = $1", name)
            await set_schedule(
                connection,
                PRODUCT_SCHEDULE,
                MERCHANT,
                name,
                Every(timedelta(hours=1)),
                first_due_at=now - timedelta(minutes=1),
            )
    await poison(pool, "feed_run", "INSERT", "NEW.feed_id = 'b'")

    while await schedule_runs(pool):
        pass

    asked = await pool.fetch("SELECT feed_id FROM feed_run ORDER BY 1")
    assert [feed for (feed,) in asked] == ["a", "c"]
    assert await failed_rows(pool) == [(f"schedule:{PRODUCT_SCHEDULE}", MERCHANT, "b")]


async def test_fast_lane(pool: Pool) -> None:
    settings = PublisherSettings(
        database_url=SecretStr("unused"), kafka_bootstrap="unused", marketplace_url="http://unused",
        app_key="1", app_secret=SecretStr("s"), auth_url="http://unused",
    )  # fmt: skip
    async with unit_of_work(pool) as connection:
        await save_shops(connection, [CONNECTED])
        await save_feeds(connection, [feed_state(name) for name in FAMILIES])
        for name in FAMILIES:
            await confirm_feed(connection, MERCHANT, name)
            await set_schedule(
                connection, OFFER_SCHEDULE, MERCHANT, name, Every(timedelta(hours=1))
            )
    await pool.execute(
        """
        INSERT INTO listing (merchant_id, feed_id, family_id, shop_id, status,
            marketplace_product_id, document)
        SELECT $1, feed_id, feed_id, $2, 'live', '1005' || feed_id,
            '{"skus": {"s": {"inventory": 5}}}'
        FROM feed
        """,
        MERCHANT,
        SHOP,
    )
    async with unit_of_work(pool) as connection:
        gone = [msgspec.structs.replace(desired(name), feed_id=name) for name in FAMILIES]
        await save_desired(connection, [(state, None) for state in gone])
    await poison(pool, "feed_run", "INSERT", "NEW.feed_id = 'b'")

    lane = FastLane(pool, LaneShare(pool, settings), settings)
    while await lane.take_turn():
        pass

    begun = await pool.fetch("SELECT feed_id, cause FROM feed_run ORDER BY 1")
    assert [tuple(run) for run in begun] == [("a", "fast_lane"), ("c", "fast_lane")]
    assert await failed_rows(pool) == [("fast-lane", MERCHANT, "b")]


async def test_reconcile(pool: Pool) -> None:
    async with unit_of_work(pool) as connection:
        await save_feeds(connection, [feed_state(FEED)])
        await save_desired(connection, [(desired(name), None) for name in FAMILIES])
        await ask_for_reconciliation(connection)
    await pool.execute("DELETE FROM family_mark")
    await pool.execute(
        """
        INSERT INTO listing (merchant_id, feed_id, family_id, shop_id, status,
            marketplace_product_id, document)
        SELECT $1, $2, family_id, $3, 'live', '1005' || family_id,
            CASE family_id WHEN 'b' THEN '{"x'::bytea
            ELSE '{"skus": {"s": {"stock": 5}}}'::bytea END
        FROM desired_product
        """,
        MERCHANT,
        FEED,
        SHOP,
    )

    while await reconcile(pool):
        pass

    marked = await pool.fetch("SELECT DISTINCT family_id FROM family_mark ORDER BY 1")
    assert [family for (family,) in marked] == ["a", "c"]
    assert await failed_rows(pool) == [("reconcile", MERCHANT, f"{FEED}/b")]
    assert await pool.fetchval("SELECT count(*) FROM reconciliation") == 0


async def test_republish(pool: Pool) -> None:
    for name in FAMILIES:
        report = ProductReported(
            merchant_id=MERCHANT,
            feed_id=FEED,
            family_id=name,
            revision=1,
            desired_revision=1,
            status="live",
        )
        await pool.execute(
            """
            INSERT INTO listing (merchant_id, feed_id, family_id, shop_id, status, document, report)
            VALUES ($1, $2, $3, $4, 'live', '{}', $5)
            """,
            MERCHANT,
            FEED,
            name,
            SHOP,
            b"\xff{" if name == "b" else msgspec.json.encode(report),
        )

    await republish(pool)

    assert [one.family_id for one in await outbox_events(pool, ProductReported)] == ["a", "c"]
    assert await failed_rows(pool) == [("republish", MERCHANT, f"{FEED}/b")]


async def test_look_for_edits(harness: Harness) -> None:
    """A shop that fails while it is visited holds up no other."""
    tokens = ShopTokens(harness.settings.auth_url, "one", SecretStr("secret"))
    visitor = ShopVisitor(harness.pool, tokens, holder="test")
    visited: list[str] = []
    purpose = f"{LOOKING} of the test"  # the service's own job has its turns, too

    async def visit(shop: DueShop, _token: AccessToken) -> bool:
        visited.append(shop.shop_id)
        if shop.shop_id == "poisoned":
            raise KeyError(shop.shop_id)
        return True

    shops = [DueShop(MERCHANT, shop) for shop in ("poisoned", SHOP)]
    assert await visitor.visit_all(purpose, shops, visit)
    assert visited == ["poisoned", SHOP]
    assert await failed_rows(harness.pool) == [(purpose, MERCHANT, "poisoned")]
    await tokens.aclose()


async def test_read_back(harness: Harness) -> None:
    view = await harness.publish(*(harness.product(name, Sku(name)) for name in FAMILIES))
    assert view["state"] == "completed", view
    await harness.quiet()
    await harness.pool.execute("""UPDATE listing SET document = '{"x' WHERE family_id = 'b'""")
    await harness.pool.execute("UPDATE listing SET read_back_at = '-infinity'")

    async def are_compared() -> bool:
        compared = await harness.pool.fetch(
            "SELECT family_id FROM listing WHERE read_back_at > '-infinity' ORDER BY 1"
        )
        return [family for (family,) in compared] == ["a", "c"]

    await eventually(are_compared, within=40)
    assert (READING, MERCHANT, f"{FEED}/b") in await failed_rows(harness.pool)


async def test_runs(harness: Harness) -> None:
    """A run of which not even the failure can be written holds up nobody's."""
    await harness.pool.execute(
        """
        INSERT INTO feed_run (merchant_id, run_id, feed_id, shop_id, kind, cause, is_dry_run, state,
            asked_at)
        VALUES ('a-poisoned', 'bad', 'f', 's', 'product', 'request', true, 'queued', $1)
        """,
        clock.now() - timedelta(hours=1),
    )
    await poison(harness.pool, "feed_run", "UPDATE", "NEW.merchant_id = 'a-poisoned'")

    view = await harness.publish(*(harness.product(name, Sku(name)) for name in FAMILIES))

    assert view["state"] == "completed", view

    async def is_held() -> bool:
        return ("runs", "a-poisoned", "bad") in await failed_rows(harness.pool)

    await eventually(is_held)
