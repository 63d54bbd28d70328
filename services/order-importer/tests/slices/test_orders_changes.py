"""The changes feed: every change once, in order, whatever commits late."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from common import clock
from common.contracts.order import OrderReceived, OrderShipped, OrderUpdated
from common.postgres.unit_of_work import unit_of_work
from common.web.pagination import cursor_of
from order_importer.changes import store
from order_importer.changes.keep_feed import place_changes, remove_old_changes
from order_importer.changes.publish import publish
from order_importer.orders.events import parcel_updated
from order_importer.orders.store import lock_order, raise_revision

from ..orders_harness import MERCHANT, SHOP, Harness

TO_SEND = "WAIT_SELLER_SEND_GOODS"
KEPT = timedelta(days=40)
FEED = f"/v1/merchants/{MERCHANT}/orders/changes"


async def waiting(harness: Harness, count: int = 1, *, seed: int = 1) -> list[str]:
    await harness.stock("SHIRT-1")
    line = [{"sku_code": "SHIRT-1", "quantity": 1}]
    ids = await harness.place(count, seed=seed, lines=line, status=TO_SEND)
    await harness.import_now()
    return ids


async def change(harness: Harness, connection: Any, order_id: str) -> None:
    """Publish a change of the order in this transaction."""
    stored = await lock_order(connection, MERCHANT, SHOP, order_id)
    await publish(connection, [parcel_updated(await raise_revision(connection, stored))])


def shown(changes: dict[str, Any]) -> list[tuple[str, str, int]]:
    return [(one["kind"], one["order"]["order_id"], one["revision"]) for one in changes["items"]]


async def test_every_published_fact_is_a_change_in_its_order(harness: Harness) -> None:
    [order_id] = await waiting(harness)
    await harness.ship(order_id)
    await harness.send_all()
    await harness.import_orders()

    facts = [
        (kind, event.order.order_id, event.revision)
        for kind, form in (
            ("received", OrderReceived),
            ("updated", OrderUpdated),
            ("shipped", OrderShipped),
        )
        for event in await harness.events(form)
    ]
    found = shown(await harness.changes())
    assert sorted(found) == sorted(facts)
    assert [revision for _, _, revision in found] == sorted(revision for _, _, revision in found)
    assert found[0][0] == "received"
    assert len(facts) == 5


async def test_a_change_shows_the_order_as_it_is_now(harness: Harness) -> None:
    [order_id] = await waiting(harness)
    await harness.set_status(order_id, "IN_CANCEL")
    await harness.import_now()

    first, second = (await harness.changes())["items"]
    assert (first["kind"], second["kind"]) == ("received", "updated")
    assert first["order"] == second["order"] == await harness.order(order_id)
    assert first["revision"] < second["revision"] == first["order"]["revision"]


async def test_the_feed_goes_on_from_each_cursor(harness: Harness) -> None:
    ids = await waiting(harness, 5)
    start = await harness.changes(limit=2)
    assert start["has_more"]
    following = await harness.changes(start["next_cursor"])
    assert [one[1] for one in shown(start) + shown(following)] == sorted(ids)
    assert not following["has_more"]

    empty = await harness.changes(following["next_cursor"])
    assert (empty["items"], empty["next_cursor"]) == ([], following["next_cursor"])
    latest = await harness.changes("latest")
    assert (latest["items"], latest["next_cursor"]) == ([], following["next_cursor"])

    await harness.set_status(ids[3], "IN_CANCEL")
    await harness.import_now()
    assert [one[:2] for one in shown(await harness.changes(empty["next_cursor"]))] == [
        ("updated", ids[3])
    ]


async def test_a_change_committed_late_is_not_skipped(harness: Harness) -> None:
    """A transaction holds its change open while later ones are committed and read."""
    early, late, last = await waiting(harness, 3)
    cursor = (await harness.changes())["next_cursor"]
    async with unit_of_work(harness.pool) as held_open:
        await change(harness, held_open, late)
        async with unit_of_work(harness.pool) as connection:
            await change(harness, connection, early)
        before = await harness.changes(cursor)
        assert [one[1] for one in shown(before)] == [early]

    after = await harness.changes(before["next_cursor"])
    assert [one[1] for one in shown(after)] == [late]
    async with unit_of_work(harness.pool) as connection:
        await change(harness, connection, last)
    assert [one[1] for one in shown(await harness.changes(after["next_cursor"]))] == [last]


async def test_places_given_but_not_committed_are_not_passed_over(harness: Harness) -> None:
    """While one replica gives places, another gives none behind them."""
    first, second = await waiting(harness, 2)
    cursor = (await harness.changes())["next_cursor"]
    async with unit_of_work(harness.pool) as connection:
        await change(harness, connection, first)
    async with unit_of_work(harness.pool) as placing:
        assert await store.place_changes(placing, limit=10) == 1
        async with unit_of_work(harness.pool) as connection:
            await change(harness, connection, second)
        assert await place_changes(harness.pool) is False
        assert (await harness.changes(cursor))["items"] == []

    assert [one[1] for one in shown(await harness.changes(cursor))] == [first, second]


async def test_a_reader_beside_racing_writers_sees_every_change_once(harness: Harness) -> None:
    ids = await waiting(harness, 12)
    cursor = (await harness.changes())["next_cursor"]
    seen: list[tuple[str, str, int]] = []

    async def write(order_id: str, number: int) -> None:
        for turn in range(6):
            async with unit_of_work(harness.pool) as connection:
                await change(harness, connection, order_id)
                await connection.execute("SELECT pg_sleep($1)", ((number + turn) % 4) / 200)

    async def read() -> None:
        nonlocal cursor
        await place_changes(harness.pool)
        answer = await harness.call("GET", FEED, params={"after": cursor, "limit": 5})
        found = answer.json()
        cursor = found["next_cursor"]
        seen.extend(shown(found))

    async with asyncio.timeout(60):
        async with asyncio.TaskGroup() as writers:
            tasks = [
                writers.create_task(write(order_id, number)) for number, order_id in enumerate(ids)
            ]
            while not all(task.done() for task in tasks):
                await read()
        while len(seen) < 72:
            await read()

    wanted = [
        ("updated", event.order.order_id, event.revision)
        for event in await harness.events(OrderUpdated)
    ]
    assert sorted(seen) == sorted(wanted)
    for order_id in ids:
        revisions = [revision for _, one, revision in seen if one == order_id]
        assert revisions == sorted(revisions)


async def test_old_changes_are_removed_and_their_cursors_refused(harness: Harness) -> None:
    ids = await waiting(harness, 3)
    old = await harness.changes(limit=1)
    quiet = (await harness.changes())["next_cursor"]
    await harness.pool.execute("DELETE FROM outbox")  # published as long ago
    await harness.pool.execute(
        "UPDATE order_change SET changed_at = $1", clock.now() - KEPT - timedelta(minutes=1)
    )
    await harness.set_status(ids[0], "IN_CANCEL")
    await harness.import_now()
    await harness.changes()
    assert await remove_old_changes(harness.pool, KEPT) is False

    assert [one[0] for one in shown(await harness.changes())] == ["updated"]
    assert [one[0] for one in shown(await harness.changes(quiet))] == ["updated"]
    refused = await harness.call("GET", FEED, params={"after": old["next_cursor"]})
    problem = refused.json()
    assert (refused.status_code, problem["field"]) == (410, "after")
    latest = (await harness.changes("latest"))["next_cursor"]
    assert problem["remedy"].endswith(latest)
    assert (await harness.changes(latest))["items"] == []


async def test_a_change_that_has_no_place_yet_is_not_removed(harness: Harness) -> None:
    await waiting(harness)
    await harness.pool.execute("UPDATE order_change SET changed_at = $1", clock.now() - 2 * KEPT)
    await remove_old_changes(harness.pool, KEPT)
    assert len((await harness.changes())["items"]) == 1


async def test_a_merchant_sees_no_other_merchants_changes(harness: Harness) -> None:
    await waiting(harness)
    await harness.changes()
    foreign = await harness.call("GET", "/v1/merchants/other/orders/changes", merchant_id="other")
    assert foreign.json()["items"] == []
    assert (await harness.call("GET", FEED, merchant_id="other")).status_code == 404


@pytest.mark.parametrize(
    ("after", "status"),
    [
        ("x", 422),
        (cursor_of("x"), 422),
        (cursor_of(1, 2), 422),
        (cursor_of(2**63), 422),
        (cursor_of(-1), 410),
        (cursor_of(2**62), 410),
        ("x" * 101, 422),
        ("", 422),
    ],
)
async def test_a_cursor_that_is_none_is_refused(harness: Harness, after: str, status: int) -> None:
    answer = await harness.call("GET", FEED, params={"after": after})
    assert (answer.status_code, answer.json()["field"]) == (status, "after")
    assert answer.json()["remedy"]


async def test_what_is_published_again_is_no_change_of_the_order(harness: Harness) -> None:
    await waiting(harness)
    before = await harness.changes()
    headers = harness.bearer("operator", merchant_id=None)
    await harness.http.post("/v1/republish", json={}, headers=headers)
    assert await harness.changes() == before
