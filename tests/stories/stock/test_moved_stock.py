"""Whatever buyers and the seller do at AliExpress, the shop is as the catalogue says (M7.7)."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import asyncpg
import pytest

from aliexpress import oauth
from aliexpress.client import Client
from aliexpress.gateway import new_gateway
from aliexpress.limits import BucketLimiter
from aliexpress.memory_limits import MemoryBuckets
from aliexpress.offers import (
    ProductPrices,
    ProductStock,
    SkuPrice,
    SkuStock,
    update_prices,
    update_stock,
)
from aliexpress.operation import AccessToken, AppCredentials
from aliexpress.transport import HttpTransport
from channel_cli.publishing_answers import Feed
from channel_cli.settings import PUBLISHER as PUBLISHER_ADDRESS
from channel_demo import bring_in
from channel_demo.sandbox import ShopSku
from common.contracts.catalog import CatalogUpdated
from stack.run import Stack
from stack.system import AUTH, PUBLISHER, SANDBOX
from stack.testing import eventually

from ..merchant_path import Case, bring_all_in, changed, import_all, publish_all, run, settle
from ..passing_time import let_time_pass
from ..sample import part_of, sample_of, sample_session

RESTOCKED, CANCELLED, EXPIRED, EDITED = "KET-07", "NOT-07", "NOT-08", "CUS-07"
PLACED, SENT, FINISHED = "PLACE_ORDER_SUCCESS", "WAIT_BUYER_ACCEPT_GOODS", "FINISH"
MINUTE = 60.0
UNSURE_STOCK = "SELECT 1 FROM family_mark WHERE $1 = ANY(unsure_stock)"
OFFER_MARK = "SELECT 1 FROM family_mark WHERE family_id = $1 AND kind = 'offer'"


@pytest.fixture
async def case(system: Stack) -> AsyncIterator[Case]:
    """Four products of five pieces each, online."""
    sources = part_of(sample_of(system), RESTOCKED, CANCELLED, EXPIRED, EDITED)
    events = [
        changed(event, stock=5) if event.fields.get("sku") else event for event in sources.events
    ]
    async with sample_session(system) as session:
        await bring_in.connect_shop(session)
        case = Case(session, replace(sources, events=events), "", 0)
        await bring_all_in(case)
        await publish_all(case)
        await eventually(lambda: are_on_sale(case), within=60)
        yield case


async def are_on_sale(case: Case) -> bool:
    shop = await case.session.sandbox.products()
    return all(product.status == "onSelling" for product in shop)


async def offers(case: Case) -> dict[str, ShopSku]:
    """What the shop has, by SKU code."""
    shop = await case.session.sandbox.products()
    return {sku.sku_code: sku for product in shop for sku in product.skus}


async def stock(case: Case) -> dict[str, int]:
    return {code: sku.inventory for code, sku in (await offers(case)).items()}


async def buy(case: Case, code: str, quantity: int, status: str) -> str:
    """A buyer orders, and the order is imported; its id."""
    seed = 1 + len(await case.session.sandbox.orders())
    order = await case.session.sandbox.place_order([(code, quantity)], seed=seed, status=status)
    await import_all(case, {order.order_id})
    return order.order_id


async def order_unasked(case: Case, code: str, quantity: int) -> None:
    """A buyer orders, and nobody asks for an import."""
    seed = 1 + len(await case.session.sandbox.orders())
    await case.session.sandbox.place_order([(code, quantity)], seed=seed, status=SENT)


async def end_order(case: Case, order_id: str, reason: str) -> None:
    """AliExpress ends an order and puts its pieces back; the importer hears of it."""
    path = f"orders/{order_id}/status"
    await case.marketplace.control(path, status=FINISHED, reason=reason)
    session = case.session

    async def is_closed() -> bool:
        order = await session.channel.order(session.merchant, session.shop, order_id)
        return bool(order["status"] == "closed")

    await import_all(case, {order_id})
    await eventually(is_closed, within=60)


async def send(case: Case, *events: CatalogUpdated) -> None:
    """The catalogue changes, and the change is normalized."""
    await bring_in.publish(case.session, list(events))
    await settle(case)


async def wait_for_marks(system: Stack, *codes: str) -> None:
    """Until feed-publisher has marked the stock of these SKUs as unsure."""
    async with publisher_database(system) as database:
        for code in codes:
            await until_found(
                database, "SELECT 1 FROM family_mark WHERE $1 = ANY(unsure_stock)", code
            )


async def until_found(database: asyncpg.Connection, query: str, value: str) -> None:
    """Wait until a query finds a row."""

    async def is_found() -> bool:
        return await database.fetchval(query, value) is not None

    await eventually(is_found, within=60)


@asynccontextmanager
async def publisher_database(system: Stack) -> AsyncIterator[asyncpg.Connection]:
    """feed-publisher's database."""
    connection = await asyncpg.connect(system.database_url(PUBLISHER.name))
    try:
        yield connection
    finally:
        await connection.close()


