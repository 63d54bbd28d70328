"""SKU claims, the removal guard, what was online before us, audits, drift."""

from typing import Any

import httpx2
import pytest

from common.contracts.product import ProductReported
from feed_publisher.reports.table import csv_table
from stack.testing import eventually

from ..publisher_auth import MERCHANT, SELLER, bearer
from ..publisher_category import LEAF
from ..publisher_harness import FEED, Harness, Sku


async def test_a_sku_belongs_to_one_feed_and_the_other_reports_whose(harness: Harness) -> None:
    await harness.publish(harness.product("coat", Sku("SHARED")))
    await harness.take(harness.feed_state("second"))
    await harness.take(harness.product("jacket", Sku("SHARED"), feed="second"))
    await harness.run("product", feed="second")
    [refused] = [r for r in await harness.emitted(ProductReported) if r.feed_id == "second"]
    assert refused.status == "rejected"
    assert f"product coat of feed {FEED}" in refused.causes[0].message
    sku = await harness.call("GET", "/shops/main/skus/SHARED")
    assert (sku["feed_id"], sku["family_id"], sku["state"]) == (FEED, "coat", "online")

    await harness.take(harness.absent("coat"))
    await harness.run("product")
    await harness.quiet("second")
    assert len(await harness.ledger("product.create", "accepted")) == 2
    sku = await harness.call("GET", "/shops/main/skus/SHARED")
    assert (sku["feed_id"], sku["state"]) == ("second", "online")


async def test_a_child_that_moves_to_another_family_is_sent_after_it_left_the_old(
    harness: Harness,
) -> None:
    await harness.publish(
        harness.product("a", Sku("a1"), Sku("moves")), harness.product("b", Sku("b1"))
    )
    await harness.take(
        harness.product("a", Sku("a1")), harness.product("b", Sku("b1"), Sku("moves"))
    )
    await harness.run("product")
    await harness.quiet()
    online_skus = await harness.skus_online()
    assert online_skus["moves"]["product_id"] == online_skus["b1"]["product_id"]
    assert online_skus["a1"]["product_id"] != online_skus["b1"]["product_id"]


async def test_mass_deletion_is_withheld_until_confirmed_and_the_rest_goes_on(
    harness: Harness,
) -> None:
    await harness.publish(*[harness.product(f"p{n}") for n in range(20)])
    await harness.take(
        *[harness.absent(f"p{n}") for n in range(5)], harness.product("p9", title="New")
    )
    zeroing = await harness.run("offer")
    assert (zeroing["state"], zeroing["counts"]["withheld"]) == ("withheld", 5)
    view = await harness.run("product")
    assert (view["state"], view["counts"]["update"]) == ("withheld", 1)
    assert view["needs_confirmation"]
    named = [line for line in await harness.plan(view["run_id"]) if line["action"] == "withheld"]
    assert sorted(line["family_id"] for line in named) == [f"p{n}" for n in range(5)]
    assert len(await harness.skus_online()) == 20

    await harness.call("POST", f"/runs/{view['run_id']}/confirm")
    ended = await harness.wait(view["run_id"], "completed")
    assert ended["counts"]["delete"] == 5
    assert len(await harness.skus_online()) == 15


async def test_a_few_deletions_pass_the_guard_and_removing_the_feed_confirms_all(
    harness: Harness,
) -> None:
    await harness.publish(*[harness.product(f"p{n}") for n in range(20)])
    await harness.take(*[harness.absent(f"p{n}") for n in range(4)])
    assert (await harness.run("product"))["counts"]["delete"] == 4
    await harness.take(harness.feed_state(lifecycle="removed"))
    await harness.take(*[harness.absent(f"p{n}", reason="feed_removed") for n in range(20)])
    assert (await harness.run("product"))["counts"]["delete"] == 16
    assert await harness.skus_online() == {}
    assert (await harness.call("GET", f"/feeds/{FEED}"))["schedules"] == []


async def test_what_was_online_before_us_is_named_not_doubled_and_can_be_adopted(
    harness: Harness,
) -> None:
    made = await harness.control("products", seller_id=SELLER, sku_codes=["OLD-1"])
    product_id = made["product_ids"][0]
    await harness.take(
        harness.product("old", Sku("OLD-1", stock=7), title="Ours"), harness.product("new")
    )
    preview_id = await harness.ask("product", dry_run=True)
    await harness.wait(preview_id, "planned")
    shown = {line["family_id"]: line for line in await harness.plan(preview_id)}
    assert shown["old"]["code"] == "already-online"
    assert product_id in shown["old"]["message"]
    assert await harness.ledger("product.create", "accepted") == await harness.ledger(
        "product.create"
    )

    view = await harness.run("product")
    assert view["counts"]["create"] == 1
    reports = {r.family_id: r for r in await harness.emitted(ProductReported)}
    assert reports["old"].causes[0].code == "already-online"

    await harness.call_empty(
        "POST", f"/feeds/{FEED}/products/old/adopt", {"marketplace_product_id": product_id}
    )
    await harness.run("product")
    await harness.run("offer")
    sku = (await harness.skus_online())["OLD-1"]
    assert (sku["product_id"], sku["title"], sku["inventory"]) == (product_id, "Ours", 7)


