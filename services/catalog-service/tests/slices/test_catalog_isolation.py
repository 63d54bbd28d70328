"""One merchant's hostile feed, template or product never holds another's normalizing."""

import decimal
import json
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from catalog_service.categories.marketplace import Marketplace
from catalog_service.feeds.configuration import FeedConfiguration
from catalog_service.feeds.save_feed import apply_configuration
from catalog_service.feeds.store import find_feed, mark_feed
from catalog_service.normalizing import turn
from catalog_service.normalizing.normalize import Normalized, normalize
from catalog_service.normalizing.worker import Normalizer
from catalog_service.preview.store import list_normalized
from catalog_service.preview.try_event import try_event
from catalog_service.preview.views import ProductLine, product_line
from catalog_service.shops.store import keep_shops
from catalog_service.sources.store import add_catalogue
from catalog_service.sources.versions import Catalogue
from common.contracts.catalog import CatalogUpdated, FieldValue
from common.contracts.product import ProductNormalized
from common.contracts.shop import ShopState
from common.messaging.records import NotApplied
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work

Ingest = Callable[..., Awaitable[list[NotApplied]]]
Emitted = Callable[[], Awaitable[list[ProductNormalized]]]

HOSTILE, HONEST = "a-hostile", "b-honest"


def form(**changes: Any) -> FeedConfiguration:
    base: dict[str, Any] = {
        "shop": "s",
        "catalogue": "c",
        "main_locale": "en_US",
        "currency": "USD",
        "image_checks": "off",
        "category": {"source": {"field": "category"}},
        "languages": {"en_US": {"title": {"field": "title"}, "description": {"field": "title"}}},
        "attributes": {
            "sku_code": {"field": "product_id"},
            "price": {"field": "price"},
            "image_url_list": {"field": "images"},
        },
    }
    return FeedConfiguration.model_validate(base | changes)


def product(merchant: str, name: str, **fields: FieldValue) -> CatalogUpdated:
    known: dict[str, FieldValue] = {"title": f"Clock {name}", "category": "Clocks", "price": "10"}
    return CatalogUpdated(
        merchant_id=merchant,
        catalogue_id="c",
        product_id=name,
        action="upsert",
        version=1,
        fields=known | fields,
    )


async def open_feed(pool: Pool, merchant: str, configuration: FeedConfiguration) -> None:
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
        await apply_configuration(connection, merchant, "f", configuration)


@pytest.fixture
async def feeds(pool: Pool) -> None:
    """The feed f of both merchants."""
    for merchant in (HOSTILE, HONEST):
        await open_feed(pool, merchant, form())


async def settle(pool: Pool, normalizer: Normalizer | None = None) -> None:
    normalizer = normalizer or Normalizer(pool)
    for _ in range(100):
        if not await normalizer.run():
            break
    assert await pool.fetchval("SELECT count(*) FROM family_mark") == 0


async def lines_of(pool: Pool, merchant: str) -> list[ProductLine]:
    """The preview's lines."""
    async with reading(pool) as connection:
        feed = await find_feed(connection, merchant, "f")
        assert feed is not None
        return [product_line(found) for found in await list_normalized(connection, feed)]


async def store_body(pool: Pool, body: str) -> None:
    """Overwrite the hostile merchant's configuration with a row of an earlier release."""
    await pool.execute(
        "UPDATE feed_configuration SET body = $2 WHERE merchant_id = $1", HOSTILE, body
    )
    async with unit_of_work(pool) as connection:
        feed = await find_feed(connection, HOSTILE, "f")
        assert feed is not None
        await mark_feed(connection, feed)


def _nested(levels: int) -> object:
    rule: object = {"field": "a", "equals": "x"}
    for _ in range(levels):
        rule = {"not": rule}
    return rule


def _body(**changes: object) -> str:
    return json.dumps(form().model_dump(mode="json", by_alias=True, exclude_unset=True) | changes)


