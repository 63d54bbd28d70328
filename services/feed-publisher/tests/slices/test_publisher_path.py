"""From a desired state to the shop and back: the path a merchant's product takes."""

from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

import pytest

from common.contracts.feed import FeedCompleted
from common.contracts.product import ProductReported
from common.errors import Issue
from feed_publisher.runs.store import RUNNING
from stack.sandbox import Sandbox
from stack.testing import NewDatabase, running_parts

from .. import publisher_running
from ..publisher_harness import FEED, Harness, Sku
from ..publisher_running import build, new_harness


async def test_a_product_goes_online_and_is_reported_live(harness: Harness) -> None:
    family = harness.product("coat", Sku("C-1", "30.00", "25.50", 4), Sku("C-2", "31.00", None, 0))
    await harness.take(family)
    run_id = await harness.ask("product")
    view = await harness.wait(run_id, "awaiting_confirmation")
    assert [line["action"] for line in await harness.plan(run_id)] == ["create"]
    assert await harness.skus_online() == {}

    await harness.call("POST", f"/runs/{run_id}/confirm")
    view = await harness.wait(run_id)
    assert (view["state"], view["counts"]["create"]) == ("completed", 1)
    online_skus = await harness.skus_online()
    assert (online_skus["C-1"]["price"], online_skus["C-1"]["discount_price"]) == ("30.00", "25.50")
    assert [online_skus[code]["inventory"] for code in ("C-1", "C-2")] == [4, 0]
    [report] = await harness.emitted(ProductReported)
    assert (report.status, report.desired_revision) == ("live", family.revision)
    assert report.marketplace_product_id == online_skus["C-1"]["product_id"]
    await harness.quiet()
    outcomes = {done.outcome for done in await harness.emitted(FeedCompleted)}
    assert outcomes == {"completed"}
    audited = await harness.pool.fetch("SELECT action, subject FROM audit ORDER BY id")
    assert [tuple(row) for row in audited] == [("feed.run-asked", FEED), ("run.confirmed", run_id)]