async def test_adopting_a_product_without_a_common_sku_is_refused(harness: Harness) -> None:
    made = await harness.control("products", seller_id=SELLER, sku_codes=["ELSE"])
    await harness.take(harness.product("old"))
    for product_id, status in ((made["product_ids"][0], 409), ("123456", 404)):
        answer = await harness.http.post(
            f"/v1/merchants/acme/feeds/{FEED}/products/old/adopt",
            json={"marketplace_product_id": product_id},
            headers=bearer("feeds:write"),
        )
        assert answer.status_code == status, answer.text
        assert answer.json()["remedy"]


async def test_an_offer_waits_for_the_audit_of_a_new_product_without_an_error(
    harness: Harness,
) -> None:
    await harness.take(harness.product("coat", Sku("C-1", stock=5)))
    run_id = await harness.ask("product")
    await harness.wait(run_id, "awaiting_confirmation")
    await harness.call("POST", f"/runs/{run_id}/confirm")
    await harness.wait(run_id)
    await harness.take(harness.product("coat", Sku("C-1", stock=3)))
    view = await harness.run("offer")
    assert (view["state"], view["counts"]["stock"]) == ("completed", 1)
    assert await harness.ledger("stock.update", "refused") == []


async def test_drift_is_reported_and_not_undone(harness: Harness) -> None:
    await harness.publish(
        harness.product("coat", Sku("C-1", "30.00", stock=5)), harness.product("hat")
    )
    online_skus = await harness.skus_online()
    await harness.control(f"products/{online_skus['hat']['product_id']}/status", status="offline")
    await harness.pool.execute("UPDATE listing SET read_back_at = '2020-01-01'")

    async def was_read() -> bool:
        return bool(await harness.pool.fetchval("SELECT 1 FROM listing WHERE drift IS NOT NULL"))

    await eventually(was_read, within=60)
    drifted = await harness.call("GET", f"/feeds/{FEED}/products", status="drifted")
    [product] = drifted["items"]
    assert product["family_id"] == "hat"
    [difference] = product["drift"]
    assert difference.pop("found_at")
    assert "off sale" in difference.pop("cause")
    assert "seller centre" in difference.pop("remedy")
    assert difference == {
        "what": "status",
        "sku_code": "",
        "believed": "onSelling",
        "found": "offline",
    }


async def test_country_prices_go_with_the_price_and_an_update_keeps_them(harness: Harness) -> None:
    countries = {"FR": "19.00", "GB": "21.00"}
    await harness.publish(harness.product("coat", Sku("C-1", "20.00", countries=countries)))
    await harness.take(harness.product("coat", Sku("C-1", "22.00", countries=countries)))
    await harness.run("offer")
    await harness.take(
        harness.product("coat", Sku("C-1", "22.00", countries=countries), title="Warm")
    )
    await harness.run("product")
    assert await harness.countries("C-1") == {"FR": "19.00", "UK": "21.00"}
    assert (await harness.skus_online())["C-1"]["title"] == "Warm"
    await harness.take(harness.product("coat", Sku("C-1", "22.00"), title="Warm"))
    await harness.run("product")
    assert await harness.countries("C-1") == {}


async def test_a_foreign_merchants_runs_and_products_do_not_exist(harness: Harness) -> None:
    view = await harness.publish(harness.product("coat"))
    for path in (f"/runs/{view['run_id']}", f"/feeds/{FEED}", f"/feeds/{FEED}/products/coat"):
        for merchant, status in (("other", 404), ("acme", 404)):
            answer = await _get(harness, path, merchant)
            assert answer.status_code == status, (path, answer.text)


async def _get(harness: Harness, path: str, merchant: str) -> httpx2.Response:
    """Another merchant's token, on its own path and on ours."""
    return await harness.http.get(
        f"/v1/merchants/{merchant}{path}", headers=bearer("feeds:read", merchant="other")
    )


async def test_a_report_is_a_table_that_no_spreadsheet_takes_for_a_formula(
    harness: Harness,
) -> None:
    await harness.publish(harness.product("=cmd()", Sku("+SKU")))
    runs: Any = await harness.call("GET", f"/feeds/{FEED}/runs")
    run_id = next(run["run_id"] for run in runs["items"] if run["counts"]["create"])
    answer = await harness.http.get(
        f"/v1/merchants/acme/runs/{run_id}/report",
        headers=bearer("feeds:read") | {"accept": "text/csv"},
    )
    assert answer.headers["content-type"].startswith("text/csv")
    line = answer.text.splitlines()[1].split(",")
    assert line[1:5] == ["'=cmd()", "'+SKU", "create", "accepted"]
    assert LEAF not in answer.text


async def test_a_long_report_is_sent_as_it_is_read(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feed_publisher.reports.table.PAGE", 1)
    await harness.publish(harness.product("P1", Sku("S1")), harness.product("P2", Sku("S2")))
    runs: Any = await harness.call("GET", f"/feeds/{FEED}/runs")
    run_id = next(run["run_id"] for run in runs["items"] if run["counts"]["create"])
    parts = [part async for part in csv_table(harness.pool, MERCHANT, run_id)]
    assert [part.count("\n") for part in parts] == [1, 1, 1]
    assert [part.split(",")[1] for part in parts] == ["product", "P1", "P2"]
