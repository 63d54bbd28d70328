"""How long plans of a very large feed take, and how much memory: `make bench-plans`.

`PRODUCTS` (1,000,000) families of one SKU each, desired and marked, are planned as a run's driver
does it, piece by piece, under a lease that lasts 10 s: a first plan (all are to be created), one of
1 % changed prices, one of everything marked and nothing changed, one of everything taken out (the
guard withholds it all, then it is confirmed), and one of nothing valid any more. Each must end
without losing its lease. Figures: seconds, families a second, the longest piece, the peak memory;
how long the confirmation takes, and the count of the feed that its page shows.
"""

import asyncio
import os
import resource
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import asyncpg
import msgspec
import uvloop
from msgspec.structs import replace

from common import clock
from common.contracts.feed import FeedState
from common.contracts.product import (
    Content,
    ContentSku,
    LocalText,
    Offer,
    Part,
    ProductNormalized,
    SkuStock,
)
from common.errors import Issue
from common.postgres.leases import hold_lease
from common.postgres.migrate import upgrade
from common.postgres.pool import Pool, open_pool
from common.postgres.unit_of_work import reading, unit_of_work
from common.service import tune_gc
from feed_publisher.app import SERVICE
from feed_publisher.desired.feeds.store import confirm_feed, load_feed, save_feeds
from feed_publisher.desired.states import Kind
from feed_publisher.driving.confirm_run import confirm_run
from feed_publisher.driving.store import count_feed
from feed_publisher.listings.listing import AcceptedSku, AcceptedState
from feed_publisher.planning.make_plan import plan_next_piece
from feed_publisher.runs.items.extent import Guard
from feed_publisher.runs.run import Run, State
from feed_publisher.runs.store import ask_for_run, begin_planning, end_run, load_run
from stack.postgres import create_role, database_url, random_password
from stack.testing.own_postgres import own_postgres

SERVICE_ROLE = "bench_service"
PRODUCTS = int(os.environ.get("PRODUCTS", "1000000"))
LEASE = timedelta(seconds=10)
SHARES: dict[Guard, Decimal] = {"removal": Decimal("0.2"), "configuration": Decimal("0.2")}
MERCHANT, FEED, SHOP = "m", "f", "s"
NAME = "@NAME@"
"""Stands for the family's name in the documents that are written a million times."""


def desired(price: str) -> ProductNormalized:
    """A product of one SKU."""
    content = Content(
        category_id="200000346",
        main_locale="en_US",
        titles=[LocalText("en_US", f"Coat {NAME}")],
        descriptions=[LocalText("en_US", "<p>Warm, and made of wool.</p>" * 10)],
        image_urls=[f"https://pictures.example/{NAME}-{n}.jpg" for n in range(5)],
        category_attributes={},
        skus=[ContentSku(NAME, {})],
        product_units_type="100000015",
        inventory_deduction_strategy="place_order_withhold",
        package_weight_kg="0.5",
        package_length_cm=10,
        package_width_cm=20,
        package_height_cm=5,
        shipping_preparation_days=3,
        shipping_template_id="1",
    )
    return ProductNormalized(
        merchant_id=MERCHANT,
        feed_id=FEED,
        family_id=NAME,
        revision=1,
        shop_id=SHOP,
        presence="present",
        product_ids=[NAME],
        sku_codes=[NAME],
        content_part=Part(is_valid=True, hash="content"),
        content=content,
        offers_part=Part(is_valid=True, hash=price),
        offers=[Offer(sku_code=NAME, price=price, currency="USD", inventory=5)],
        stock_part=Part(is_valid=True, hash="stock"),
        stock=[SkuStock(NAME, 5)],
    )


