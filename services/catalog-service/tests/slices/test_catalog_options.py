"""What AliExpress offers a shop over REST: its tree, a leaf's attributes, its options."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from catalog_service.categories.marketplace import Marketplace
from catalog_service.categories.store import request_schemas
from catalog_service.currencies.store import save_currency
from common import clock
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work
from stack.testing.conditions import eventually

from ..trees import TREE, keep_tree
from ..wall_clocks import WALL_CLOCKS

SHOP = "/v1/merchants/m/shops/s"
Get = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def get(api: httpx2.AsyncClient) -> Get:
    """The answer of a route of the shop's; of another status its problem."""

    async def run(path: str, status: int = 200, **query: Any) -> dict[str, Any]:
        answer = await api.get(SHOP + path, params=query)
        assert answer.status_code == status, answer.text
        body: dict[str, Any] = answer.json()
        return body

    return run


@pytest.fixture
async def tree(pool: Pool, connected_shop: None) -> None:
    await keep_tree(pool, TREE)


async def fetch(pool: Pool, marketplace: Marketplace, *leaves: str) -> None:
    async with unit_of_work(pool) as connection:
        await request_schemas(connection, [("m", "s", leaf) for leaf in leaves])
    await fetch_requested(pool, marketplace)


async def fetch_requested(pool: Pool, marketplace: Marketplace) -> None:
    async def is_there() -> bool:
        await marketplace.fetch_schemas()
        return not await pool.fetchval(
            "SELECT count(*) FROM category_schema WHERE fetched_at IS NULL"
        )

    await eventually(is_there, within=60)


async def age_schemas(pool: Pool, hours: int) -> None:
    await pool.execute(
        "UPDATE category_schema SET fetched_at = fetched_at - $1::interval", timedelta(hours=hours)
    )


def ids(answer: dict[str, Any]) -> list[str]:
    return [item["category_id"] for item in answer["items"]]


async def test_before_a_tree_is_there(get: Get) -> None:
    assert await get("/categories") == {
        "items": [], "next_cursor": None, "fetched_at": None, "is_overdue": False,
    }  # fmt: skip
    for path in ("/options", "/categories/1", f"/categories/{WALL_CLOCKS}/attributes"):
        assert (await get(path, 409))["type"].endswith("categories-unknown")


@pytest.mark.usefixtures("tree")
async def test_the_tree_by_parent_by_words_and_in_pages(get: Get) -> None:
    assert ids(await get("/categories", parent="0")) == ["1", "2"]
    assert ids(await get("/categories", parent="1")) == [WALL_CLOCKS]
    assert ids(await get("/categories", q="relojes hogar")) == [WALL_CLOCKS]
    assert ids(await get("/categories", q="boots", parent="1")) == []
    first = await get("/categories", limit=1)
    second = await get("/categories", limit=1, cursor=first["next_cursor"])
    assert sorted(ids(first) + ids(second)) == sorted([WALL_CLOCKS, "99999999"])
    assert second["next_cursor"] is None
    assert first["fetched_at"]
    assert not first["is_overdue"]
    unknown = await get("/categories", 404, parent="77")
    assert unknown["rule"] == "M2.1"
    await get("/categories", 422, cursor="nonsense")
    await get("/categories", 422, parent="x")


@pytest.mark.usefixtures("tree")
async def test_one_category(get: Get) -> None:
    clocks = await get(f"/categories/{WALL_CLOCKS}")
    assert clocks["path"] == ["Home", "Wall Clocks"]
    assert clocks["path_ids"] == ["1", WALL_CLOCKS]
    assert clocks["is_leaf"]
    assert clocks["names"]["es"] == "Relojes"
    assert ids({"items": (await get("/categories/1"))["children"]}) == [WALL_CLOCKS]
    await get("/categories/77", 404)


@pytest.mark.usefixtures("tree")
async def test_a_branch_that_could_not_be_fetched_again_makes_the_tree_overdue(
    get: Get, pool: Pool
) -> None:
    await pool.execute("UPDATE category_branch SET failures = 1 WHERE category_id = '2'")
    assert (await get("/categories"))["is_overdue"]


