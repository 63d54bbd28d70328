"""Events in, `product.normalized` out, on the sandbox's real schemas."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from functools import partial

import msgspec
import pytest

from catalog_service.families.store import listed, mark
from catalog_service.feeds.save_feed import apply_configuration, remove_feed
from catalog_service.normalizing.store import keep_reports
from catalog_service.normalizing.worker import Normalizer
from catalog_service.shops.store import keep_shops
from catalog_service.sources.store import add_catalogue
from catalog_service.sources.versions import Catalogue
from common import clock
from common.contracts.product import ProductNormalized, ProductReported
from common.contracts.shop import ShopState
from common.messaging.records import NotApplied
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work

from ..wall_clocks import WALL_CLOCKS, form, gone, row

Ingest = Callable[..., Awaitable[list[NotApplied]]]
Settle = Callable[[], Awaitable[None]]
Emitted = Callable[[], Awaitable[list[ProductNormalized]]]


@pytest.fixture
async def feed(pool: Pool, connected_shop: None) -> None:
    async with unit_of_work(pool) as connection:
        await add_catalogue(connection, Catalogue("m", "c", "explicit", "events"))
        await apply_configuration(connection, "m", "f", form())


def live(event: ProductNormalized) -> ProductReported:
    return ProductReported(
        merchant_id="m",
        feed_id="f",
        family_id=event.family_id,
        revision=1,
        desired_revision=event.revision,
        status="live",
    )


@pytest.mark.parametrize("is_known", [True, False], ids=["changed", "new"])
async def test_a_family_that_comes_in_while_its_feed_is_saved_is_evaluated_by_what_was_saved(
    pool: Pool,
    connected_shop: None,
    ingest: Ingest,
    settle: Settle,
    emitted: Emitted,
    is_known: bool,
) -> None:
    async with unit_of_work(pool) as connection:
        await add_catalogue(connection, Catalogue("m", "c", "explicit", "events"))
        if is_known:
            other = {"source": {"field": "category"}, "prefix": {"Pillows": WALL_CLOCKS}}
            await apply_configuration(connection, "m", "f", form(category=other))
    async with unit_of_work(pool) as connection:
        await apply_configuration(connection, "m", "f", form())
        await ingest(row("a", 1))
        await Normalizer(pool).run()
    await settle()
    events = await emitted()
    assert [event.content.category_id for event in events if event.content] == [WALL_CLOCKS]


@pytest.mark.usefixtures("feed")
async def test_a_simple_product_is_valid_on_the_marketplaces_schema(
    ingest: Ingest, settle: Settle, emitted: Emitted
) -> None:
    await ingest(row("a", 1, sale="8.5"))
    await settle()
    (event,) = await emitted()
    assert event.content_part is not None
    assert [i for i in event.content_part.issues if i.severity == "error"] == []
    assert event.content is not None
    assert event.content.category_id == WALL_CLOCKS
    assert event.content.category_attributes["Brand Name"].value == "201512802"
    assert event.offers is not None
    assert (event.offers[0].price, event.offers[0].discount_price) == ("10.00", "8.50")
    assert event.offers[0].inventory == 5


@pytest.mark.usefixtures("feed")
async def test_a_bad_sale_price_is_emitted_beside_every_stock_and_the_other_prices(
    pool: Pool, ingest: Ingest, settle: Settle, emitted: Emitted
) -> None:
    colours = {"sp-a": "Red", "sp-b": "Blue", "sp-c": "Green"}
    family = [row(code, 1, "sp", color=colour) for code, colour in colours.items()]
    await ingest(row("sp", 1), *family, row("sq", 1))
    await settle()
    before = {event.family_id: event for event in await emitted()}
    async with unit_of_work(pool) as connection:
        await keep_reports(connection, [live(event) for event in before.values()])
    await ingest(
        row("sp-a", 2, "sp", color="Red", sale="39.90"),
        row("sp-b", 2, "sp", color="Blue", stock="0"),
        row("sq", 2, stock="0", sale="n/a"),
    )
    await settle()
    events = {event.family_id: event for event in await emitted()}
    sp, sq = events["sp"], events["sq"]
    assert [offer.sku_code for offer in sp.offers or ()] == ["sp-b", "sp-c"]
    assert {s.sku_code: s.inventory for s in sp.stock or ()} == {"sp-a": 5, "sp-b": 0, "sp-c": 5}
    assert (sq.offers, [s.inventory for s in sq.stock or ()]) == (None, [0])
    for event in (sp, sq):
        assert event.offers_part is not None
        assert not event.offers_part.is_valid
        assert [(i.rule, i.value) for i in event.offers_part.issues] == [
            ("M3.9", "39.90" if event is sp else "n/a")
        ]
        assert event.stock_part is not None
        assert event.stock_part.is_valid
        assert event.content_part == before[event.family_id].content_part
    states = await pool.fetch("SELECT family_id, state, rules FROM normalized_product ORDER BY 1")
    assert [(r["family_id"], r["state"]) for r in states] == [
        ("sp", "offers_invalid"),
        ("sq", "offers_invalid"),
    ]
    assert all("M3.9" in r["rules"] for r in states)

    await ingest(row("sq", 3, stock="2", sale="n/a"))
    await settle()
    (event,) = await emitted()
    assert [s.inventory for s in event.stock or ()] == [2]


@pytest.mark.usefixtures("feed")
async def test_a_family_is_one_event_whatever_order_its_members_come_in(
    ingest: Ingest, settle: Settle, emitted: Emitted
) -> None:
    await ingest(row("c2", 1, "p", color="Red"), row("c1", 1, "p", color="Blue"), row("p", 1))
    await settle()
    (event,) = await emitted()
    assert event.family_id == "p"
    assert event.sku_codes == ["c1", "c2"]
    assert event.content is not None
    assert [sku.sku_code for sku in event.content.skus] == ["c1", "c2"]


@pytest.mark.usefixtures("feed")
async def test_only_a_change_is_emitted_and_its_revision_rises(
    pool: Pool, ingest: Ingest, settle: Settle, emitted: Emitted
) -> None:
    await ingest(row("a", 1))
    await settle()
    (first,) = await emitted()
    await ingest(row("a", 2, unused="x"))
    await settle()
    assert await emitted() == []
    await ingest(row("a", 3, price="11"))
    await settle()
    (second,) = await emitted()
    assert second.revision > first.revision
    assert second.content_part == first.content_part
    await ingest(gone("a", 4))
    await settle()
    (third,) = await emitted()
    assert (third.presence, third.absent_reason) == ("absent", "deleted")
    assert await pool.fetchval("SELECT count(*) FROM family_mark") == 0


@pytest.fixture
def set_clock() -> Iterator[Callable[[datetime], None]]:
    """Time stands still then."""
    yield partial(clock.set_to, is_frozen=True)
    clock.set_to(clock.wall_now())


@pytest.mark.usefixtures("feed")
async def test_an_event_says_when_the_oldest_change_came_in_that_it_takes_up(
    ingest: Ingest,
    settle: Settle,
    emitted: Emitted,
    set_clock: Callable[[datetime], None],
) -> None:
    await ingest(row("a", 1))
    await settle()
    await emitted()
    came_in = clock.now() + timedelta(hours=1)
    for minutes, version in ((0, 2), (20, 3)):
        set_clock(came_in + timedelta(minutes=minutes))
        await ingest(row("a", version, price=f"1{version}"))
    set_clock(came_in + timedelta(minutes=50))
    await settle()
    (event,) = await emitted()
    assert event.changed_at == came_in


@pytest.mark.usefixtures("feed")
async def test_a_child_without_its_parent_is_named_and_still_offers_its_stock(
    ingest: Ingest, settle: Settle, emitted: Emitted
) -> None:
    await ingest(row("c1", 1, "p", color="Blue"))
    await settle()
    (event,) = await emitted()
    assert event.content_part is not None
    issue = next(i for i in event.content_part.issues if i.rule == "M4.1")
    assert issue.sku == "c1"
    assert event.offers is not None


async def test_a_feed_whose_shop_has_lapsed_keeps_its_families_dirty(
    pool: Pool, ingest: Ingest, emitted: Emitted, shop_state: ShopState
) -> None:
    async with unit_of_work(pool) as connection:
        await keep_shops(connection, [msgspec.structs.replace(shop_state, connection="lapsed")])
        await add_catalogue(connection, Catalogue("m", "c", "explicit", "events"))
        await apply_configuration(connection, "m", "f", form())
    await ingest(row("a", 1))
    normalizer = Normalizer(pool)
    while await normalizer.run():
        pass
    assert await emitted() == []
    waits = await pool.fetch("SELECT feed_id, waits_for FROM family_wait")
    assert [tuple(wait) for wait in waits] == [("f", f"schema:s/{WALL_CLOCKS}")]


@pytest.mark.usefixtures("feed")
async def test_a_removed_feed_says_that_its_families_are_absent(
    pool: Pool, ingest: Ingest, settle: Settle, emitted: Emitted
) -> None:
    await ingest(row("a", 1))
    await settle()
    await emitted()
    async with unit_of_work(pool) as connection:
        await remove_feed(connection, "m", "f")
    await settle()
    (event,) = await emitted()
    assert event.absent_reason == "feed_removed"


@pytest.mark.usefixtures("feed")
async def test_an_excluded_product_is_absent_and_comes_back(
    pool: Pool, ingest: Ingest, settle: Settle, emitted: Emitted
) -> None:
    await ingest(row("a", 1), row("b", 1, price="1"))
    await settle()
    await emitted()
    rule = {"field": "price", "compare": "<", "value": 5}
    async with unit_of_work(pool) as connection:
        await apply_configuration(connection, "m", "f", form(exclude=rule))
    await settle()
    assert [(e.family_id, e.absent_reason) for e in await emitted()] == [("b", "excluded")]
    async with unit_of_work(pool) as connection:
        await apply_configuration(connection, "m", "f", form())
    await settle()
    assert [(e.family_id, e.presence) for e in await emitted()] == [("b", "present")]


@pytest.mark.usefixtures("feed")
async def test_the_main_language_of_a_live_product_cannot_change(
    pool: Pool, ingest: Ingest, settle: Settle, emitted: Emitted
) -> None:
    await ingest(row("a", 1))
    await settle()
    (event,) = await emitted()
    async with unit_of_work(pool) as connection:
        await keep_reports(connection, [live(event)])
        texts = {"title": {"field": "title"}, "description": {"field": "title"}}
        spanish = form(main_locale="es_ES", languages={"es_ES": texts})
        await apply_configuration(connection, "m", "f", spanish)
    await settle()
    (event,) = await emitted()
    assert event.content_part is not None
    assert "M3.1" in {issue.rule for issue in event.content_part.issues}
    assert event.content is None
    assert event.offers is not None


async def test_a_merchant_with_very_many_quick_families_delays_no_other(pool: Pool) -> None:
    async with unit_of_work(pool) as connection:
        many = [("busy", "c", f"{n:04}", None, None) for n in range(2_000)]
        await mark(connection, listed([*many, ("quiet", "c", "1", None, None)]))
    normalizer = Normalizer(pool)

    assert await normalizer.run()
    assert await normalizer.run()

    left = await pool.fetch("SELECT DISTINCT merchant_id FROM family_mark")
    assert [merchant for (merchant,) in left] == ["busy"]
    while await normalizer.run():
        pass
    assert await pool.fetchval("SELECT count(*) FROM family_mark") == 0