@pytest.mark.usefixtures("feeds")
@pytest.mark.parametrize(
    "body",
    [
        _body(user_defined_attributes={"a": {"constant": None}}),
        _body(exclude=_nested(200)),
        _body(exclude=_nested(5_000 // 50)),
        _body(exclude={"field": "a", "matches": "("}),
        _body(user_defined_attributes={"a": {"template": "{{ " + "9" * 3_000 + "**9 }}"}}),
        _body(of_a_newer_release=1),
        "null",
        "",
    ],
    ids=["null", "deep", "less deep", "pattern", "template", "unknown key", "nothing", "empty"],
)
async def test_a_stored_configuration_that_cannot_be_used_fails_alone(
    pool: Pool, ingest: Ingest, emitted: Emitted, body: str
) -> None:
    await ingest(product(HOSTILE, "old"))
    await settle(pool)
    (before,) = await emitted()
    await store_body(pool, body)
    await ingest(product(HOSTILE, "new"), product(HONEST, "p"))
    with capture_logs() as logs:
        await settle(pool, Normalizer(pool))
    assert [line.family_id for line in await lines_of(pool, HONEST)] == ["p"]
    lines = {line.family_id: line for line in await lines_of(pool, HOSTILE)}
    assert lines.keys() == {"old", "new"}
    for line in lines.values():
        (issue,) = line.issues
        assert (line.state, issue.rule, issue.severity) == ("invalid", "M3.13", "error")
        assert "configuration" in issue.message
        assert issue.remedy
    assert lines["old"].sku_codes == before.sku_codes == ["old"]  # none is set to stock 0
    assert [log["log_level"] for log in logs if log["event"] == "feed.unusable"] == ["error"]


@pytest.mark.usefixtures("feeds")
async def test_a_feed_that_cannot_be_used_still_deletes_and_recovers(
    pool: Pool, ingest: Ingest, emitted: Emitted
) -> None:
    await ingest(product(HOSTILE, "gone"), product(HOSTILE, "stays"))
    await settle(pool)
    normalizer = Normalizer(pool)
    await store_body(pool, "null")
    await ingest(
        CatalogUpdated(
            merchant_id=HOSTILE, catalogue_id="c", product_id="gone", action="delete", version=2
        )
    )
    await settle(pool, normalizer)
    states = {line.family_id: line.state for line in await lines_of(pool, HOSTILE)}
    assert states == {"gone": "deleted", "stays": "invalid"}
    async with unit_of_work(pool) as connection:
        await apply_configuration(connection, HOSTILE, "f", form(title_too_long="truncate"))
    await settle(pool, normalizer)
    last = (await emitted())[-1]
    assert (last.family_id, last.offers is not None) == ("stays", True)


@pytest.mark.usefixtures("feeds")
async def test_a_dry_run_names_a_feed_that_cannot_be_used(pool: Pool) -> None:
    await store_body(pool, "null")
    async with reading(pool) as connection:
        tried = await try_event(connection, product(HOSTILE, "p"))
    (outcome,) = tried.feeds
    assert (outcome.state, [issue.rule for issue in outcome.issues]) == ("invalid", ["M3.13"])


HOSTILE_TEMPLATES = {
    "joined": "{{ title | list | join(title) }}",
    "rounded": "{{ 5 | round(1000000, 'floor') }}",
    "escaped": "{{ title | replace('x', '&amp;' ~ title) }}",
}


@pytest.mark.parametrize("template", HOSTILE_TEMPLATES.values(), ids=HOSTILE_TEMPLATES)
async def test_a_hostile_template_is_an_issue_of_its_attribute(
    pool: Pool, ingest: Ingest, template: str
) -> None:
    texts = {"title": {"field": "title"}, "description": {"field": "title"}}
    attributes = form().attributes.model_dump(by_alias=True, exclude_unset=True)
    price = {"template": template, "default": "1"}
    hostile = form(languages={"en_US": texts}, attributes=attributes | {"price": price})
    await open_feed(pool, HOSTILE, hostile)
    await open_feed(pool, HONEST, form())
    families = [product(HOSTILE, f"p{n:02}", title="x" * 9_000) for n in range(20)]
    await ingest(*families, product(HONEST, "p"))
    with capture_logs() as logs:
        await settle(pool)
    assert [line.family_id for line in await lines_of(pool, HONEST)] == ["p"]
    for line in await lines_of(pool, HOSTILE):
        assert "sku_info_list > price" in {issue.field for issue in line.issues}
    assert not [log for log in logs if log["log_level"] == "error"]  # its merchant's, no alarm


FAULTS = [
    RecursionError("maximum recursion depth exceeded"),
    MemoryError(),
    ValueError("Exceeds the limit (4300 digits) for integer string conversion"),
    UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"),
    decimal.InvalidOperation(),
    KeyError("price"),
    AssertionError(),
    TimeoutError("of the family's own evaluation"),
]


@pytest.mark.usefixtures("feeds")
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
async def test_a_family_whose_evaluation_raises_fails_alone(
    pool: Pool, ingest: Ingest, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    def raises_for_bad(feed: Any, family_id: str, *given: Any, **named: Any) -> Any:
        if family_id == "bad":
            raise fault
        return normalize(feed, family_id, *given, **named)

    monkeypatch.setattr("catalog_service.normalizing.evaluate.normalize", raises_for_bad)
    await ingest(product(HOSTILE, "bad"), product(HOSTILE, "good"), product(HONEST, "p"))
    with capture_logs() as logs:
        assert await Normalizer(pool).run()
    assert await pool.fetchval("SELECT count(*) FROM family_mark") == 0
    assert [line.family_id for line in await lines_of(pool, HONEST)] == ["p"]
    states = {line.family_id: line for line in await lines_of(pool, HOSTILE)}
    (issue,) = states["bad"].issues
    assert type(fault).__name__ in issue.message
    assert issue.remedy
    assert states["good"].issues != states["bad"].issues
    (alarm,) = [log for log in logs if log["event"] == "family.failed"]
    assert (alarm["log_level"], alarm["family"], alarm["families"]) == ("error", "bad", 1)


HOSTILE_FIELDS: dict[str, dict[str, FieldValue]] = {
    "NUL": {"json": r'"a\u0000b"'},
    "half a character": {"json": r'"a\ud800b"'},
    "a number of many digits": {"json": "9" * 5_000},
    "nested lists": {"json": "[" * 900 + "]" * 900},
    "a list of nothing": {"json": "[null, {}]"},
    "a huge integer": {"title": 10**4_000},
    "a category of many steps": {"category": "a > " * 40_000},
}
EITHER = {"template": "{{ json | from_json if json is defined else title }}"}
FROM_JSON: dict[str, Any] = {
    "category": {"source": {"template": "{{ json | from_json if json is defined else category }}"}},
    "languages": {"en_US": {"title": EITHER, "description": EITHER}},
}


@pytest.mark.parametrize("fields", HOSTILE_FIELDS.values(), ids=HOSTILE_FIELDS)
async def test_a_product_of_hostile_texts_fails_alone(
    pool: Pool, ingest: Ingest, fields: dict[str, FieldValue]
) -> None:
    for merchant in (HOSTILE, HONEST):
        await open_feed(pool, merchant, form(**FROM_JSON))
    await ingest(product(HOSTILE, "bad", **fields), product(HONEST, "p"))
    await settle(pool)
    assert [line.family_id for line in await lines_of(pool, HONEST)] == ["p"]
    (line,) = await lines_of(pool, HOSTILE)
    assert line.issues


WALL_CLOCKS = "152805"
COMPLETE: dict[str, Any] = {
    "category": {"source": {"field": "category"}, "prefix": {"": WALL_CLOCKS}},
    "attributes": {
        "sku_code": {"field": "product_id"},
        "price": {"field": "price"},
        "inventory": {"constant": 5},
        "image_url_list": {"field": "images"},
        "product_units_type": {"constant": "piece/pieces"},
        "inventory_deduction_strategy": {"constant": "place_order_withhold"},
        "package_weight": {"constant": 1},
        "package_length": {"constant": 10},
        "package_width": {"constant": 10},
        "package_height": {"constant": 10},
        "shipping_preparation_time": {"constant": 3},
        "shipping_template_id": {"constant": "free shipping"},
    },
    "category_attributes": {
        "Brand Name": {"constant": "NONE"},
        "Origin": {"constant": "Mainland China"},
        "High-concerned chemical": {"constant": "None"},
        "Material": {"constant": "Plastic"},
        "Style": {"constant": "Modern"},
        "Type": {"constant": "Standard"},
        "Room Space": {"constant": "Kitchen"},
        "Feature": {"constant": "Portable"},
        "Power Source": {"constant": "Battery"},
        "Shape": {"constant": "Round"},
    },
}


@pytest.mark.parametrize("image_checks", ["on", "off"])
async def test_an_address_that_no_index_takes_fails_alone(
    pool: Pool,
    ingest: Ingest,
    marketplace: Marketplace,
    image_checks: str,
) -> None:
    for merchant in (HOSTILE, HONEST):
        await open_feed(pool, merchant, form(image_checks=image_checks, **COMPLETE))
    address = "https://pictures.example/" + "".join(
        random.Random(7).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=9_000)
    )
    honest = product(HONEST, "p", images="https://pictures.example/1.jpg")
    await ingest(product(HOSTILE, "bad", images=address), honest)
    normalizer = Normalizer(pool)
    while await normalizer.run() or await marketplace.fetch_schemas():
        pass
    if image_checks == "on":  # the picture is still to be fetched
        assert await pool.fetchval("SELECT count(*) FROM image_check") == 1
        (line,) = await lines_of(pool, HOSTILE)
        assert any(issue.rule == "M3.5" and "longer" in issue.message for issue in line.issues)
    else:
        assert [line.state for line in await lines_of(pool, HONEST)] == ["valid"]
        assert [line.state for line in await lines_of(pool, HOSTILE)] == ["valid"]


@pytest.mark.usefixtures("feeds")
async def test_a_family_the_database_refuses_fails_alone(
    pool: Pool, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused_for_bad(feed: Any, family_id: str, *given: Any, **named: Any) -> Any:
        if family_id == "bad":
            return Normalized(absent_reason="excluded", title="a\x00b")
        return normalize(feed, family_id, *given, **named)

    monkeypatch.setattr("catalog_service.normalizing.evaluate.normalize", refused_for_bad)
    await ingest(product(HOSTILE, "bad"), product(HOSTILE, "good"), product(HONEST, "p"))
    await settle(pool)
    assert [line.family_id for line in await lines_of(pool, HONEST)] == ["p"]
    assert [line.family_id for line in await lines_of(pool, HOSTILE)] == ["bad", "good"]
    (issue,) = (await lines_of(pool, HOSTILE))[0].issues
    assert "failed on this product" in issue.message


async def turns_until(
    pool: Pool, normalizer: Normalizer, merchant: str, families: Sequence[str]
) -> int:
    turns = 0
    while [line.family_id for line in await lines_of(pool, merchant)] != list(families):
        assert await normalizer.run()
        turns += 1
    return turns


@pytest.mark.usefixtures("feeds")
async def test_a_merchant_whose_families_take_long_does_not_hold_the_others(
    pool: Pool, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn, "MERCHANT_SECONDS", 1e-9)  # one family a turn
    slow = [f"p{n:03}" for n in range(400)]
    await ingest(*(product(HOSTILE, name) for name in slow))
    await ingest(product(HONEST, "p"))
    normalizer = Normalizer(pool)
    assert await turns_until(pool, normalizer, HONEST, ["p"]) <= 2
    monkeypatch.undo()
    await settle(pool, normalizer)
    assert len(await lines_of(pool, HOSTILE)) == 50  # the first page
    assert await pool.fetchval("SELECT count(*) FROM normalized_product") == 401
