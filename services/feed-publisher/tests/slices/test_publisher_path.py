"""From a desired state to the shop and back: the path a merchant's product takes."""

from publisher_bed import FEED, Bed, Sku

from common.contracts.feed import FeedCompleted
from common.contracts.product import ProductReported
from common.errors import Issue


async def test_a_product_goes_online_and_is_reported_live(bed: Bed) -> None:
    family = bed.product("coat", Sku("C-1", "30.00", "25.50", 4), Sku("C-2", "31.00", None, 0))
    await bed.take(family)
    run_id = await bed.ask("product")
    view = await bed.wait(run_id, "awaiting_confirmation")
    assert [line["action"] for line in await bed.plan(run_id)] == ["create"]
    assert await bed.shelf() == {}

    await bed.call("POST", f"/runs/{run_id}/confirm")
    view = await bed.wait(run_id)
    assert (view["state"], view["counts"]["create"]) == ("completed", 1)
    shelf = await bed.shelf()
    assert (shelf["C-1"]["price"], shelf["C-1"]["discount_price"]) == ("30.00", "25.50")
    assert [shelf[code]["inventory"] for code in ("C-1", "C-2")] == [4, 0]
    [report] = await bed.emitted(ProductReported)
    assert (report.status, report.desired_revision) == ("live", family.revision)
    assert report.marketplace_product_id == shelf["C-1"]["product_id"]
    await bed.quiet()
    outcomes = {done.outcome for done in await bed.emitted(FeedCompleted)}
    assert outcomes == {"completed"}


async def test_only_differences_are_sent_and_an_unchanged_run_writes_nothing(bed: Bed) -> None:
    families = [
        bed.product(f"p{n}", Sku(f"S{n}-a", "10.00", "9.00"), Sku(f"S{n}-b", "11.00"))
        for n in range(30)
    ]
    await bed.publish(*families)
    assert len(await bed.shelf()) == 60
    await bed.market.delete("/control/calls")
    assert (await bed.run("product"))["counts"]["items"] == 0
    assert (await bed.run("offer"))["counts"]["items"] == 0
    assert await bed.writes() == 0

    changed = [
        bed.product(
            f"p{n}",
            Sku(f"S{n}-a", "12.50" if n < 10 else "10.00", "9.00", 8 if n < 5 else 5),
            Sku(f"S{n}-b", "11.00"),
        )
        for n in range(30)
    ]
    await bed.take(*changed)
    view = await bed.run("offer")
    assert (view["counts"]["price"], view["counts"]["stock"]) == (10, 5)
    prices = await bed.ledger("price.update")
    stocks = await bed.ledger("stock.update")
    assert sorted(line["sku_code"] for line in prices) == [f"S{n}-a" for n in range(10)]
    assert sorted(line["sku_code"] for line in stocks) == [f"S{n}-a" for n in range(5)]
    assert {line["outcome"] for line in prices + stocks} == {"accepted"}
    assert (await bed.shelf())["S3-a"]["discount_price"] == "9.00"


async def test_gone_products_are_zeroed_by_the_offer_run_and_deleted_by_the_product_run(
    bed: Bed,
) -> None:
    await bed.publish(
        *[bed.product(f"p{n}") for n in range(12)],
        bed.product("pair", Sku("pair-a"), Sku("pair-b")),
    )
    await bed.take(bed.absent("p0"), bed.product("pair", Sku("pair-a")))
    await bed.run("offer")
    shelf = await bed.shelf()
    assert (shelf["p0"]["inventory"], shelf["pair-b"]["inventory"]) == (0, 0)
    view = await bed.run("product")
    assert (view["counts"]["delete"], view["counts"]["update"]) == (1, 1)
    shelf = await bed.shelf()
    assert "p0" not in shelf
    assert "pair-b" not in shelf
    assert shelf["pair-a"]["inventory"] == 5
    reports = {report.family_id: report.status for report in await bed.emitted(ProductReported)}
    assert reports["p0"] == "deleted"
    assert reports["pair"] == "live"


async def test_a_broken_content_keeps_the_listing_and_still_sends_stock_zero(bed: Bed) -> None:
    await bed.publish(bed.product("coat", Sku("C-1", stock=4)), bed.product("hat"))
    await bed.take(bed.product("coat", Sku("C-1", stock=0), content_is_valid=False))
    await bed.run("product")
    await bed.run("offer")
    assert (await bed.shelf())["C-1"]["inventory"] == 0