async def test_a_run_goes_on_as_soon_as_its_wait_is_over(
    database: NewDatabase,
    kafka_bootstrap: str,
    topic_prefix: str,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And not at the next poll, which is for what other processes did."""
    monkeypatch.setattr(publisher_running, "POLL", timedelta(hours=1))
    monkeypatch.setattr(publisher_running, "JOBS_EVERY", timedelta(hours=1))
    async with new_harness(database, kafka_bootstrap, topic_prefix, sandbox) as harness:
        await harness.take(harness.product("coat"))
        run_id = await harness.ask("product")
        await harness.wait(run_id, "awaiting_confirmation", seconds=20)
        await harness.call("POST", f"/runs/{run_id}/confirm")
        assert (await harness.wait(run_id, seconds=20))["counts"]["create"] == 1


async def test_nothing_is_planned_before_the_state_topics_were_read(
    database: NewDatabase,
    kafka_bootstrap: str,
    topic_prefix: str,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And then at once: what the service missed while it was down may be why."""
    monkeypatch.setattr(publisher_running, "POLL", timedelta(hours=1))
    async with new_harness(
        database, kafka_bootstrap, topic_prefix, sandbox, with_jobs=False
    ) as harness:
        await harness.take(harness.product("coat"))
        run_id = await harness.ask("product")
        _, parts = build(harness.pool, harness.settings)
        [products, _orders] = parts.consumers
        async with running_parts(replace(parts, consumers=())):
            RUNNING.wake()
            with pytest.raises(pytest.fail.Exception, match="queued"):
                await harness.wait(run_id, "awaiting_confirmation", seconds=0.5)
            products.caught_up.set()
            await harness.wait(run_id, "awaiting_confirmation", seconds=20)


LONGEST_ID = "".join(chr(0x1F300 + 7 * n % 500) for n in range(255))
"""As many characters as an id may have, of four bytes each: twelve in a key."""


async def test_a_product_under_the_longest_id_goes_online(harness: Harness) -> None:
    await harness.publish(harness.product(LONGEST_ID, Sku("LONG-1")))
    assert "LONG-1" in await harness.skus_online()
    [report] = await harness.emitted(ProductReported)
    assert (report.family_id, report.status) == (LONGEST_ID, "live")
    shown = await harness.call("GET", f"/feeds/{FEED}/products/{quote(LONGEST_ID)}")
    assert shown["family_id"] == LONGEST_ID


async def test_only_differences_are_sent_and_an_unchanged_run_writes_nothing(
    harness: Harness,
) -> None:
    families = [
        harness.product(f"p{n}", Sku(f"S{n}-a", "10.00", "9.00"), Sku(f"S{n}-b", "11.00"))
        for n in range(30)
    ]
    await harness.publish(*families)
    assert len(await harness.skus_online()) == 60
    await harness.market.delete("/control/calls")
    assert (await harness.run("product"))["counts"]["items"] == 0
    assert (await harness.run("offer"))["counts"]["items"] == 0
    assert await harness.writes() == 0

    changed = [
        harness.product(
            f"p{n}",
            Sku(f"S{n}-a", "12.50" if n < 10 else "10.00", "9.00", 8 if n < 5 else 5),
            Sku(f"S{n}-b", "11.00"),
        )
        for n in range(30)
    ]
    await harness.take(*changed)
    view = await harness.run("offer")
    assert (view["counts"]["price"], view["counts"]["stock"]) == (10, 5)
    prices = await harness.ledger("price.update")
    stocks = await harness.ledger("stock.update")
    assert sorted(line["sku_code"] for line in prices) == [f"S{n}-a" for n in range(10)]
    assert sorted(line["sku_code"] for line in stocks) == [f"S{n}-a" for n in range(5)]
    assert {line["outcome"] for line in prices + stocks} == {"accepted"}
    assert (await harness.skus_online())["S3-a"]["discount_price"] == "9.00"


async def test_gone_products_are_zeroed_by_the_offer_run_and_deleted_by_the_product_run(
    harness: Harness,
) -> None:
    await harness.publish(
        *[harness.product(f"p{n}") for n in range(12)],
        harness.product("pair", Sku("pair-a"), Sku("pair-b")),
    )
    await harness.take(harness.absent("p0"), harness.product("pair", Sku("pair-a")))
    await harness.run("offer")
    online_skus = await harness.skus_online()
    assert (online_skus["p0"]["inventory"], online_skus["pair-b"]["inventory"]) == (0, 0)
    view = await harness.run("product")
    assert (view["counts"]["delete"], view["counts"]["update"]) == (1, 1)
    online_skus = await harness.skus_online()
    assert "p0" not in online_skus
    assert "pair-b" not in online_skus
    assert online_skus["pair-a"]["inventory"] == 5
    reports = {report.family_id: report.status for report in await harness.emitted(ProductReported)}
    assert reports["p0"] == "deleted"
    assert reports["pair"] == "live"


async def test_a_broken_content_keeps_the_listing_and_still_sends_stock_zero(
    harness: Harness,
) -> None:
    await harness.publish(harness.product("coat", Sku("C-1", stock=4)), harness.product("hat"))
    await harness.take(harness.product("coat", Sku("C-1", stock=0), content_is_valid=False))
    await harness.run("product")
    await harness.run("offer")
    assert (await harness.skus_online())["C-1"]["inventory"] == 0


def bad_sale_price(code: str, value: str) -> Issue:
    return Issue(
        rule="M3.9",
        field="sku_info_list > discount_price",
        message="the discounted price is unusable",
        remedy="Send a discounted price strictly lower than the price, or none.",
        value=value,
        sku=code,
    )


async def test_a_bad_sale_price_holds_back_its_own_skus_price_and_nothing_else(
    harness: Harness,
) -> None:
    await harness.publish(
        harness.product("SP", Sku("SP-A", "29.90"), Sku("SP-B", "29.90"), Sku("SP-C", "29.90")),
        harness.product("SQ", Sku("SQ", "19.90", stock=7)),
        *[harness.product(f"p{n}") for n in range(3)],
    )
    await harness.take(
        harness.product(
            "SP",
            Sku("SP-A", "29.90", stock=4, issue=bad_sale_price("SP-A", "39.90")),
            Sku("SP-B", "29.90", stock=0),
            Sku("SP-C", "28.90"),
        ),
        harness.product("SQ", Sku("SQ", "19.90", stock=0, issue=bad_sale_price("SQ", "n/a"))),
    )
    view = await harness.run("offer")
    online_skus = await harness.skus_online()
    assert {code: online_skus[code]["inventory"] for code in ("SP-A", "SP-B", "SP-C", "SQ")} == {
        "SP-A": 4, "SP-B": 0, "SP-C": 5, "SQ": 0,
    }  # fmt: skip
    assert [line["sku_code"] for line in await harness.ledger("price.update")] == ["SP-C"]
    stocks = await harness.ledger("stock.update", "accepted")
    assert sorted(line["sku_code"] for line in stocks) == ["SP-A", "SP-B", "SQ"]

    report = await harness.call("GET", f"/runs/{view['run_id']}/report")
    [cause] = report["causes"]
    assert (cause["code"], sorted(cause["families"])) == ("offers-invalid", ["SP", "SQ"])
    assert "M3.9" in cause["message"]
    assert "strictly lower than the price" in cause["message"]
    named = [
        line for line in await harness.plan(view["run_id"]) if line["code"] == "offers-invalid"
    ]
    assert sorted(line["family_id"] for line in named) == ["SP", "SQ"]
    reports = {report.family_id: report for report in await harness.emitted(ProductReported)}
    assert (reports["SP"].status, reports["SQ"].status) == ("rejected", "rejected")

    await harness.market.delete("/control/calls")
    later = await harness.run("offer")
    assert (later["state"], later["counts"]["missing"]) == ("completed_with_errors", 2)
    [cause] = (await harness.call("GET", f"/runs/{later['run_id']}/report"))["causes"]
    assert (cause["code"], sorted(cause["families"])) == ("offers-invalid", ["SP", "SQ"])
    assert await harness.writes() == 0
    await harness.take(
        harness.product("SP", Sku("SP-A", "29.90"), Sku("SP-B", "29.90"), Sku("SP-C", "28.90"))
    )
    await harness.run("offer")
    reports = {report.family_id: report for report in await harness.emitted(ProductReported)}
    assert (reports["SP"].status, reports["SQ"].status) == ("live", "rejected")


async def test_a_changed_title_is_sent_without_touching_the_offer(harness: Harness) -> None:
    await harness.publish(harness.product("coat", Sku("C-1", "30.00", "25.00", 4)))
    await harness.take(harness.product("coat", Sku("C-1", "35.00", "26.00", 9), title="Warm coat"))
    view = await harness.run("product")
    assert view["counts"]["update"] == 1
    sku = (await harness.skus_online())["C-1"]
    assert (sku["title"], sku["price"], sku["discount_price"]) == ("Warm coat", "30.00", "25.00")
    assert sku["inventory"] == 4
    await harness.run("offer")
    sku = (await harness.skus_online())["C-1"]
    assert (sku["price"], sku["discount_price"], sku["inventory"]) == ("35.00", "26.00", 9)


async def test_a_feed_shows_its_schedules_and_counts(harness: Harness) -> None:
    await harness.publish(harness.product("coat"))
    view = await harness.call("GET", f"/feeds/{FEED}")
    assert view["counts"] == {
        "desired": 1, "live": 1, "rejected": 0, "pending": 0, "withheld": 0, "removals": 0,
        "removals_withheld": 0, "online": 1,
    }  # fmt: skip
    assert {schedule["kind"] for schedule in view["schedules"]} == {"product", "offer"}
    paused = await harness.call("POST", f"/feeds/{FEED}/pause", {"reason": "holiday"})
    assert {s["pause_reason"] for s in paused["schedules"]} == {"holiday"}
    resumed = await harness.call("POST", f"/feeds/{FEED}/resume")
    assert not any(s["is_paused"] for s in resumed["schedules"])
    audited = await harness.pool.fetch("SELECT action FROM audit ORDER BY id DESC LIMIT 2")
    assert [row["action"] for row in audited] == ["feed.resumed", "feed.paused"]


async def test_what_is_online_is_counted_so_while_a_change_of_it_waits(harness: Harness) -> None:
    names = ("coat", "scarf", "hat")
    await harness.publish(*[harness.product(name) for name in names])
    await harness.take(
        harness.product("coat", title="Warm coat"), harness.absent("scarf"), harness.product("new")
    )
    counts = (await harness.call("GET", f"/feeds/{FEED}"))["counts"]
    assert (counts["live"], counts["pending"], counts["removals"]) == (1, 2, 1)
    assert counts["online"] == len(names)


async def test_a_product_whose_price_or_stock_alone_changes_stays_live(harness: Harness) -> None:
    """What product runs go by is as it was: counted as pending, all of a shop would be so all day
    that changes its prices hourly."""
    await harness.publish(harness.product("coat"), harness.product("scarf"))

    async def places() -> tuple[int, int]:
        counts = (await harness.call("GET", f"/feeds/{FEED}"))["counts"]
        return counts["live"], counts["pending"]

    await harness.take(harness.product("coat", Sku("coat", "12.00", None, 7)))
    assert await places() == (2, 0)
    await harness.take(harness.product("coat", Sku("coat", "12.00", None, 7), title="Warm coat"))
    assert await places() == (1, 1)
    await harness.take(harness.product("coat", Sku("coat", "13.00", None, 7), title="Warm coat"))
    assert await places() == (1, 1)
    run = await harness.run("product")
    assert run["counts"]["update"] == 1
    assert await places() == (2, 0)
    await harness.take(harness.product("coat", Sku("coat", "13.00"), title="Coat"))
    await harness.take(harness.product("coat", Sku("coat", "14.00"), title="Warm coat"))
    assert await places() == (1, 1), "it may have been planned meanwhile"


async def test_a_product_is_found_by_the_id_that_aliexpress_gave_it(harness: Harness) -> None:
    await harness.publish(harness.product("coat"), harness.product("scarf"))
    listed = (await harness.call("GET", f"/feeds/{FEED}/products"))["items"]
    ids = {product["family_id"]: product["marketplace_product_id"] for product in listed}
    found = await harness.call("GET", "/products", marketplace_product_id=ids["scarf"])
    [one] = found["items"]
    assert (one["feed_id"], one["family_id"], one["status"]) == (FEED, "scarf", "live")
    assert one["marketplace_product_id"] == ids["scarf"]
    for other in ("1", ids["scarf"][:-1], "scarf"):
        found = await harness.call("GET", "/products", marketplace_product_id=other)
        assert found["items"] == []
