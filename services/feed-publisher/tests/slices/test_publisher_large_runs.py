"""What looks at a whole run or feed passes through it once, whatever the statistics say.

They are those of the run before and know nothing of the new one, as always right after a plan was
made, or there are none, as when a feed's first plan follows its catalogue within a minute. A
statement that passes through the run once an item meets its time-out here.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from decimal import Decimal

import pytest

from common import clock
from common.postgres.leases import hold_lease
from common.postgres.pool import Pool, open_pool
from common.postgres.unit_of_work import reading, unit_of_work
from feed_publisher.driving.confirm_run import confirm_run
from feed_publisher.driving.store import count_feed
from feed_publisher.planning.guard_changes import guard_changes
from feed_publisher.runs.items.extent import Guard
from feed_publisher.runs.items.store import count_items, count_planned, list_sendable
from feed_publisher.runs.run import Run
from feed_publisher.runs.store import end_run, load_run
from stack.testing import Databases, NewDatabase

from ..publisher_harness import migrate

FAMILIES = 20_000
SHARES: Mapping[Guard, Decimal] = {
    "removal": Decimal("0.2"),
    "configuration": Decimal("0.2"),
}


@pytest.fixture
async def url(database: NewDatabase) -> str:
    return await database(migrate)


@pytest.fixture
async def pool(url: str) -> AsyncIterator[Pool]:
    made = await open_pool(url)
    yield made
    await made.close()


async def test_the_removal_of_all_is_withheld_counted_and_confirmed(
    pool: Pool, url: str, databases: Databases
) -> None:
    await make_feed(pool)
    await make_run(pool, "before", item_status="accepted")
    await databases.execute_as_owner(url, "ANALYZE")
    run = await make_run(pool, "new", item_status="pending")

    async with hold_lease(pool, run.lease_name, "test", lasts=timedelta(seconds=60)) as lease:
        assert lease is not None
        await guard_changes(pool, run, lease, shares=SHARES, is_binding=True)
    assert await items_by_status(pool, run) == {"withheld": FAMILIES}
    async with unit_of_work(pool) as connection:
        await end_run(connection, run, "withheld")
        counts = await count_feed(connection, "m", "f")
    assert counts["removals"] == counts["removals_withheld"] == FAMILIES

    await confirm_run(pool, "m", run.run_id)
    assert await items_by_status(pool, run) == {"pending": FAMILIES}
    async with reading(pool) as connection:
        first = await list_sendable(connection, run, "delete", limit=3)
    assert [item.item_no for item in first] == [1, 2, 3]


async def test_what_a_first_plan_holds_is_counted(pool: Pool) -> None:
    await make_feed(pool, wanted="present")
    run = await make_run(pool, "first", item_status="pending")
    async with reading(pool) as connection:
        assert await count_planned(connection, run) == FAMILIES


async def make_feed(pool: Pool, *, wanted: str = "absent") -> None:
    """All is online, and nothing is wanted any more, unless it is said to be."""
    await pool.execute(
        """
        INSERT INTO feed (merchant_id, feed_id, revision, shop_id, catalogue_id, main_locale,
            configuration_version, lifecycle, confirmed_at)
        VALUES ('m', 'f', 1, 's', 'c', 'en_US', 1, 'active', $1)
        """,
        clock.now(),
    )
    await pool.execute(
        """
        INSERT INTO desired_product (merchant_id, feed_id, family_id, revision, presence, document)
        SELECT 'm', 'f', 'p' || n, 2, $2, '' FROM generate_series(1, $1::integer) AS n
        """,
        FAMILIES,
        wanted,
    )
    await pool.execute(
        """
        INSERT INTO listing (merchant_id, feed_id, family_id, shop_id, status,
            marketplace_product_id, live_since, skus_online, document)
        SELECT 'm', 'f', 'p' || n, 's', 'live', n::text, $2, 1, ''
        FROM generate_series(1, $1::integer) AS n
        """,
        FAMILIES,
        clock.now() - timedelta(days=3),
    )


async def make_run(pool: Pool, run_id: str, *, item_status: str) -> Run:
    """A run whose plan deletes every product."""
    await pool.execute(
        """
        INSERT INTO feed_run (merchant_id, run_id, feed_id, shop_id, kind, cause, is_dry_run, state,
            asked_at, planned_items)
        VALUES ('m', $1, 'f', 's', 'product', 'request', false, 'completed', $2, $3)
        """,
        run_id,
        clock.now(),
        FAMILIES,
    )
    await pool.execute(
        """
        INSERT INTO run_item (merchant_id, run_id, item_no, feed_id, family_id, action, status,
            is_removal, desired_revision, marketplace_product_id, sku_codes, change,
            removed_skus, removes_product)
        SELECT 'm', $1, n, 'f', 'p' || n, 'delete', $2, true, 2, n::text, ARRAY['s' || n], '{}',
            ARRAY['s' || n], true
        FROM generate_series(1, $3::integer) AS n
        """,
        run_id,
        item_status,
        FAMILIES,
    )
    async with reading(pool) as connection:
        return await load_run(connection, "m", run_id)


async def items_by_status(pool: Pool, run: Run) -> dict[str, int]:
    async with reading(pool) as connection:
        counts = await count_items(connection, "m", [run.run_id])
    return {status: items for (_, status), items in counts[run.run_id].items()}
