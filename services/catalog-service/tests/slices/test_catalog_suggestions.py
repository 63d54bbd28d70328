"""Suggestions of a feed over REST, with AliExpress's own of the sandbox; and accepting them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from aliexpress.client import Client
from catalog_service.categories.marketplace import Marketplace
from catalog_service.categories.tree import TreeNode
from catalog_service.suggestions.ask_platform import PlatformSuggestions
from common import clock
from common.messaging.records import NotApplied
from common.postgres.pool import Pool
from stack.sandbox import Sandbox
from stack.testing.conditions import eventually
from stack.testing.marketplace import Marketplace as Simulated
from stack.testing.marketplace import open_marketplace

from ..trees import TREE, keep_tree
from ..trying import apply
from ..wall_clocks import CATEGORY_ATTRIBUTES, WALL_CLOCKS, form, row

FEED = "/v1/merchants/m/feeds/f"
SUGGEST = "aliexpress.solution.product.category.suggest"
ALARM_CLOCKS = TreeNode("152801", "1", "Desk & Table Clocks", True)
Settle = Callable[[], Awaitable[None]]
Ingest = Callable[..., Awaitable[list[NotApplied]]]


@pytest.fixture
async def simulated(sandbox: Sandbox) -> AsyncIterator[Simulated]:
    async with open_marketplace(sandbox.url) as opened:
        yield opened
        await opened.remove_faults()


@pytest.fixture
def platform(pool: Pool, marketplace: Marketplace) -> PlatformSuggestions:
    client: Client = marketplace._client
    return PlatformSuggestions(pool, client, marketplace._tokens, holder="test")


async def suggestions(api: httpx2.AsyncClient, kind: str, **query: Any) -> list[dict[str, Any]]:
    answer = await api.get(f"{FEED}/suggestions", params={"kind": kind, **query})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def accept(
    api: httpx2.AsyncClient, *accepted: dict[str, Any], status: int = 200, if_match: str = "*"
) -> dict[str, Any]:
    answer = await api.post(
        f"{FEED}/suggestions/accept",
        json={"accepted": accepted},
        headers={"If-Match": if_match},
    )
    assert answer.status_code == status, answer.text
    body: dict[str, Any] = answer.json()
    return body


@pytest.fixture
async def clocks(pool: Pool, merchants: object, ingest: Ingest, settle: Settle) -> None:
    """A feed of which the clocks have a leaf, and two paths have none."""
    await keep_tree(pool, [*TREE, ALARM_CLOCKS])
    matched = {**CATEGORY_ATTRIBUTES, "Material": {"field": "stuff"}}
    del matched["Shape"]
    await apply(pool, form(category_attributes=matched))
    await ingest(
        row("a", 1, stuff="Plastics", outline="Round"),
        row("b", 1, stuff="plastik", outline="Square"),
        row("c", 1, stuff="plastik", outline="Round"),
        row("d", 1, category="Home > Wall clock", stuff="Wood", outline="Round"),
        row("e", 1, category="Home > Wall clock"),
        row("g", 1, category="Things > Various", title="Desk clocks and table clocks"),
    )
    await settle()


@pytest.mark.usefixtures("clocks")
async def test_leaves_for_categories_by_names_and_by_what_aliexpress_suggests(
    api: httpx2.AsyncClient, platform: PlatformSuggestions, simulated: Simulated, pool: Pool
) -> None:
    first = await suggestions(api, "categories")
    assert [(each["of"], each["products"]) for each in first] == [
        ("Home > Wall clock", 2),
        ("Things > Various", 1),
    ]
    best = first[0]["candidates"][0]
    assert best["take"] == WALL_CLOCKS
    assert best["name"] == "Home > Wall Clocks"
    assert 0.5 < best["score"] <= 1
    assert "its name has 'wall', 'clock'" in best["why"]
    assert all(each["is_awaited"] for each in first)

    before = (await simulated.calls()).get(SUGGEST, 0)
    while await platform.run():
        pass
    answered = await suggestions(api, "categories")
    assert not any(each["is_awaited"] for each in answered)
    named = answered[1]["candidates"][0]
    assert named["take"] == ALARM_CLOCKS.category_id
    assert "AliExpress suggests it for 1 of 1 titles" in named["why"]
    asked = (await simulated.calls())[SUGGEST] - before
    assert asked == 3
    while await platform.run():
        pass
    await suggestions(api, "categories")
    assert (await simulated.calls())[SUGGEST] - before == asked

    await pool.execute(
        "UPDATE title_suggestion SET requested_at = requested_at - $1::interval", timedelta(days=31)
    )
    assert all(each["is_awaited"] for each in await suggestions(api, "categories"))

    page = await api.get(f"{FEED}/suggestions", params={"kind": "categories", "limit": 1})
    second = await suggestions(api, "categories", cursor=page.json()["next_cursor"])
    assert [each["of"] for each in second] == ["Things > Various"]


@pytest.mark.usefixtures("clocks")
async def test_while_aliexpress_is_away_names_suggest_and_titles_are_asked_for_later(
    api: httpx2.AsyncClient, platform: PlatformSuggestions, simulated: Simulated, pool: Pool
) -> None:
    await simulated.set_fault(operation=SUGGEST, kind="http_error", status=500)
    await suggestions(api, "categories")
    while await platform.run():
        pass
    first = await suggestions(api, "categories")
    assert first[0]["candidates"][0]["take"] == WALL_CLOCKS
    assert first[0]["is_awaited"]
    waits = await pool.fetch("SELECT failures, retry_at FROM title_suggestion")
    assert all(each["failures"] >= 1 and each["retry_at"] > clock.now() for each in waits)
    await simulated.remove_faults()
    await pool.execute(
        "UPDATE title_suggestion SET retry_at = retry_at - $1::interval", timedelta(hours=2)
    )

    async def is_answered() -> bool:
        await platform.run()
        return not any(each["is_awaited"] for each in await suggestions(api, "categories"))

    await eventually(is_answered, within=30)


@pytest.mark.usefixtures("clocks")
async def test_columns_for_attributes_and_allowed_values_for_values(
    api: httpx2.AsyncClient, settle: Settle
) -> None:
    lacking = await suggestions(api, "attributes")
    assert [(each["of"], each["products"]) for each in lacking] == [("Shape", 3)]
    best = lacking[0]["candidates"][0]
    assert best["take"] == "outline"
    assert "100% of its values are allowed ones" in best["why"]

    values = await suggestions(api, "values")
    assert [(each["of"], each["products"]) for each in values] == [("plastik", 2), ("Plastics", 1)]
    assert {each["attribute"] for each in values} == {"Material"}
    assert values[0]["section"] == "category_attributes"
    assert [each["candidates"][0]["take"] for each in values] == ["Plastic", "Plastic"]
    assert await suggestions(api, "values", attribute="Style") == []
    assert len(await suggestions(api, "values", attribute="Material")) == 2

    taken = [
        {"kind": "attributes", "of": "Shape", "take": "outline"},
        *(
            {"kind": "values", "attribute": "Material", "of": each["of"], "take": "Plastic"}
            for each in values
        ),
    ]
    applied = await accept(api, *taken)
    assert applied["configuration_version"] == 2
    await settle()
    assert await suggestions(api, "attributes") == []
    assert await suggestions(api, "values") == []
    states = (await api.get(f"{FEED}/completeness")).json()["states"]
    assert states["valid"] == 3


@pytest.mark.usefixtures("clocks")
async def test_accepting_is_a_version_of_its_own_and_keeps_to_if_match(
    api: httpx2.AsyncClient, settle: Settle
) -> None:
    leaf = {"kind": "categories", "of": "Home > Wall clock", "take": WALL_CLOCKS}
    await accept(api, leaf, status=412, if_match='"7"')
    await accept(api, leaf, if_match='"1"')
    versions = (await api.get(f"{FEED}/versions")).json()["items"]
    assert versions[0]["note"] == f"accepted: {WALL_CLOCKS} for Home > Wall clock"
    shown = (await api.get(FEED)).json()["configuration"]
    assert shown["category"]["exact"] == {"Home > Wall clock": WALL_CLOCKS}
    await settle()
    assert [each["of"] for each in await suggestions(api, "categories")] == ["Things > Various"]

    refused = await accept(api, leaf | {"take": "1"}, status=422)
    assert refused["rule"] == "M2.1"
    value = {"kind": "values", "attribute": "Style", "of": "x", "take": "Modern"}
    assert "takes no values" in (await accept(api, value, status=422))["title"]
    plastic = {"kind": "values", "attribute": "Material", "of": "plastik", "take": "Plastik"}
    refused = await accept(api, plastic, status=422)
    assert (refused["rule"], refused["field"]) == ("M3.12", "accepted")
    assert "Plastic" in refused["remedy"]
    refused = await accept(api, {"kind": "attributes", "of": "Shape", "take": "outlin"}, status=422)
    assert "outline" in refused["remedy"]
    await accept(api, leaf | {"kind": "nonsense"}, status=422)
    assert (await api.get(FEED)).json()["configuration_version"] == 2
    await api.delete(FEED)
    await accept(api, leaf, status=404)


@pytest.mark.usefixtures("clocks")
async def test_two_who_accept_at_once_lose_nothing(api: httpx2.AsyncClient) -> None:
    paths = [f"Path {number}" for number in range(6)]
    await asyncio.gather(
        *(accept(api, {"kind": "categories", "of": path, "take": WALL_CLOCKS}) for path in paths)
    )
    exact = (await api.get(FEED)).json()["configuration"]["category"]["exact"]
    assert exact == dict.fromkeys(paths, WALL_CLOCKS)