@pytest.mark.usefixtures("tree")
async def test_a_leaf_s_attributes_are_asked_for_once_then_read(
    get: Get, pool: Pool, marketplace: Marketplace
) -> None:
    path = f"/categories/{WALL_CLOCKS}/attributes"
    assert (await get(path, 409))["type"].endswith("not-fetched-yet")
    await fetch_requested(pool, marketplace)
    whole = await get(path)
    names = [each["name"] for each in whole["category_attributes"]]
    assert {"Brand Name", "Material", "Shape"} <= {*names}
    required = await get(path, required=True)
    assert all(each["is_required"] for each in required["category_attributes"])
    assert len(required["category_attributes"]) < len(names)
    brand = (await get(path, q="brand"))["category_attributes"]
    assert [each["name"] for each in brand] == ["Brand Name"]
    assert brand[0]["kind"] == "one"
    assert brand[0]["value_count"] >= len(brand[0]["values"]) > 0
    assert [each["name"] for each in whole["sku_attributes"]]
    own_text = [each for each in whole["conditions"] if each["requires"]]
    assert all(each["requires"][0].endswith("> customValue") for each in own_text)
    assert not whole["is_overdue"]
    await age_schemas(pool, 25)
    assert (await get(path))["is_overdue"]


@pytest.mark.usefixtures("tree")
async def test_allowed_values_in_pages_and_by_words(
    get: Get, pool: Pool, marketplace: Marketplace
) -> None:
    await fetch(pool, marketplace, WALL_CLOCKS)
    path = f"/categories/{WALL_CLOCKS}/attributes"
    shown = (await get(path, q="material"))["category_attributes"][0]
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await get(f"{path}/material/values", limit=3, **cursor)
        found += [each["name"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert found[:50] == list(shown["values"].values())
    assert len(found) == shown["value_count"] > 50
    only = await get(f"{path}/Material/values", q=found[1])
    assert found[1] in [each["name"] for each in only["items"]]
    assert len(only["items"]) < len(found)
    of_skus = await get(f"{path}/Color/values", section="sku")
    assert of_skus["items"]
    slip = await get(f"{path}/Materiel/values", 404)
    assert "'Material'" in slip["remedy"]


@pytest.mark.usefixtures("tree")
async def test_options_are_read_off_schemas_and_said_to_be_old_where_they_are(
    get: Get, pool: Pool, marketplace: Marketplace
) -> None:
    first = await get("/options")
    assert first["is_awaited"]
    assert first["shipping_templates"] is None
    await fetch_requested(pool, marketplace)
    async with unit_of_work(pool) as connection:
        await save_currency(connection, ("m", "s"), "EUR", checked_at=clock.now())
    options = await get("/options")
    if options["is_awaited"]:  # the first leaf was one that AliExpress refused
        await fetch_requested(pool, marketplace)
        options = await get("/options")
    assert options["currency"] == "EUR"
    assert options["read_from"] == [WALL_CLOCKS]
    names = [each["name"] for each in options["shipping_templates"]]
    assert "free shipping" in names
    assert {"id": "en_US", "name": "English"} in options["languages"]
    assert any(each["name"] == "piece/pieces" for each in options["product_units"])
    assert options["service_templates"][0]["id"] == "0"
    assert options["countries"]
    assert isinstance(options["size_charts"], list)
    assert not options["is_overdue"]
    await age_schemas(pool, 25)
    aged = await get("/options")
    assert aged["is_overdue"]
    assert aged["shipping_templates"] == options["shipping_templates"]


@pytest.mark.usefixtures("tree")
async def test_options_of_one_leaf_and_of_one_that_is_refused(
    get: Get, pool: Pool, marketplace: Marketplace
) -> None:
    assert (await get("/options", 409, category=WALL_CLOCKS))["type"].endswith("not-fetched-yet")
    await fetch(pool, marketplace, WALL_CLOCKS, "99999999")
    assert (await get("/options", category=WALL_CLOCKS))["read_from"] == [WALL_CLOCKS]
    refused = await get("/options", 404, category="99999999")
    assert refused["type"].endswith("category-refused")
    assert (await get("/options"))["read_from"] == [WALL_CLOCKS]
    await get("/options", 404, category="1")
