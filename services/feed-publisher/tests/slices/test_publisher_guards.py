"""The guard counts SKUs and configurations, and what it holds stays held (M7.4)."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from common import clock, clock_source
from common.contracts.product import ProductNormalized
from stack.testing import eventually

from ..publisher_harness import FEED, Harness, Sku

FAMILIES, SKUS, KEPT = 12, 5, 2
CONFIGURED_PRODUCTS = 20


@pytest.fixture(autouse=True)
async def own_clock(harness: Harness) -> AsyncIterator[None]:
    yield
    await harness.control("clock", advance_seconds=0)
    clock.set_to(clock.wall_now())


def families(harness: Harness, *, skus: int = SKUS, **changes: Any) -> list[ProductNormalized]:
    return [
        harness.product(f"f{n}", *[Sku(f"f{n}-{s}", **changes) for s in range(skus)])
        for n in range(FAMILIES)
    ]


async def test_a_truncated_file_that_takes_skus_but_no_whole_product_is_withheld(
    harness: Harness,
) -> None:
    await harness.publish(*families(harness))
    before = await harness.skus_online()
    assert len(before) == FAMILIES * SKUS
    await harness.take(*families(harness, skus=KEPT, stock=8))
    offers = await harness.run("offer")
    assert (offers["state"], offers["counts"]["withheld"]) == ("withheld", FAMILIES)
    content = await harness.run("product")
    assert (content["state"], content["counts"]["withheld"]) == ("withheld", FAMILIES)
    report = await harness.call("GET", f"/runs/{offers['run_id']}/report")
    assert f"{FAMILIES * (SKUS - KEPT)} SKUs" in report["causes"][0]["message"]
    after = await harness.skus_online()
    assert after.keys() == before.keys()
    # what the file keeps has its stock: only zeroings wait
    assert {sku["inventory"] for sku in after.values()} == {5, 8}

    await harness.call("POST", f"/runs/{content['run_id']}/confirm")
    await harness.wait(content["run_id"], "completed")
    assert len(await harness.skus_online()) == FAMILIES * KEPT


async def test_skus_sold_out_below_the_share_go_within_the_hour(harness: Harness) -> None:
    await harness.publish(*families(harness))
    sold_out = [
        harness.product(
            f"f{n}", Sku(f"f{n}-0", stock=0), *[Sku(f"f{n}-{s}") for s in range(1, SKUS)]
        )
        for n in range(FAMILIES)
    ]
    await harness.take(*sold_out)
    assert (await harness.run("offer"))["state"] == "completed"
    online = await harness.skus_online()
    assert sorted(code for code, sku in online.items() if sku["inventory"] == 0) == sorted(
        f"f{n}-0" for n in range(FAMILIES)
    )


# -- time --------------------------------------------------------------------------------------


async def move_clock(harness: Harness, by: timedelta) -> None:
    """Time passes; what fell due by it has been queued, and has ended."""
    await harness.control("clock", advance_seconds=by.total_seconds())
    await clock_source.adopt(harness.market, "/control/clock")
    await harness.take(harness.shop_state())

    async def is_queued() -> bool:
        return not await harness.pool.fetchval(
            "SELECT 1 FROM schedule WHERE next_due_at <= $1 AND NOT is_paused", clock.now()
        )

    await eventually(is_queued, within=60)
    await harness.quiet()


async def last_run(harness: Harness, kind: str) -> dict[str, Any]:
    view = await harness.run(kind)
    await harness.quiet()
    return view


@pytest.mark.slow
async def test_what_was_withheld_does_not_go_because_the_window_rolled_on(
    harness: Harness,
) -> None:
    await harness.publish(*[harness.product(f"p{n}") for n in range(25)])
    await harness.take(*[harness.absent(f"p{n}") for n in range(4)])
    assert (await harness.run("product"))["state"] == "completed"
    await harness.take(*[harness.absent(f"p{n}") for n in range(4, 7)])
    assert (await harness.run("product"))["counts"]["withheld"] == 3
    for passed in (timedelta(hours=25), timedelta(days=7)):
        await move_clock(harness, passed)
        view = await last_run(harness, "product")
        assert (view["state"], view["counts"]["withheld"]) == ("withheld", 3), passed
        assert len(await harness.skus_online()) == 21
    # another one, below the share of a new day, goes; those that were held do not go with it
    await harness.take(harness.absent("p24"), harness.absent("p4"))
    view = await last_run(harness, "product")
    assert (view["counts"]["delete"], view["counts"]["withheld"]) == (1, 3)
    # p4 came back: it is held no longer, and may go another day like any other
    await harness.take(harness.product("p4"))
    view = await last_run(harness, "product")
    assert view["counts"]["withheld"] == 2
    await harness.take(harness.absent("p4"))
    view = await last_run(harness, "product")
    assert (view["counts"]["delete"], view["counts"]["withheld"]) == (1, 2)

    await harness.call("POST", f"/runs/{view['run_id']}/confirm")
    await harness.wait(view["run_id"], "completed")
    assert sorted(await harness.skus_online()) == sorted(f"p{n}" for n in range(7, 24))


# -- configurations ----------------------------------------------------------------------------


def configured(
    harness: Harness, version: int, *, title: str, number: int = CONFIGURED_PRODUCTS
) -> list[ProductNormalized]:
    return [
        msgspec.structs.replace(
            harness.product(f"p{n}", title=title), configuration_version=version
        )
        for n in range(number)
    ]


async def titles(harness: Harness) -> set[str]:
    return {sku["title"] for sku in (await harness.skus_online()).values()}


async def test_a_configuration_that_rewrites_many_products_waits_with_a_sample(
    harness: Harness,
) -> None:
    await harness.publish(*configured(harness, 1, title="Coat"))
    await harness.take(*configured(harness, 2, title="Constant"))
    view = await harness.run("product")
    assert (view["state"], view["counts"]["withheld"]) == ("withheld", CONFIGURED_PRODUCTS)
    assert await titles(harness) == {"Coat"}

    report = await harness.call("GET", f"/runs/{view['run_id']}/report")
    [cause] = report["causes"]
    assert (cause["code"], cause["count"]) == ("configuration-guard", CONFIGURED_PRODUCTS)
    sample = report["samples"][0]
    assert (sample["before"]["title"], sample["after"]["title"]) == ("Coat", "Constant")
    assert sample["before"]["category_id"] == sample["after"]["category_id"] != ""
    assert sample["before"]["prices"] == {sample["family_id"]: "20.00"}
    line = (await harness.plan(view["run_id"]))[0]
    assert line["before"]["title"] == "Coat"

    # it does not go by itself, nor does what the configuration repairs stay held
    await move_clock(harness, timedelta(hours=25))
    assert (await last_run(harness, "product"))["counts"]["withheld"] == CONFIGURED_PRODUCTS
    await harness.take(*configured(harness, 3, title="Coat"))
    view = await last_run(harness, "product")
    assert (view["state"], view["counts"]["items"]) == ("completed", 0)
    assert await titles(harness) == {"Coat"}
    assert not await harness.pool.fetchval("SELECT count(*) FROM held_change")


async def test_a_confirmed_configuration_goes_and_its_next_edits_are_data(
    harness: Harness,
) -> None:
    await harness.publish(*configured(harness, 1, title="Coat"))
    await harness.take(*configured(harness, 2, title="Better"))
    view = await harness.run("product")
    await harness.call("POST", f"/runs/{view['run_id']}/confirm")
    await harness.wait(view["run_id"], "completed")
    assert await titles(harness) == {"Better"}

    await harness.take(*configured(harness, 2, title="Edited"))

    async def are_edited() -> bool:
        assert (await harness.run("product"))["state"] != "withheld"
        return await titles(harness) == {"Edited"}

    await eventually(are_edited, within=60)


async def test_a_configuration_that_touches_few_goes_piece_by_piece_no_further_than_the_share(
    harness: Harness,
) -> None:
    await harness.publish(*configured(harness, 1, title="Coat"))
    await harness.take(*configured(harness, 2, title="New", number=4))
    assert (await harness.run("product"))["counts"]["update"] == 4
    await harness.take(*configured(harness, 2, title="New", number=8))
    view = await last_run(harness, "product")
    assert view["counts"].get("withheld") == 4
    counts = (await harness.call("GET", f"/feeds/{FEED}"))["counts"]
    assert counts["withheld"] == 4
