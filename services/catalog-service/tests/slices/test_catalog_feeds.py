"""Saving and trying a configuration: who may, what it leaves out, which of its names are slips."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from catalog_service.categories.store import request_schemas, save_schema
from catalog_service.feeds.check_feed import check_feed
from catalog_service.feeds.configuration import FeedConfiguration
from catalog_service.feeds.save_feed import apply_configuration
from catalog_service.feeds.warn import find_warnings
from catalog_service.shops.store import keep_shops
from catalog_service.sources.store import add_catalogue
from catalog_service.sources.versions import Catalogue
from common.contracts.catalog import CatalogUpdated
from common.contracts.shop import ShopState
from common.errors import Refusal
from common.messaging.records import NotApplied
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work

from ..catalog_families import SCHEMA

Ingest = Callable[..., Awaitable[list[NotApplied]]]


def form(**changes: Any) -> FeedConfiguration:
    base: dict[str, Any] = {
        "shop": "s",
        "catalogue": "c",
        "main_locale": "en_US",
        "currency": "USD",
        "category": {"source": {"field": "category"}, "exact": {"Shirts": "5"}},
        "languages": {"en_US": {"title": {"field": "title"}, "description": {"field": "title"}}},
        "attributes": {"sku_code": {"field": "product_id"}, "price": {"field": "price"}},
    }
    return FeedConfiguration.model_validate(base | changes)


def row(name: str, parent: str | None = None, **fields: Any) -> CatalogUpdated:
    known: dict[str, Any] = {"title": "Shirt", "category": "Shirts", "price": "10"}
    return CatalogUpdated(
        merchant_id="m",
        catalogue_id="c",
        product_id=name,
        parent_id=parent,
        action="upsert",
        version=1,
        fields=known | fields,
    )


@pytest.fixture
async def catalogue(pool: Pool) -> None:
    async with unit_of_work(pool) as connection:
        await add_catalogue(connection, Catalogue("m", "c", "explicit", "events"))


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize(
    ("known_as", "status", "slug", "next_step"),
    [
        (None, 409, "shop-unknown", "Connect the shop"),
        ({"is_eligible": False, "connection": "pending"}, 403, "not-eligible", "operator"),
        ({"is_eligible": False}, 403, "not-eligible", "operator"),
    ],
)
async def test_only_a_known_seller_configures_a_feed_for_a_known_shop(
    pool: Pool,
    shop_state: ShopState,
    known_as: dict[str, Any] | None,
    status: int,
    slug: str,
    next_step: str,
) -> None:
    async with unit_of_work(pool) as connection:
        if known_as is not None:
            await keep_shops(connection, [msgspec.structs.replace(shop_state, **known_as)])
        with pytest.raises(Refusal) as caught:
            await apply_configuration(connection, "m", "f", form())
    refusal = caught.value
    assert (refusal.status, refusal.slug, refusal.rule) == (status, slug, "M1.1")
    assert (refusal.field, next_step in refusal.remedy) == ("shop", True)
    assert await pool.fetchval("SELECT count(*) FROM feed") == 0


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize("connection_state", ["connected", "lapsed", "disconnected"])
async def test_a_lapsed_shop_can_be_configured(
    pool: Pool, shop_state: ShopState, connection_state: Any
) -> None:
    state = msgspec.structs.replace(shop_state, connection=connection_state)
    async with unit_of_work(pool) as connection:
        await keep_shops(connection, [state])
        feed = await apply_configuration(connection, "m", "f", form())
    assert feed.configuration_version == 1


CHEAP = {"field": "price", "compare": "<", "value": 5}
RED = {"field": "colour", "equals": "red"}


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize(
    ("rule", "excluded", "by_rule"),
    [
        (CHEAP, 2, {"exclude": 2}),
        (RED, 4, {"exclude": 4}),
        ({"any": [CHEAP, RED]}, 6, {"exclude.any.0": 2, "exclude.any.1": 4}),
        ({"all": [CHEAP, RED]}, 0, {"exclude": 0}),
        ({"any": [RED, RED]}, 4, {"exclude.any.0": 4, "exclude.any.1": 4}),
        ({"field": "size", "empty": False}, 6, {"exclude": 6}),
        ({"not": {"field": "size", "empty": True}}, 6, {"exclude": 6}),
        (None, 0, {}),
    ],
)
async def test_each_rule_is_counted_with_the_children_its_parents_take_along(
    pool: Pool,
    ingest: Ingest,
    rule: dict[str, Any] | None,
    excluded: int,
    by_rule: dict[str, int],
) -> None:
    await ingest(
        row("a", price="4.99"),
        row("z", price="1"),
        row("p", colour="Red"),
        row("a1", "p", size="S"),
        row("q1", "p", size="M"),
        row("q2", "p", size="L"),
        row("r", colour="blue"),
        row("r1", "r", size="S"),
        row("k", colour="green"),
        row("k1", "k"),
    )
    found = await check_feed(pool, "m", "f", form(exclude=rule))
    assert (found.products, found.excluded) == (10, excluded)
    assert {count.rule: count.products for count in found.excluded_by} == by_rule


@pytest.mark.usefixtures("catalogue")
async def test_the_first_products_whose_own_row_a_rule_meets_are_named(
    pool: Pool, ingest: Ingest
) -> None:
    rows = [row(f"p{number}", price="1") for number in range(7)]
    await ingest(*rows, row("r", colour="red"), row("r1", "r", size="S"))
    found = await check_feed(pool, "m", "f", form(exclude={"any": [CHEAP, RED]}))
    assert [count.sample for count in found.excluded_by] == [
        ["p0", "p1", "p2", "p3", "p4"],
        ["r"],
    ]


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize(
    ("changes", "warned"),
    [
        ({}, {}),
        (
            {"languages": {"en_US": {"title": {"field": "titel"}, "description": {"field": "x"}}}},
            {
                "languages.en_US.title.field": "Is 'title' meant?",
                "languages.en_US.description.field": "Check its name",
            },
        ),
        (
            {"user_defined_attributes": {"A": {"template": "{{ titel }} {{ fields['prize'] }}"}}},
            {
                "user_defined_attributes.A.template": "meant",
            },
        ),
        (
            {"user_defined_attributes": {"A": {"map": {"from": "colr", "values": {"a": "b"}}}}},
            {"user_defined_attributes.A.map.from": "Check its name"},
        ),
        (
            {"exclude": {"any": [{"field": "pric", "empty": True}]}},
            {"exclude.any.0.field": "price"},
        ),
        ({"user_defined_attributes": {"A": {"field": "rare"}}}, {}),
        ({"user_defined_attributes": {"A": {"field": "parent_id"}}}, {}),
        (
            {
                "category": {
                    "source": {"field": "category"},
                    "exact": {"Shirts > Men": "5", "shirts>men ": "6", "Shirts": "5"},
                }
            },
            {"category.exact.shirts>men ": "Keep one"},
        ),
        (
            {"category_attributes": {"Materail": {"constant": "Wool"}}},
            {"category_attributes.Materail": "Is 'Material' meant?"},
        ),
        ({"sku_attributes": {"Colour": {"field": "title"}}}, {"sku_attributes.Colour": "Color"}),
        ({"category_attributes": {"Material": {"constant": "Wool"}}}, {}),
        (
            {"overrides": {"5": {"category_attributes": {"Sytle": {"constant": "Casual"}}}}},
            {"overrides.5.category_attributes.Sytle": "Is 'Style' meant?"},
        ),
        ({"overrides": {"6": {"category_attributes": {"Sytle": {"constant": "Casual"}}}}}, {}),
    ],
)
async def test_a_name_that_nothing_knows_is_a_warning(
    pool: Pool,
    ingest: Ingest,
    shop_state: ShopState,
    changes: dict[str, Any],
    warned: dict[str, str],
) -> None:
    await ingest(
        *(row(f"a{n:03}") for n in range(250)), row("z", rare="yes", note='a "titel": within')
    )
    key = ("m", "s", "5")
    async with unit_of_work(pool) as connection:
        await keep_shops(connection, [shop_state])
        await request_schemas(connection, [key])
        await save_schema(connection, key, body=msgspec.json.encode(SCHEMA).decode(), refusal=None)
    async with reading(pool) as connection:
        found = await find_warnings(connection, "m", form(**changes))
    assert {warning.field for warning in found} == set(warned)
    for warning in found:
        assert warned[warning.field] in warning.remedy, warning
    tried = await check_feed(pool, "m", "f", form(**changes))
    assert tried.warnings == found


async def test_nothing_is_warned_about_before_anything_is_known(
    pool: Pool, catalogue: None
) -> None:
    slips = form(category_attributes={"Materail": {"field": "titel"}})
    async with reading(pool) as connection:
        assert await find_warnings(connection, "m", slips) == []