async def test_the_shop_has_the_catalogues_stock_whatever_moved_it(
    system: Stack, case: Case
) -> None:
    await order_unasked(case, RESTOCKED, 2)
    assert (await stock(case))[RESTOCKED] == 3
    await let_time_pass(case.session, 31 * MINUTE)  # an import is due
    await wait_for_marks(system, RESTOCKED)
    await let_time_pass(case.session, 11 * MINUTE)  # and an offer run: within the hour
    await eventually(lambda: has_stock(case, RESTOCKED, 5), within=60)

    await buy(case, RESTOCKED, 5, SENT)
    cancelled = await buy(case, CANCELLED, 5, PLACED)
    unpaid = await buy(case, EXPIRED, 2, PLACED)
    assert await stock(case) == {RESTOCKED: 0, CANCELLED: 0, EXPIRED: 3, EDITED: 5}
    await wait_for_marks(system, RESTOCKED, CANCELLED, EXPIRED)

    restocked = changed(case.newest(RESTOCKED), stock=0)
    sold_out = changed(case.newest(CANCELLED), stock=0)
    await send(case, restocked, sold_out)
    await send(case, changed(restocked, stock=5))
    await run(case, "offer")
    assert await stock(case) == {RESTOCKED: 5, CANCELLED: 0, EXPIRED: 5, EDITED: 5}

    await end_order(case, cancelled, "buyer_cancel_order")
    await end_order(case, unpaid, "pay_timeout")
    assert await stock(case) == {RESTOCKED: 5, CANCELLED: 5, EXPIRED: 7, EDITED: 5}
    await wait_for_marks(system, CANCELLED, EXPIRED)
    await run(case, "offer")
    assert await stock(case) == {RESTOCKED: 5, CANCELLED: 0, EXPIRED: 5, EDITED: 5}

    await edit_in_seller_centre(system, case, EDITED)
    await let_time_pass(case.session, 31 * MINUTE)  # the next look at the shop is due
    await wait_for_marks(system, EDITED)
    await let_time_pass(case.session, 11 * MINUTE)  # and an offer run by itself
    await eventually(lambda: is_edit_repaired(case), within=60)

    await lose_mark(system, case, EDITED)
    await let_time_pass(case.session, 24 * 60 * MINUTE)
    async with publisher_database(system) as database:
        await until_found(database, OFFER_MARK, EDITED)
    assert (await stock(case))[EDITED] == 5
    await let_time_pass(case.session, 61 * MINUTE)
    await eventually(lambda: has_stock(case, EDITED, 3), within=60)

    await by_the_fast_lane(case)


async def by_the_fast_lane(case: Case) -> None:
    """Nobody asks for a run, and no time passes: what is sold out is so at AliExpress at once."""
    session = case.session
    path = f"/v1/merchants/{session.merchant}/feeds/{session.feed}/fast-lane"
    await session.channel.session.send("PUT", PUBLISHER_ADDRESS, path, Feed, body={"is_on": True})
    event, took = case.newest(EXPIRED), []
    for quantity in (0, 4, 0):
        event, began = changed(event, stock=quantity), time.monotonic()
        await bring_in.publish(session, [event])
        await eventually(partial(has_stock, case, EXPIRED, quantity), within=60)
        took.append(time.monotonic() - began)
    assert min(took) < 5, took
    runs = [run async for run in session.channel.runs(session.merchant, session.feed)]
    by_lane = session.channel.runs(session.merchant, session.feed, {"fast_lane": True})
    assert len([run async for run in by_lane]) > len(runs)  # a due run may have taken one of them


async def has_stock(case: Case, code: str, inventory: int) -> bool:
    return (await stock(case))[code] == inventory


async def edit_in_seller_centre(system: Stack, case: Case, code: str) -> None:
    """The seller sets another stock and price at AliExpress itself."""
    environment = system.environment(PUBLISHER)
    app = AppCredentials(environment["PUBLISHER_APP_KEY"], environment["PUBLISHER_APP_SECRET"])
    gateway = new_gateway(system.url(SANDBOX))
    client = Client(app, gateway, HttpTransport(), BucketLimiter(MemoryBuckets()))
    redirect = f"{system.url(AUTH.name)}/v1/oauth/callback"
    given = await case.marketplace.authorization_code(redirect)
    grant = await oauth.create_token(client, given, redirect_uri=redirect)
    token = AccessToken(case.marketplace.seller_id, grant.access_token)
    [product_id] = [
        product.product_id
        for product in await case.session.sandbox.products()
        if code in {sku.sku_code for sku in product.skus}
    ]
    await let_time_pass(case.session, 2)  # AliExpress tells times of editing in whole seconds
    await update_stock(client, token, [ProductStock(product_id, (SkuStock(code, 77),))])
    await update_prices(client, token, [ProductPrices(product_id, (SkuPrice(code, "1.11"),))])
    await client.aclose()
    edited = (await offers(case))[code]
    assert (edited.inventory, edited.price) == (77, "1.11")


async def is_edit_repaired(case: Case) -> bool:
    offer = (await offers(case))[EDITED]
    return offer.inventory == 5 and offer.price != "1.11"


async def lose_mark(system: Stack, case: Case, code: str) -> None:
    """The catalogue changes, and the marks of that change are deleted by hand."""
    async with publisher_database(system) as database:
        await send(case, changed(case.newest(code), stock=3))
        await until_found(database, OFFER_MARK, code)
        await database.execute("DELETE FROM family_mark WHERE family_id = $1", code)
    assert (await stock(case))[code] == 5
