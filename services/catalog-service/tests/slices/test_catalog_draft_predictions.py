"""What a draft says of each product is what applying it does, to the last byte that is sent."""

import json
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
import yaml

from catalog_service.categories.marketplace import Marketplace
from catalog_service.drafts.evaluate_draft import DraftEvaluator
from catalog_service.feeds.configuration import FeedConfiguration
from common.contracts.catalog import CatalogUpdated
from common.contracts.product import ProductNormalized
from common.messaging.records import NotApplied
from common.postgres.pool import Pool

from ..trying import CHEAPER, tried
from ..wall_clocks import form, gone, row

SAMPLE = Path(__file__).parents[4] / "examples" / "sample"
Ingest = Callable[..., Awaitable[list[NotApplied]]]
Settle = Callable[[], Awaitable[None]]
Emitted = Callable[[], Awaitable[list[ProductNormalized]]]

PRICES = ({"field": "price"}, {"field": "new_price"}, {"template": "{{ price }}", "default": "7"})
TITLES = ({"field": "title"}, {"template": "{{ title }} {{ brand }}"}, {"constant": "A clock"})
EXCLUSIONS = (
    None,
    {"field": "brand", "equals": "Acme"},
    {"any": [{"field": "color", "equals": "Red"}, {"field": "price", "compare": ">", "value": 12}]},
)
PATHS: tuple[dict[str, Any], ...] = (
    {},
    {"Clocks > Wall": {"attributes": {"package_weight": {"constant": 2}}}},
)
COLOURS = ({"field": "color"}, {"field": "color", "unknown": "omit"})


def any_configuration(chance: random.Random) -> FeedConfiguration:
    title = chance.choice(TITLES)
    changes: dict[str, Any] = {
        "attributes": CHEAPER | {"price": chance.choice(PRICES)},
        "languages": {"en_US": {"title": title, "description": {"field": "title"}}},
        "sku_attributes": {"Color": chance.choice(COLOURS)},
        "path_overrides": chance.choice(PATHS),
        "synthesise_parents": chance.random() < 0.5,
        "title_too_long": chance.choice(["reject", "truncate"]),
    }
    if (rule := chance.choice(EXCLUSIONS)) is not None:
        changes["exclude"] = rule
    return form(**changes)


def any_rows(chance: random.Random) -> list[Any]:
    """Simple products and families, some without a parent, with much missing."""
    rows = []
    for number in range(40):
        fields = {
            "brand": chance.choice(["Acme", "Zenit", ""]),
            "color": chance.choice(["Red", "Blue", "Mauve"]),
            "price": str(chance.randrange(5, 20)),
        }
        if chance.random() < 0.6:
            fields["new_price"] = chance.choice(["8", "9.99", "free"])
        if chance.random() < 0.1:
            fields["title"] = "Clock " * 60
        parent = f"p{chance.randrange(44):02}" if chance.random() < 0.3 else None
        name = f"p{number:02}"
        rows.append(row(name, 1, None if parent == name else parent, **fields))
    return rows


async def stored(pool: Pool) -> dict[str, tuple[str, bytes]]:
    rows = await pool.fetch("SELECT family_id, state, digest FROM normalized_product")
    return {family: (state, digest) for family, state, digest in rows}


async def predicted(pool: Pool) -> dict[str, tuple[str, bytes]]:
    rows = await pool.fetch("SELECT family_id, change, digest FROM feed_draft_family")
    return {family: (json.loads(change)["after_state"], digest) for family, change, digest in rows}


def sample_rows() -> list[CatalogUpdated]:
    lines = (SAMPLE / "products.jsonl").read_text().splitlines()
    rows = [msgspec.json.decode(line, type=CatalogUpdated) for line in lines]
    newest = {one.product_id: one for one in rows}
    return [
        msgspec.structs.replace(one, merchant_id="m", catalogue_id="c") for one in newest.values()
    ]


def sample_feed(**changes: Any) -> FeedConfiguration:
    body = yaml.safe_load((SAMPLE / "feed.yaml").read_text())
    at_home = {"shop": "s", "catalogue": "c", "image_checks": "off"}
    return FeedConfiguration.model_validate(body | at_home | changes)


OF_THE_SAMPLE: list[dict[str, Any]] = [
    {},
    {"units": {"weight": "g"}},
    {"exclude": {"field": "category", "contains": "Women"}},
    {"path_overrides": {"Home": {"attributes": {"price": {"field": "price_es"}}}}},
    {"category": {"source": {"field": "category"}, "prefix": {"Women": "200000346"}}},
    {},
]


async def test_applying_to_the_sample_does_what_was_predicted(
    api: httpx2.AsyncClient,
    evaluator: DraftEvaluator,
    pool: Pool,
    ingest: Ingest,
    settle: Settle,
    emitted: Emitted,
    marketplace: Marketplace,
) -> None:
    await ingest(*sample_rows())
    kinds: set[str] = set()
    for changes in OF_THE_SAMPLE:
        path, draft = await tried(api, evaluator, sample_feed(**changes), marketplace)
        before, expected = await stored(pool), await predicted(pool)
        assert len(expected) >= 3, changes
        kinds |= draft["result"]["kinds"].keys()
        await emitted()
        assert (await api.post(f"{path}/apply")).status_code == 200
        await settle()
        assert await stored(pool) == before | expected
        assert {event.family_id for event in await emitted()} == expected.keys()
    assert kinds >= {"created", "changed", "deleted", "held_back", "unchanged"}


@pytest.mark.parametrize("seed", range(4))
async def test_applying_does_what_was_predicted(
    api: httpx2.AsyncClient,
    evaluator: DraftEvaluator,
    pool: Pool,
    ingest: Ingest,
    settle: Settle,
    emitted: Emitted,
    marketplace: Marketplace,
    seed: int,
) -> None:
    chance = random.Random(seed)
    await ingest(*any_rows(chance))
    moved = 0
    for step in range(6):
        if step == 3:
            await ingest(gone("p01", 2), row("p02", 2, price="30"))
            await settle()
        path, draft = await tried(api, evaluator, any_configuration(chance), marketplace)
        before, expected = await stored(pool), await predicted(pool)
        await emitted()

        applied = await api.post(f"{path}/apply")
        assert applied.status_code == 200, applied.text
        await settle()

        assert await stored(pool) == before | expected
        assert {event.family_id for event in await emitted()} == expected.keys()
        assert (await api.get(path)).status_code == 404
        moved += len(expected)
        assert draft["families"] == draft["evaluated"]
    assert moved > 40
