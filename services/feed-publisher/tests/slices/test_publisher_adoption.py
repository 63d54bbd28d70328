"""Products online before us are found, shown, and adopted singly or all at once (M1.6)."""

from typing import Any

import httpx2

from ..publisher_auth import MERCHANT, SELLER, bearer
from ..publisher_harness import FEED, Harness, Sku


async def make(harness: Harness, code: str) -> str:
    """A product that somebody made in the seller centre."""
    made = await harness.control("products", seller_id=SELLER, sku_codes=[code])
    return str(made["product_ids"][0])


async def candidates(harness: Harness, **query: Any) -> list[dict[str, Any]]:
    return list((await harness.call("GET", f"/feeds/{FEED}/adoptions", **query))["items"])


async def dry_run(harness: Harness) -> str:
    run_id = await harness.ask("product", dry_run=True)
    await harness.wait(run_id, "planned")
    return run_id


async def post(harness: Harness, path: str, body: Any = None, **query: Any) -> httpx2.Response:
    return await harness.http.post(
        f"/v1/merchants/{MERCHANT}/feeds/{FEED}/{path}",
        json=body,
        params=query,
        headers=bearer("feeds:write"),
    )


async def test_a_dry_run_finds_the_candidates_and_the_previews_name_them(harness: Harness) -> None:
    product_id = await make(harness, "OLD-1")
    await harness.take(harness.product("old", Sku("OLD-1")), harness.product("new"))
    assert await candidates(harness) == []
    await dry_run(harness)
    [found] = await candidates(harness)
    assert found.pop("found_at")
    assert found.pop("title")
    assert found == {
        "family_id": "old",
        "marketplace_product_id": product_id,
        "sku_codes": ["OLD-1"],
        "skus_in_shop": 1,
        "has_same_title": False,
        "same_barcodes": [],
        "is_ambiguous": False,
    }
    body = await harness.call("GET", f"/feeds/{FEED}/bodies/old")
    why = await harness.call("GET", f"/feeds/{FEED}/skus/OLD-1", family_id="old")
    for shown in (body, why):
        assert [one["marketplace_product_id"] for one in shown["candidates"]] == [product_id]
    assert (await harness.call("GET", f"/feeds/{FEED}/bodies/new"))["candidates"] == []


async def test_what_is_no_obstacle_any_more_is_no_candidate(harness: Harness) -> None:
    gone = await make(harness, "G-1")
    await make(harness, "H-1")
    await harness.take(harness.product("gone", Sku("G-1")), harness.product("held", Sku("H-1")))
    await dry_run(harness)
    assert {one["family_id"] for one in await candidates(harness)} == {"gone", "held"}
    await harness.control(f"products/{gone}/status", status="offline")
    await harness.take(harness.absent("held"))
    assert {one["family_id"] for one in await candidates(harness)} == {"gone"}
    await dry_run(harness)
    assert await candidates(harness) == []


async def test_all_are_adopted_at_once_but_for_the_ambiguous(harness: Harness) -> None:
    ids = {code: await make(harness, code) for code in ("A-1", "B-1", "C-1", "C-2")}
    await harness.take(
        harness.product("a", Sku("A-1", stock=7), title="Ours"),
        harness.product("b", Sku("B-1", stock=8), title="Ours"),
        harness.product("c", Sku("C-1"), Sku("C-2")),
    )
    await dry_run(harness)
    first = (await harness.call("GET", f"/feeds/{FEED}/adoptions", limit=1))["next_cursor"]
    assert [one["family_id"] for one in await candidates(harness, cursor=first)] == ["b", "c", "c"]

    answer = (await post(harness, "adopt-all")).json()
    outcomes = {
        (i["family_id"], i["marketplace_product_id"]): i["outcome"] for i in answer["items"]
    }
    assert outcomes == {
        ("a", ids["A-1"]): "adopted",
        ("b", ids["B-1"]): "adopted",
        ("c", ids["C-1"]): "ambiguous",
        ("c", ids["C-2"]): "ambiguous",
    }
    assert (answer["next_cursor"], answer["stopped"]) == (None, None)
    assert {one["family_id"] for one in await candidates(harness)} == {"c"}
    again = (await post(harness, "adopt-all")).json()
    assert [item["outcome"] for item in again["items"]] == ["ambiguous"] * 2

    await harness.run("product")
    await harness.run("offer")
    online = await harness.skus_online()
    for code, stock in (("A-1", 7), ("B-1", 8)):
        sku = online[code]
        assert (sku["product_id"], sku["title"], sku["inventory"]) == (ids[code], "Ours", stock)


async def test_chosen_ones_are_adopted_or_refused_each_by_itself(harness: Harness) -> None:
    mine, other = await make(harness, "A-1"), await make(harness, "ELSE")
    await harness.take(harness.product("a", Sku("A-1")), harness.product("b", Sku("B-1")))
    chosen = [
        {"family_id": "b", "marketplace_product_id": other},
        {"family_id": "a", "marketplace_product_id": mine},
        {"family_id": "a", "marketplace_product_id": mine},
        {"family_id": "none", "marketplace_product_id": mine},
    ]
    answer = (await post(harness, "adoptions", {"items": chosen})).json()
    assert [item["outcome"] for item in answer["items"]] == [
        "refused", "adopted", "refused", "refused",
    ]  # fmt: skip
    assert all(item["remedy"] for item in answer["items"] if item["outcome"] == "refused")
    bodies: list[dict[str, Any]] = [{"items": []}, {"items": [{"family_id": "a"}]}, {}]
    for body in bodies:
        assert (await post(harness, "adoptions", body)).status_code == 422
    assert (await post(harness, "adopt-all", cursor="x")).status_code == 422


async def test_while_the_shop_cannot_be_read_nothing_is_adopted_and_the_answer_says_so(
    harness: Harness,
) -> None:
    product_id = await make(harness, "A-1")
    await harness.take(harness.product("a", Sku("A-1")))
    await dry_run(harness)
    fault = await harness.control(
        "faults", kind="error", operation="aliexpress.solution.product.info.get",
        code="ServiceUnavailable", message="down",
    )  # fmt: skip
    answer = (await post(harness, "adopt-all")).json()
    assert (answer["items"], answer["next_cursor"]) == ([], None)
    assert "down" in answer["stopped"]
    await harness.remove_fault(fault)
    answer = (await post(harness, "adopt-all")).json()
    assert [item["marketplace_product_id"] for item in answer["items"]] == [product_id]
    assert answer["items"][0]["outcome"] == "adopted"