def bad_sale_price(code: str, value: str) -> Issue:
    return Issue(
        rule="M3.9",
        field="sku_info_list > discount_price",
        message="the discounted price is unusable",
        remedy="Send a discounted price strictly lower than the price, or none.",
        value=value,
        sku=code,
    )


async def test_a_bad_sale_price_holds_back_its_own_skus_price_and_nothing_else(bed: Bed) -> None:
    await bed.publish(
        bed.product("SP", Sku("SP-A", "29.90"), Sku("SP-B", "29.90"), Sku("SP-C", "29.90")),
        bed.product("SQ", Sku("SQ", "19.90", stock=7)),
        *[bed.product(f"p{n}") for n in range(3)],
    )
    await bed.take(
        bed.product(
            "SP",
            Sku("SP-A", "29.90", stock=4, issue=bad_sale_price("SP-A", "39.90")),
            Sku("SP-B", "29.90", stock=0),
            Sku("SP-C", "28.90"),
        ),
        bed.product("SQ", Sku("SQ", "19.90", stock=0, issue=bad_sale_price("SQ", "n/a"))),
    )
    view = await bed.run("offer")
    shelf = await bed.shelf()
    assert {code: shelf[code]["inventory"] for code in ("SP-A", "SP-B", "SP-C", "SQ")} == {
        "SP-A": 4, "SP-B": 0, "SP-C": 5, "SQ": 0,
    }  # fmt: skip
    assert [line["sku_code"] for line in await bed.ledger("price.update")] == ["SP-C"]
    stocks = await bed.ledger("stock.update", "accepted")
    assert sorted(line["sku_code"] for line in stocks) == ["SP-A", "SP-B", "SQ"]

    report = await bed.call("GET", f"/runs/{view['run_id']}/report")
    [cause] = report["causes"]
    assert (cause["code"], sorted(cause["families"])) == ("offers-invalid", ["SP", "SQ"])
    assert "M3.9" in cause["message"]
    assert "strictly lower than the price" in cause["message"]
    named = [line for line in await bed.plan(view["run_id"]) if line["code"] == "offers-invalid"]
    assert sorted(line["family_id"] for line in named) == ["SP", "SQ"]
    reports = {report.family_id: report for report in await bed.emitted(ProductReported)}
    assert (reports["SP"].status, reports["SQ"].status) == ("rejected", "rejected")

    await bed.market.delete("/control/calls")
    assert (await bed.run("offer"))["state"] == "completed"
    assert await bed.writes() == 0
    await bed.take(
        bed.product("SP", Sku("SP-A", "29.90"), Sku("SP-B", "29.90"), Sku("SP-C", "28.90"))
    )
    await bed.run("offer")
    reports = {report.family_id: report for report in await bed.emitted(ProductReported)}
    assert (reports["SP"].status, reports["SQ"].status) == ("live", "rejected")


async def test_a_changed_title_is_sent_without_touching_the_offer(bed: Bed) -> None:
    await bed.publish(bed.product("coat", Sku("C-1", "30.00", "25.00", 4)))
    await bed.take(bed.product("coat", Sku("C-1", "35.00", "26.00", 9), title="Warm coat"))
    view = await bed.run("product")
    assert view["counts"]["update"] == 1
    sku = (await bed.shelf())["C-1"]
    assert (sku["title"], sku["price"], sku["discount_price"]) == ("Warm coat", "30.00", "25.00")
    assert sku["inventory"] == 4
    await bed.run("offer")
    sku = (await bed.shelf())["C-1"]
    assert (sku["price"], sku["discount_price"], sku["inventory"]) == ("35.00", "26.00", 9)


async def test_a_feed_shows_its_schedules_and_counts(bed: Bed) -> None:
    await bed.publish(bed.product("coat"))
    view = await bed.call("GET", f"/feeds/{FEED}")
    assert view["counts"] | {"pending": 0} == {
        "desired": 1, "live": 1, "rejected": 0, "pending": 0, "withheld": 0,
    }  # fmt: skip
    assert {schedule["kind"] for schedule in view["schedules"]} == {"product", "offer"}
    paused = await bed.call("POST", f"/feeds/{FEED}/pause", {"reason": "holiday"})
    assert {s["pause_reason"] for s in paused["schedules"]} == {"holiday"}
    resumed = await bed.call("POST", f"/feeds/{FEED}/resume")
    assert not any(s["is_paused"] for s in resumed["schedules"])
