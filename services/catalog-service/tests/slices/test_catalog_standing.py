"""What changes although no row does: sales begin and end, products come online, children go."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Literal

import pytest

from catalog_service.feeds.save_feed import apply_configuration
from catalog_service.feeds.store import load_feed
from catalog_service.normalizing.mark_due import JOB, SaleCalendar
from catalog_service.normalizing.store import keep_reports, list_due, mark_due
from catalog_service.preview.check_families import check_families
from catalog_service.preview.store import count_missing, count_states, list_issue_groups
from catalog_service.preview.try_event import try_event
from catalog_service.sources.store import add_catalogue
from catalog_service.sources.versions import Catalogue
from common import clock
from common.contracts.product import ProductNormalized, ProductReported
from common.messaging.records import NotApplied
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work

from ..wall_clocks import form, gone, row

Ingest = Callable[..., Awaitable[list[NotApplied]]]
Settle = Callable[[], Awaitable[None]]
Emitted = Callable[[], Awaitable[list[ProductNormalized]]]


Status = Literal["live", "rejected", "deleted"]


@pytest.fixture
async def feed(pool: Pool, connected_shop: None) -> None:
    async with unit_of_work(pool) as connection:
        await add_catalogue(connection, Catalogue("m", "c", "explicit", "events"))
        await apply_configuration(connection, "m", "f", form())


@pytest.fixture
def pass_hours() -> Iterator[Callable[[float], None]]:
    yield lambda hours: clock.set_to(clock.now() + timedelta(hours=hours))
    clock.set_to(clock.wall_now())


@pytest.fixture
def report(pool: Pool) -> Callable[..., Awaitable[None]]:
    async def send(status: Status, revision: int) -> None:
        sent = ProductReported(
            merchant_id="m",
            feed_id="f",
            family_id="a",
            revision=revision,
            desired_revision=revision,
            status=status,
            marketplace_product_id=None if status == "deleted" else "1005",
        )
        async with unit_of_work(pool) as connection:
            await keep_reports(connection, [sent])

    return send


def discounts(events: list[ProductNormalized]) -> dict[str, str | None]:
    return {event.family_id: (event.offers or [])[0].discount_price for event in events}


@pytest.mark.usefixtures("feed")
async def test_a_sale_begins_and_ends_without_an_event(
    pool: Pool,
    ingest: Ingest,
    settle: Settle,
    emitted: Emitted,
    pass_hours: Callable[[float], None],
) -> None:
    calendar = SaleCalendar(pool)
    begins, ends = (clock.now() + timedelta(hours=hours) for hours in (1, 2))
    dates = {"discount_from": begins.isoformat(), "discount_until": ends.isoformat()}
    await ingest(row("a", 1, sale="8", **dates), row("b", 1, sale="8"))
    await settle()
    assert discounts(await emitted()) == {"a": None, "b": "8.00"}
    assert not await calendar.run()
    for discount in ("8.00", None):
        pass_hours(1.01)
        assert await calendar.run()
        await settle()
        assert discounts(await emitted()) == {"a": discount}
        assert not await calendar.run()
    assert await pool.fetchval("SELECT count(due_at) FROM normalized_product") == 0


@pytest.mark.usefixtures("feed")
async def test_a_killed_turn_and_replicas_mark_each_due_family_once(
    pool: Pool, ingest: Ingest, settle: Settle, pass_hours: Callable[[float], None]
) -> None:
    ends = (clock.now() + timedelta(hours=1)).isoformat()
    await ingest(*(row(f"a{n}", 1, sale="8", discount_until=ends) for n in range(20)))
    await settle()
    pass_hours(1.01)
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        due = await list_due(connection, JOB, limit=1_000)
        assert len(due) == 20
        await mark_due(connection, due)
        assert await connection.fetchval("SELECT count(*) FROM family_mark") == 20
        await transaction.rollback()  # as Postgres does when the process is gone before it commits
    assert await pool.fetchval("SELECT count(*) FROM family_mark") == 0
    await asyncio.gather(*(SaleCalendar(pool).run() for _ in range(4)))
    marked = await pool.fetch("SELECT family_id, feed_id FROM family_mark")
    assert sorted(mark["family_id"] for mark in marked) == sorted(f"a{n}" for n in range(20))
    assert {mark["feed_id"] for mark in marked} == {"f"}


@pytest.mark.usefixtures("feed")
async def test_what_is_right_for_stock_0_depends_on_being_online(
    pool: Pool,
    ingest: Ingest,
    settle: Settle,
    emitted: Emitted,
    report: Callable[..., Awaitable[None]],
) -> None:
    states = []

    async def note() -> None:
        await settle()
        await emitted()
        states.append(await pool.fetchval("SELECT state FROM normalized_product"))

    await ingest(row("a", 1, stock="0"))
    await note()
    await report("rejected", 1)  # looked at, and known to AliExpress under an id
    await report("live", 2)
    await note()
    await report("deleted", 3)
    await note()
    await ingest(row("a", 2, stock="4"))
    await note()
    assert states == ["offers_invalid", "valid", "offers_invalid", "valid"]


@pytest.mark.usefixtures("feed")
async def test_a_dry_run_knows_what_is_online(
    pool: Pool, ingest: Ingest, settle: Settle, report: Callable[..., Awaitable[None]]
) -> None:
    await ingest(row("a", 1))
    await settle()
    for status, revision, state in (("live", 1, "valid"), ("deleted", 2, "offers_invalid")):
        await report(status, revision)
        async with unit_of_work(pool) as connection:
            tried = await try_event(connection, row("a", 2, stock="0"))
        assert [outcome.state for outcome in tried.feeds] == [state]


@pytest.mark.usefixtures("feed")
async def test_a_family_goes_with_its_last_child_though_its_parents_row_stays(
    ingest: Ingest, settle: Settle, emitted: Emitted
) -> None:
    await ingest(row("p", 1), row("a", 1, "p", color="Red"))
    await settle()
    assert [event.sku_codes for event in await emitted()] == [["a"]]
    await ingest(gone("a", 2))  # without naming its parent
    await settle()
    (event,) = await emitted()
    assert (event.family_id, event.presence, event.absent_reason) == ("p", "absent", "deleted")
    await ingest(row("p", 2, title="Still a parent"))
    await settle()
    assert [event for event in await emitted() if event.presence == "present"] == []
    await ingest(gone("p", 3))
    await settle()
    await ingest(row("p", 4))
    await settle()
    assert [event.sku_codes for event in await emitted()][-1] == ["p"]


@pytest.mark.usefixtures("feed")
async def test_a_grandchild_is_told_which_row_is_in_its_way(
    ingest: Ingest, settle: Settle, emitted: Emitted
) -> None:
    await ingest(row("top", 1), row("mid", 1, "top", color="Red"), row("low", 1, "mid"))
    await settle()
    events = {event.family_id: event for event in await emitted()}
    assert events["top"].sku_codes == ["mid"]
    assert (events["mid"].sku_codes, events["mid"].product_ids) == (["low"], ["low"])
    assert events["mid"].content_part is not None
    (issue,) = [i for i in events["mid"].content_part.issues if i.rule == "M4.1"]
    assert "'mid'" in issue.message
    assert "'top'" in issue.message
    await ingest(row("low", 2, "top", color="Blue"))
    await settle()
    events = {event.family_id: event for event in await emitted()}
    assert events["top"].sku_codes == ["low", "mid"]
    assert events["mid"].absent_reason == "deleted"


@pytest.mark.usefixtures("feed")
async def test_groups_of_issues_keep_different_causes_apart(
    pool: Pool, ingest: Ingest, settle: Settle
) -> None:
    await ingest(
        row("a", 1, title="x" * 230, price="5 pcs"),
        row("b", 1, title="y" * 300, price="6 pcs"),
        row("c", 1, title="a <b>", price="-3"),
        row("d", 1, title="c <d>", price="", sale="soon"),
    )
    await settle()
    async with unit_of_work(pool) as connection:
        groups = await list_issue_groups(
            connection, await load_feed(connection, "m", "f"), limit=50
        )
    found = {
        (group["field"], tuple(group["examples"]))
        for group in groups
        if group["severity"] == "error"
    }
    title, price = "title_multi_language_list > en_US", "sku_info_list > price"
    assert found == {
        *((title, ("a", "b")), (title, ("c", "d"))),
        *((price, ("a", "b")), (price, ("c",)), (price, ("d",))),
    }
    assert all(group["remedy"] for group in groups)


@pytest.mark.usefixtures("feed")
async def test_a_check_counts_families_as_the_evaluation_does(
    pool: Pool, ingest: Ingest, settle: Settle
) -> None:
    await ingest(
        *(row("p", 1), row("p-1", 1, "p", color="Red"), row("p-2", 1, "p", color="Blue")),
        *(row("o-1", 1, "o", color="Red"), row("o-2", 1, "o", color="Blue")),  # without a parent
        *(row("s", 1), row("t", 1, title="", stock="0"), row("u", 1, material="Moonlight")),
        *(row("x", 1, category="Excluded"), row("w", 1, category="Nowhere"), gone("g", 1)),
    )
    rule = {"field": "category", "equals": "Excluded"}
    for synthesises in (False, True):
        tried = form(synthesise_parents=synthesises, exclude=rule)
        before = await check_families(pool, "m", "f", tried)
        async with unit_of_work(pool) as connection:
            await apply_configuration(connection, "m", "f", tried)
        await settle()
        after = await check_families(pool, "m", "f", tried)
        async with unit_of_work(pool) as connection:
            feed = await load_feed(connection, "m", "f")
            states = await count_states(connection, feed)
            missing = await count_missing(connection, feed)
        assert (after.states, after.families, after.is_partial) == (states, 7, False)
        assert {lacking.field: lacking.products for lacking in after.lacking} == missing
        assert states["valid"] == (3 if synthesises else 2)
        assert "category_attributes > Material" in {cause.field for cause in after.causes}
        assert before.families == after.families
        # Schemas are not fetched for a check: before the first one is there, families wait.
        assert ("waiting" in before.states) == (not synthesises)