async def fill(pool: Pool) -> None:
    """The feed and its desired products, all marked for the product run."""
    state = FeedState(
        merchant_id=MERCHANT,
        feed_id=FEED,
        revision=1,
        shop_id=SHOP,
        catalogue_id="c",
        main_locale="en_US",
        configuration_version=1,
        lifecycle="active",
    )
    async with unit_of_work(pool) as connection:
        await save_feeds(connection, [state])
        await confirm_feed(connection, MERCHANT, FEED)
    await in_parts(
        pool,
        """
        INSERT INTO desired_product (merchant_id, feed_id, family_id, revision, presence, document)
        SELECT 'm', 'f', 'p' || n, 1, 'present',
            convert_to(replace($3, '@NAME@', 'p' || n), 'UTF8')
        FROM generate_series($1::bigint, $2::bigint) AS n
        """,
        msgspec.json.encode(desired("20.00")).decode(),
    )
    await mark(pool, "product", every=1)


async def in_parts(pool: Pool, statement: str, *arguments: object, part: int = 50_000) -> None:
    """Run a statement over all products, so many at a time."""
    for first in range(0, PRODUCTS, part):
        async with unit_of_work(pool) as connection:
            last = min(first + part, PRODUCTS) - 1
            await connection.execute(statement, first, last, *arguments, timeout=300)


async def mark(pool: Pool, kind: Kind, *, every: int) -> None:
    """Mark each `every`th family."""
    await in_parts(
        pool,
        """
        INSERT INTO family_mark (merchant_id, feed_id, kind, family_id)
        SELECT 'm', 'f', $3, 'p' || n FROM generate_series($1::bigint, $2::bigint) AS n
        WHERE n % $4 = 0
        """,
        kind,
        every,
    )


async def accept_all(pool: Pool) -> None:
    """Everything is online as it was desired."""
    accepted = AcceptedState(
        content_hash="content",
        main_locale="en_US",
        skus={NAME: AcceptedSku(price="20.00", inventory=5)},
    )
    await in_parts(
        pool,
        """
        INSERT INTO listing (merchant_id, feed_id, family_id, shop_id, status,
            marketplace_product_id, live_since, document)
        SELECT 'm', 'f', 'p' || n, 's', 'live', (1000000000 + n)::text, $4,
            convert_to(replace($3, '@NAME@', 'p' || n), 'UTF8')
        FROM generate_series($1::bigint, $2::bigint) AS n
        """,
        msgspec.json.encode(accepted).decode(),
        clock.now(),
    )


async def change(pool: Pool, kind: Kind, state: ProductNormalized, *, every: int) -> None:
    """Another desired state for each `every`th product, marked for a run of the kind."""
    await in_parts(
        pool,
        """
        UPDATE desired_product SET revision = $5, presence = $6,
            document = convert_to(replace($3, '@NAME@', 'p' || n), 'UTF8')
        FROM generate_series($1::bigint, $2::bigint) AS n
        WHERE n % $4 = 0 AND merchant_id = 'm' AND feed_id = 'f' AND family_id = 'p' || n
        """,
        msgspec.json.encode(state).decode(),
        every,
        state.revision,
        state.presence,
    )
    await mark(pool, kind, every=every)


def taken_out() -> ProductNormalized:
    """A product that the catalogue has no more."""
    return ProductNormalized(
        merchant_id=MERCHANT,
        feed_id=FEED,
        family_id=NAME,
        revision=3,
        shop_id=SHOP,
        presence="absent",
        absent_reason="deleted",
    )


def invalid() -> ProductNormalized:
    """A product whose content cannot be sent."""
    no_title = Issue(rule="M2.2", field="title", message="there is none", remedy="Give it a title.")
    part = Part(is_valid=False, hash="invalid", issues=[no_title])
    return replace(desired("20.00"), revision=4, content=None, content_part=part)


@dataclass(frozen=True)
class Planned:
    """How a plan was made."""

    name: str
    run_id: str
    seconds: float
    items: int
    pieces: int
    longest_piece: float
    peak_megabytes: float

    def __str__(self) -> str:
        rate = PRODUCTS / self.seconds
        return (
            f"{self.name:<22} {self.seconds:8.1f} s  {self.items:9,} items"
            f"  {self.pieces:6,} pieces, longest {self.longest_piece:5.2f} s"
            f"  {rate:9,.0f} families of the feed a second  peak {self.peak_megabytes:6.0f} MB"
        )


