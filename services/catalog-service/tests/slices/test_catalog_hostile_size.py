"""One merchant's huge families, costly rules and many feeds: another's products are on time."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from catalog_service.feeds.compile import compile_feed
from catalog_service.feeds.configuration import FeedConfiguration
from catalog_service.feeds.save_feed import apply_configuration
from catalog_service.normalizing.worker import Normalizer
from catalog_service.shops.store import keep_shops
from catalog_service.sources.store import add_catalogue
from catalog_service.sources.versions import Catalogue
from common.contracts.catalog import CatalogUpdated, FieldValue
from common.contracts.shop import ShopState
from common.errors import Refusal
from common.messaging.records import NotApplied
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work

Ingest = Callable[..., Awaitable[list[NotApplied]]]
HOSTILE, HONEST = "a-hostile", "b-honest"
TURNS_AT_MOST = 2
"""A hostile merchant has one turn before the other's is over."""
TURNS_OF_MANY_MARKS = 5
"""Where a family has more marks than a turn looks through."""
CHILDREN = 20_000
RULES = 1_000
"""As many as a configuration takes."""


def form(**changes: Any) -> FeedConfiguration:
    text = {"field": "title"}
    base: dict[str, Any] = {
        "shop": "s",
        "catalogue": "c",
        "main_locale": "en_US",
        "currency": "USD",
        "image_checks": "off",
        "category": {"source": {"field": "category"}},
        "languages": {"en_US": {"title": text, "description": text}},
        "attributes": {
            "sku_code": {"field": "product_id"},
            "price": {"field": "price"},
            "inventory": {"field": "stock"},
            "image_url_list": {"field": "images"},
        },
    }
    return FeedConfiguration.model_validate(base | changes)


def product(merchant: str, name: str, parent: str | None = None, **more: FieldValue) -> Any:
    known: dict[str, FieldValue] = {"title": f"Clock {name}", "price": "10", "stock": 5}
    return CatalogUpdated(
        merchant_id=merchant,
        catalogue_id="c",
        product_id=name,
        parent_id=parent,
        action="upsert",
        version=1,
        fields=known | more,
    )


async def open_feeds(pool: Pool, merchant: str, **feeds: FeedConfiguration) -> None:
    shop = ShopState(
        merchant_id=merchant,
        shop_id="s",
        revision=1,
        is_eligible=True,
        connection="connected",
        generation=1,
        seller_id=f"seller of {merchant}",
    )
    async with unit_of_work(pool) as connection:
        await keep_shops(connection, [shop])
        await add_catalogue(connection, Catalogue(merchant, "c", "explicit", "events"))
        for name, configuration in feeds.items():
            await apply_configuration(connection, merchant, name, configuration)


async def count_normalized(pool: Pool, merchant: str) -> int:
    return int(
        await pool.fetchval(
            "SELECT count(*) FROM normalized_product WHERE merchant_id = $1", merchant
        )
    )


async def turns_until_honest_is_done(pool: Pool, normalizer: Normalizer) -> int:
    turns = 0
    while not await count_normalized(pool, HONEST):
        assert await normalizer.run()
        turns += 1
    return turns


async def settle(normalizer: Normalizer) -> None:
    while await normalizer.run():
        pass


COSTLY_PATTERNS = (
    r"^(a+)+$",
    r"(a|aa)+$",
    r"(.*)(.*)(.*)(.*)(.*)x$",
    r"^(([a-z])+.)+[A-Z]([a-z])+$",
    r"(?:a?){200}a{200}!",
)
EXCLUSIONS: dict[str, dict[str, Any]] = {
    "costly patterns": {
        "any": [{"field": "title", "matches": pattern} for pattern in COSTLY_PATTERNS * 20]
    },
    "many rules": {"any": [{"field": "title", "contains": f"never {n}"} for n in range(RULES - 1)]},
    "many choices": {
        "any": [{"field": "title", "in": [f"{n} {m}" for m in range(20_000)]} for n in range(4)]
    },
    "not of not": {"not": {"not": {"any": [{"field": "title", "contains": "a" * 999}] * 900}}},
}


@pytest.mark.parametrize("exclude", EXCLUSIONS.values(), ids=EXCLUSIONS)
async def test_a_merchants_exclusions_hold_no_other_merchant(
    pool: Pool, ingest: Ingest, exclude: dict[str, Any]
) -> None:
    await open_feeds(pool, HOSTILE, f=form(exclude=exclude))
    await open_feeds(pool, HONEST, f=form())
    await ingest(
        *(product(HOSTILE, f"p{n:03}", title="a" * 9_000 + "!") for n in range(300)),
        product(HONEST, "p"),
    )
    normalizer = Normalizer(pool)
    with capture_logs() as logs:
        assert await turns_until_honest_is_done(pool, normalizer) <= TURNS_AT_MOST
        await settle(normalizer)
    assert await count_normalized(pool, HOSTILE) == 300
    assert not [log for log in logs if log["log_level"] == "error"]  # its merchant's, no alarm


@pytest.mark.parametrize(
    "exclude",
    [
        {"any": [{"field": "title", "equals": "x"}] * 10_000},
        {"all": [{"any": [{"field": "title", "matches": "(a+)+$"}] * 100}] * 100},
    ],
    ids=["in a row", "nested"],
)
def test_ten_thousand_rules_are_refused_when_they_are_saved(exclude: dict[str, Any]) -> None:
    began = time.process_time()
    with pytest.raises(Refusal) as caught:
        compile_feed(HOSTILE, "f", 1, form(exclude=exclude))
    assert (caught.value.rule, bool(caught.value.remedy)) == ("M3.13", True)
    assert time.process_time() - began < 5


@pytest.mark.parametrize("id_length", [8, 250])
async def test_a_family_of_20_000_children_holds_no_other_merchant(
    pool: Pool, ingest: Ingest, id_length: int
) -> None:
    sizes: dict[str, Any] = {"sku_attributes": {"Size": {"field": "size"}}}
    await open_feeds(pool, HOSTILE, f=form(**sizes))
    await open_feeds(pool, HONEST, f=form())
    names = [f"{n:0{id_length}}" for n in range(CHILDREN)]
    await ingest(
        product(HOSTILE, "big"),
        *(product(HOSTILE, name, "big", size=name[-8:]) for name in names),
        *(product(HOSTILE, f"p{n:03}") for n in range(300)),
        product(HONEST, "p"),
    )
    normalizer = Normalizer(pool)
    with capture_logs() as logs:
        assert await turns_until_honest_is_done(pool, normalizer) <= TURNS_OF_MANY_MARKS
        await settle(normalizer)
    assert not [log for log in logs if log["log_level"] == "error"]
    assert await count_normalized(pool, HOSTILE) == 301
    states = await pool.fetchval("SELECT state FROM normalized_product WHERE family_id = 'big'")
    assert states == "invalid"


async def test_many_feeds_on_one_catalogue_hold_no_other_merchant(
    pool: Pool, ingest: Ingest
) -> None:
    await open_feeds(pool, HOSTILE, **{f"f{n}": form() for n in range(20)})
    await open_feeds(pool, HONEST, f=form())
    await ingest(*(product(HOSTILE, f"p{n:03}") for n in range(300)), product(HONEST, "p"))
    normalizer = Normalizer(pool)
    assert await turns_until_honest_is_done(pool, normalizer) <= TURNS_AT_MOST
    await settle(normalizer)
    assert await count_normalized(pool, HOSTILE) == 20 * 300
