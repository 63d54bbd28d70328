"""The 30 days of a token are over: everything stands still, and catches up after renewal (M1.3)."""

import time
from datetime import timedelta
from typing import Any

import pytest

from channel_cli.following import RUN_ENDED, follow_run
from channel_cli.session import Problem
from channel_cli.settings import CATALOG
from channel_demo import sell, trade
from channel_demo.consent import ConsentFailed, agree
from channel_demo.session import Session
from stack.testing import eventually

from ..passing_time import let_time_pass
from ..sample import writes_in

LIFETIME = timedelta(days=30)
OTHER_SELLER = "2200100002"
QUIET_SECONDS = 1.0


async def connection(session: Session) -> str:
    return (await session.channel.shop(session.merchant, session.shop)).connection


async def test_a_lapsed_token_stops_all_calls_and_its_renewal_brings_all_up_to_date(
    session: Session,
) -> None:
    await eventually(lambda: has_all_categories(session), within=60)  # hundreds of calls
    await let_time_pass(session, (LIFETIME + timedelta(hours=1)).total_seconds())

    await eventually(lambda: is_known_to_be_over(session), within=30)
    assert await connection(session) == "lapsed"
    before = await session.sandbox.last_sequence()
    calls_before = await calls_once_quiet(session)
    changed = await sell.change_offers(session)
    placed = await session.sandbox.place_orders(seed=5, count=3, status=trade.WAITS_FOR_SELLER)
    asked = await session.channel.run_feed(
        session.merchant, session.feed, "offer", is_dry_run=False
    )
    waiting = await session.channel.run(session.merchant, asked.run_id)
    assert waiting.state == "waiting_for_shop"
    assert waiting.waiting_reason
    with pytest.raises(Problem) as caught:
        await session.channel.import_orders(session.merchant, session.shop)
    assert caught.value.details.rule == "M1.3"
    assert writes_in(await session.sandbox.ledger(since=before)) == []
    assert dict(await session.sandbox.calls()) == calls_before

    await renewing_with_another_account_is_refused(session)
    link = await session.channel.connect_shop(session.merchant, session.shop)
    await agree(link.start_url, seller_id=session.sandbox.seller_id)
    assert await connection(session) == "connected"
    await follow_run(
        session.channel, session.merchant, asked.run_id, until=RUN_ENDED, what="offer feed"
    )
    writes = writes_in(await session.sandbox.ledger(since=before))
    prices = [entry.sku_code or "" for entry in writes if entry.operation == "price.update"]
    stocks = [entry.sku_code or "" for entry in writes if entry.operation == "stock.update"]
    assert {*prices, *stocks} >= changed
    assert len(prices) == len(set(prices)) == sell.PRICES_CHANGED
    assert len(stocks) == len(set(stocks))  # beside the changed ones those that were ordered
    orders = await trade.import_orders(session)
    assert {order.order_id for order in placed} <= {order.order_id for order in orders}


async def has_all_categories(session: Session) -> bool:
    """Whether catalog-service has read the shop's whole category tree."""
    path = f"/v1/merchants/{session.merchant}/shops/{session.shop}/categories"
    answer = await session.channel.session.get(CATALOG, path, dict[str, Any])
    return answer["fetched_at"] is not None


async def calls_once_quiet(session: Session) -> dict[str, int]:
    """The calls by now, none for a second: eight reads may be under way when the token ends."""
    calls, came_at = dict(await session.sandbox.calls()), time.monotonic()

    async def is_quiet() -> bool:
        nonlocal calls, came_at
        if (newest := dict(await session.sandbox.calls())) != calls:
            calls, came_at = newest, time.monotonic()
        return time.monotonic() - came_at >= QUIET_SECONDS

    await eventually(is_quiet)
    return calls


async def is_known_to_be_over(session: Session) -> bool:
    """Whether auth-service and feed-publisher have seen the token's end.

    Services take up a moved clock within half a second of each other, and so long one of them may
    call the other's new bearer token expired.
    """
    try:
        shop = await session.channel.shop(session.merchant, session.shop)
        feed = await session.channel.feed(session.merchant, session.feed)
    except Problem as problem:
        if problem.details.status != 401:
            raise
        return False
    return shop.connection != "connected" and feed.waits_for_shop is not None


async def renewing_with_another_account_is_refused(session: Session) -> None:
    """A feed never silently moves to another shop (M1.4)."""
    link = await session.channel.connect_shop(session.merchant, session.shop)
    with pytest.raises(ConsentFailed, match=r"M1\.4"):
        await agree(link.start_url, seller_id=OTHER_SELLER)
    assert await connection(session) == "lapsed"