async def plan(pool: Pool, name: str, kind: Kind, ends_as: State = "completed") -> Planned:
    """Make the plan of one run, under its lease."""
    async with unit_of_work(pool) as connection:
        run_id = await ask_for_run(connection, MERCHANT, FEED, kind, cause="request")
        assert run_id is not None
        run = await load_run(connection, MERCHANT, run_id)
        await begin_planning(connection, run)
        feed = await load_feed(connection, MERCHANT, FEED)
    began, pieces, longest = time.monotonic(), 0, 0.0
    async with hold_lease(pool, run.lease_name, "bench", lasts=LEASE) as lease:
        assert lease is not None
        while True:
            piece_began = time.monotonic()
            run = await loaded(pool, run)
            state = await plan_next_piece(pool, run, feed, lease, shares=SHARES)
            longest = max(longest, time.monotonic() - piece_began)
            pieces += 1
            if state is not None:
                break
    seconds = time.monotonic() - began
    run = await loaded(pool, run)
    async with unit_of_work(pool) as connection:
        await end_run(connection, run, ends_as)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Planned(name, run.run_id, seconds, run.planned_items, pieces, longest, peak)


async def loaded(pool: Pool, run: Run) -> Run:
    """The run as it stands."""
    async with reading(pool) as connection:
        return await load_run(connection, run.merchant_id, run.run_id)


async def installed(admin_url: str) -> Pool:
    """The service's database, used as the service does: under row-level security, with the garbage
    collector as a service sets it."""
    tune_gc()
    password = random_password()
    await create_role(admin_url, SERVICE_ROLE, password)
    await asyncio.to_thread(upgrade, SERVICE.migrations, admin_url, service_role=SERVICE_ROLE)
    admin = await asyncpg.connect(admin_url)
    await admin.execute(f"GRANT TRUNCATE ON run_item TO {SERVICE_ROLE}")  # between the plans
    await admin.close()
    return await open_pool(
        database_url(admin_url, database="postgres", user=SERVICE_ROLE, password=password)
    )


async def measure(admin_url: str) -> None:
    """All three plans on one database."""
    pool = await installed(admin_url)
    print(f"{PRODUCTS:,} products")
    began = time.monotonic()
    await fill(pool)
    print(f"filled in {time.monotonic() - began:.0f} s")
    print(await plan(pool, "first: all created", "product"), flush=True)
    await pool.execute("TRUNCATE run_item")
    await accept_all(pool)
    await change(pool, "offer", replace(desired("21.00"), revision=2), every=100)
    print(await plan(pool, "1 % of the prices", "offer"), flush=True)
    await mark(pool, "product", every=1)
    print(await plan(pool, "all marked, unchanged", "product"), flush=True)
    await change(pool, "product", taken_out(), every=1)
    removal = await plan(pool, "all taken out", "product", ends_as="withheld")
    print(removal, flush=True)
    await timed("  counted", count_feed_of(pool))
    await timed("  confirmed", confirm_run(pool, MERCHANT, removal.run_id))
    async with unit_of_work(pool) as connection:
        await end_run(connection, await load_run(connection, MERCHANT, removal.run_id), "completed")
    await pool.execute("TRUNCATE run_item")
    await change(pool, "product", invalid(), every=1)
    print(await plan(pool, "nothing valid any more", "product"), flush=True)
    await timed("  counted", count_feed_of(pool))
    await pool.close()


async def count_feed_of(pool: Pool) -> None:
    """What the feed's page shows."""
    async with reading(pool) as connection:
        await count_feed(connection, MERCHANT, FEED)


async def timed(what: str, work: Awaitable[object]) -> None:
    """How long it took."""
    began = time.monotonic()
    await work
    print(f"{what:<22} {time.monotonic() - began:8.1f} s", flush=True)


async def main() -> None:
    """On a Postgres of its own."""
    async with own_postgres("plans") as postgres:
        await measure(postgres.admin_url)


if __name__ == "__main__":
    uvloop.run(main())
