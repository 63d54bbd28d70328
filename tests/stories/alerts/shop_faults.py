"""Faults of a catalogue, a shop and its orders, and what the runbook says to end them."""

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial

from channel_cli.following import RUN_CONFIRMABLE, RUN_ENDED
from channel_cli.session import Problem
from channel_cli.settings import ORDERS as ORDERS_API
from channel_demo import sell
from channel_demo.session import Session
from stack.system import CATALOG, ORDERS
from stack.testing import eventually
from stack.testing.poison import refusing, taking

from .selling import (
    FEED,
    PRODUCTS,
    WITHIN,
    add,
    code,
    configure,
    ordered,
    remove,
    send,
    settled,
    ship,
    sold,
    versions,
)
from .watched import Fault, Watched

INVALIDATE = "aliexpress.solution.feed.invalidate"
MERCHANTS = 60
"""Who ask at once: more than a process has connections."""


@asynccontextmanager
async def repeated(action: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """The action again and again meanwhile: an alert on a rate wants more than one."""

    async def repeat() -> None:
        while True:
            await action()
            await asyncio.sleep(1)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(repeat())
        yield
        task.cancel()


@asynccontextmanager
async def poisoned(watched: Watched, service: str, table: str, when: str) -> AsyncIterator[None]:
    """The database refuses this of the table's rows, as it refuses what it cannot store."""
    async with watched.database(service) as connection:
        await connection.execute(refusing(table, "INSERT OR UPDATE", when))
        try:
            yield
        finally:
            await connection.execute(taking(table))


# ---- catalog-service


@asynccontextmanager
async def a_configuration_is_unusable(watched: Watched) -> AsyncIterator[None]:
    session = await sold(watched)
    async with watched.database(CATALOG.name) as connection:
        await connection.execute(
            """
            WITH newer AS (
                UPDATE feed SET configuration_version = configuration_version + 1
                WHERE feed_id = $1 RETURNING merchant_id, feed_id, configuration_version
            )
            INSERT INTO feed_configuration (merchant_id, feed_id, version, body, created_at)
            SELECT n.*, '{"no-such-key": 1}', c.created_at FROM newer AS n
            JOIN feed_configuration AS c USING (merchant_id, feed_id)
            WHERE c.version = n.configuration_version - 1
            """,
            session.feed,
        )
    await send(session, [0], price="26.90")
    yield
    await configure(session)


@asynccontextmanager
async def a_family_fails(watched: Watched) -> AsyncIterator[None]:
    session = await sold(watched)
    when = f"NEW.family_id = '{code(session, 1)}' AND NEW.state <> 'invalid'"
    async with poisoned(watched, CATALOG.name, "normalized_product", when):
        await send(session, [1], price="26.90")
        yield
    await add(session, [1], price="27.90")


@asynccontextmanager
async def an_import_fails(watched: Watched) -> AsyncIterator[None]:
    session, catalogue = watched.session, "by-file"
    await session.channel.register_catalogue(
        session.merchant, catalogue, versioning="arrival", fed_by="files"
    )
    upload = partial(
        session.channel.import_file, session.merchant, catalogue, "rows.csv", options={}
    )
    async with poisoned(watched, CATALOG.name, "source_product", "NEW.product_id = 'POISON'"):
        await upload(io.BytesIO(b"id,title\nPOISON,A clock\n"))
        yield
    await upload(io.BytesIO(b"id,title\nPOISON,A clock\n"))


@asynccontextmanager
async def a_row_is_set_aside(watched: Watched) -> AsyncIterator[None]:
    session = await sold(watched)
    family = code(session, 2)
    when = f"NEW.family_id = '{family}'"
    async with poisoned(watched, CATALOG.name, "normalized_product", when):
        await send(session, [2], price="26.90")
        await fail_five_times(watched)
        yield
    await watched.channel("set-aside", "release", "normalizing", "--every-merchant")


async def fail_five_times(watched: Watched) -> None:
    """Let time pass until a failed row is tried no more."""
    async with watched.database(CATALOG.name) as connection:
        for failures in range(1, 6):
            query = f"SELECT count(*) FROM failed_row WHERE failures >= {failures}"

            async def has_failed(query: str = query) -> bool:
                return bool(await connection.fetchval(query))

            await eventually(has_failed, within=WITHIN)
            await watched.passes(timedelta(hours=3))


# ---- feed-publisher


@asynccontextmanager
async def a_job_hangs(watched: Watched, session: Session, number: int) -> AsyncIterator[str]:
    """AliExpress does not go on with a job of this feed's product run: the run."""
    fault = await watched.marketplace.set_fault(kind="stuck_job", operation="PRODUCT_*")
    await add(session, [number], title=f"Linen pillow case, edition {next(versions)}")
    asked = await session.channel.run_feed(
        session.merchant, session.feed, "product", is_dry_run=False
    )

    async def is_stuck() -> bool:
        faults = await watched.marketplace.faults()
        return any(item["id"] == fault and item["struck"] for item in faults)

    await eventually(is_stuck, within=WITHIN)
    try:
        yield asked.run_id
    finally:
        await watched.marketplace.remove_fault(fault)


@asynccontextmanager
async def a_run_waits(watched: Watched) -> AsyncIterator[None]:
    session = await sold(watched)
    async with a_job_hangs(watched, session, 3):
        await session.channel.run_feed(session.merchant, session.feed, "product", is_dry_run=False)
        await watched.passes(timedelta(minutes=31))
        yield


@asynccontextmanager
async def a_job_is_stuck(watched: Watched) -> AsyncIterator[None]:
    session = await sold(watched)
    refused = await watched.marketplace.set_fault(
        kind="error", operation=INVALIDATE, code="isv.job-runs", message="it runs"
    )
    async with a_job_hangs(watched, session, 4):
        await watched.passes(timedelta(hours=13))
        yield
    await watched.marketplace.remove_fault(refused)
    await sell.run_feed(session, "product", RUN_ENDED, is_dry_run=False)


@asynccontextmanager
async def the_shop_is_changed(watched: Watched) -> AsyncIterator[None]:
    session = await sold(watched)
    await add(session, range(PRODUCTS))  # also those that another fault has removed
    await sell.publish_products(session)
    products = await session.sandbox.products()
    mine = [item for item in products if item.skus[0].sku_code.startswith(f"{FEED}-")]
    for product in mine:
        await watched.marketplace.control(
            f"products/{product.product_id}/status", status="offline", reason="seller"
        )
    await watched.passes(timedelta(hours=25))
    yield
    for product in mine:
        await watched.marketplace.control(
            f"products/{product.product_id}/status", status="onSelling", reason=""
        )


@asynccontextmanager
async def much_is_deleted(watched: Watched) -> AsyncIterator[None]:
    session = await sold(watched)
    await remove(session, range(10, 70))
    run = await sell.run_feed(session, "product", RUN_CONFIRMABLE | RUN_ENDED, is_dry_run=False)
    yield
    await watched.channel("run", "confirm", run.run_id, "--merchant", session.merchant)


@asynccontextmanager
async def prices_wait_for_hours(watched: Watched) -> AsyncIterator[None]:
    session = await sold(watched)

    async def change_and_wait() -> None:
        price = f"{30 + next(versions) % 9}.{next(versions) % 90 + 10}"
        await add(session, [5], price=price)
        await watched.passes(timedelta(hours=2))

        async def is_sent() -> bool:
            shop = await session.sandbox.products()
            return any(sku.price == price for product in shop for sku in product.skus)

        await eventually(is_sent, within=WITHIN)

    async with repeated(change_and_wait):
        yield


@asynccontextmanager
async def products_are_refused(watched: Watched) -> AsyncIterator[None]:
    session = await sold(watched)
    fault = await watched.marketplace.set_fault(
        kind="item_error", operation="PRODUCT_*", code="F00-00-10007-007", message="refused"
    )

    async def change_and_send() -> None:
        await add(session, [6, 7], title=f"Linen pillow case, edition {next(versions)}")
        await sell.run_feed(session, "product", RUN_ENDED, is_dry_run=False)

    async with repeated(change_and_send):
        yield
    await watched.marketplace.remove_fault(fault)


# ---- order-importer


@asynccontextmanager
async def an_order_is_late(watched: Watched) -> AsyncIterator[None]:
    session = await sold(watched)
    await ordered(session)
    fault = await watched.marketplace.set_fault(kind="refused", operation="*.order.get")
    await watched.passes(timedelta(days=9))
    yield
    await watched.marketplace.remove_fault(fault)


@asynccontextmanager
async def tokens_are_taken_back(watched: Watched) -> AsyncIterator[None]:
    session = watched.session

    async def is_noticed() -> bool:
        shop = await session.channel.shop(session.merchant, session.shop)
        return shop.connection != "connected"

    async def is_asked() -> bool:
        try:
            await watched.import_orders()
        except Problem:
            return False  # order-importer has not heard yet that the shop is connected
        return True

    async def take_back_and_renew() -> None:
        await eventually(is_asked, within=WITHIN)  # imports of a shop that is connected
        await watched.marketplace.revoke_tokens()
        await eventually(is_asked, within=WITHIN)
        await eventually(is_noticed, within=WITHIN)
        await watched.connect_again()

    async with repeated(take_back_and_renew):
        yield
    await watched.connect_again()


@asynccontextmanager
async def parcels_wait(watched: Watched) -> AsyncIterator[None]:
    session = await sold(watched)

    async def ship_late() -> None:
        order = await ordered(session)
        fault = await watched.marketplace.set_fault(kind="refused", operation="*fulfill*")
        shipment = await ship(session, order)
        await watched.passes(timedelta(minutes=30))
        await watched.marketplace.remove_fault(fault)
        await settled(session, order, shipment)

    async with repeated(ship_late):
        yield
    await watched.marketplace.remove_faults()


@asynccontextmanager
async def connections_are_used_up(watched: Watched) -> AsyncIterator[None]:
    async def ask(merchant: str) -> None:
        path = f"/v1/merchants/{merchant}/orders"
        with suppress(Problem, TimeoutError):
            await watched.session.channel.session.get(ORDERS_API, path, dict[str, object])

    async with (
        watched.database(ORDERS.name) as connection,
        asyncio.TaskGroup() as group,
        connection.transaction(),
    ):
        await connection.execute("LOCK TABLE marketplace_order IN ACCESS EXCLUSIVE MODE")
        for number in range(MERCHANTS):  # one alone never has all connections
            group.create_task(ask(f"merchant-{number}"))
        yield


SHOP_FAULTS: Sequence[Fault] = (
    Fault(
        "FeedUnusable",
        "a stored configuration has a key that this release refuses",
        "the configuration is applied again",
        a_configuration_is_unusable,
        within=180.0,
    ),
    Fault(
        "FamilyFailed",
        "the database refuses what a product was normalized to",
        "it takes it, and the product changes",
        a_family_fails,
        within=180.0,
    ),
    Fault(
        "ImportFailed",
        "the database refuses a file's row",
        "it takes it, and the file is sent again",
        an_import_fails,
        within=180.0,
    ),
    Fault(
        "RowsSetAside",
        "the database refuses all of a product five times",
        "`channel set-aside release`",
        a_row_is_set_aside,
        within=120.0,
    ),
    Fault(
        "RunsWait",
        "a run waits for another of its feed, whose job hangs, for half an hour",
        "the job goes on",
        a_run_waits,
        within=120.0,
    ),
    Fault(
        "ChangesWithheld",
        "half of the shop's products leave the catalogue",
        "`channel run confirm`",
        much_is_deleted,
        within=120.0,
    ),
    Fault(
        "AcceptanceBurns",
        "AliExpress refuses every product",
        "it takes them",
        products_are_refused,
        within=180.0,
    ),
    Fault(
        "FreshnessBurns",
        "prices wait for two hours for their run",
        "prices go out in time",
        prices_wait_for_hours,
        within=600.0,
    ),
    Fault(
        "OrderImportsBurn",
        "AliExpress takes the shop's tokens back, again and again",
        "the shop is connected again",
        tokens_are_taken_back,
        within=600.0,
    ),
    Fault(
        "ShipmentsBurn",
        "a parcel is taken half an hour after it was asked for",
        "parcels go out in time",
        parcels_wait,
        within=600.0,
    ),
    Fault(
        "PoolUsedUp",
        "a table lock keeps requests for 60 merchants waiting",
        "the lock's holder ends",
        connections_are_used_up,
        within=120.0,
    ),
    Fault(
        "OrdersLate",
        "AliExpress does not answer while an order's time to ship runs out",
        "it answers: the order is imported as cancelled",
        an_order_is_late,
        within=240.0,
    ),
    Fault(
        "MarketplaceJobStuck",
        "AliExpress does not go on with a job for 13 hours",
        "it goes on, and the next run asks for it",
        a_job_is_stuck,
        within=240.0,
    ),
    Fault(
        "ShopDiffers",
        "the seller takes 110 products offline",
        "they are on sale again",
        the_shop_is_changed,
        within=600.0,
    ),
)
