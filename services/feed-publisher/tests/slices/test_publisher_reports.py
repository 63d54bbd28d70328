"""A report names all that is wanted and missing, changed or not; counts add up (M7.5)."""

from typing import Any

import msgspec
import pytest

from common.contracts.feed import FeedCompleted
from common.contracts.product import Part, ProductNormalized
from common.errors import Issue
from feed_publisher.planning import note_missing

from ..publisher_harness import FEED, Harness, Sku

TITLE = Issue("M3.6", "title_multi_language_list", "the title is missing", "Fill it.")
PRICE = Issue("M3.9", "sku_info_list > price", "not a price", "Correct it.", value="x", sku="w0")


def invalid(harness: Harness, family: str) -> ProductNormalized:
    state = harness.product(family, content_is_valid=False)
    return msgspec.structs.replace(
        state, content_part=Part(is_valid=False, hash="none", issues=[TITLE])
    )


def waiting(harness: Harness, family: str) -> ProductNormalized:
    return harness.product(family, Sku(family, issue=PRICE))


def causes(report: dict[str, Any]) -> dict[str, tuple[int, list[str]]]:
    return {c["code"]: (c["count"], sorted(c["families"])) for c in report["causes"]}


async def report(harness: Harness, run_id: str) -> dict[str, Any]:
    return dict(await harness.call("GET", f"/runs/{run_id}/report"))


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(note_missing, "PIECE_FAMILIES", 2)


async def test_products_that_our_own_rules_refuse_stand_in_every_report(harness: Harness) -> None:
    states = [
        harness.product("good"),
        *[invalid(harness, f"bad{n}") for n in range(3)],
        *[waiting(harness, f"w{n}") for n in range(3)],
        harness.product("sold-out", Sku("sold-out", stock=0)),
    ]
    first = await harness.publish(*states)
    assert (first["state"], first["counts"]["missing"]) == ("completed_with_errors", 6)
    bad, waits = ["bad0", "bad1", "bad2"], ["w0", "w1", "w2"]
    expected = {"M3.6": (3, bad), "M3.9": (3, waits), "no-stock": (1, ["sold-out"])}
    assert causes(await report(harness, first["run_id"])) == expected

    # nothing has changed since: the report says the same
    for _ in range(2):
        later = await harness.run("product")
        assert (later["state"], later["counts"]["items"]) == ("completed_with_errors", 0)
        found = await report(harness, later["run_id"])
        assert causes(found) == expected
        # 8 are wanted: 6 of them are missing, one was refused by AliExpress's rule, one is online
        assert (found["missing"], found["unchanged"]) == (later["counts"]["missing"], 1)
    offers = await harness.run("offer")
    assert causes(await report(harness, offers["run_id"])) == {"M3.9": (3, waits)}
    [event, *_] = [
        event for event in await harness.emitted(FeedCompleted) if event.run_id == later["run_id"]
    ]
    assert event.outcome == "completed_with_errors"
    assert {cause.code: cause.count for cause in event.causes} == {
        "M3.6": 3, "M3.9": 3, "no-stock": 1,
    }  # fmt: skip
    counts = (await harness.call("GET", f"/feeds/{FEED}"))["counts"]
    assert counts == {
        "desired": 8, "live": 1, "rejected": 7, "pending": 0, "withheld": 0, "removals": 0,
        "removals_withheld": 0, "online": 1,
    }  # fmt: skip

    # what is corrected is missing no longer, nor what is not wanted any more
    await harness.take(
        *[harness.product(name) for name in [*bad, "w0", "w1"]],
        harness.absent("w2"),
        harness.product("sold-out"),
    )
    assert (await harness.run("product"))["counts"]["create"] == 6
    assert (await harness.run("product"))["state"] == "completed"
    assert (await harness.run("offer"))["state"] == "completed"


async def test_what_aliexpress_refused_stays_in_the_report_until_it_is_corrected(
    harness: Harness,
) -> None:
    await harness.control(
        "faults", kind="item_error", operation="PRODUCT_CREATE", count=1, code="F00-00-10007-015",
        message="The sku_attribute_name you input does not exist ...",
    )  # fmt: skip
    await harness.publish(*[harness.product(f"p{n}") for n in range(3)])
    again = await harness.run("product")
    assert (again["state"], again["counts"]["items"]) == ("completed_with_errors", 0)
    assert again["counts"]["missing"] == 1
    [cause] = (await report(harness, again["run_id"]))["causes"]
    assert (cause["code"], cause["count"]) == ("F00-00-10007-015", 1)
    [family] = cause["families"]
    await harness.take(harness.product(family, title="Corrected"))
    assert (await harness.run("product"))["state"] == "completed"


async def test_a_plan_without_effect_notes_what_is_missing_too(harness: Harness) -> None:
    await harness.take(invalid(harness, "bad"), harness.product("good"))
    planned = await harness.wait(await harness.ask("product", dry_run=True), "planned")
    found = await report(harness, planned["run_id"])
    assert (found["missing"], causes(found)) == (1, {"M3.6": (1, ["bad"])})
    assert found["unchanged"] == 0  # of two, one is missing and one is to be created


async def test_the_report_of_a_queued_run_is_its_own_and_empty(harness: Harness) -> None:
    await harness.publish(invalid(harness, "bad"), harness.product("good"))
    await harness.take(harness.shop_state(connection="disconnected"), harness.product("new"))
    queued = await harness.ask("product")
    await harness.wait(queued, "waiting_for_shop")
    found = await report(harness, queued)
    assert (found["run_id"], found["state"]) == (queued, "queued")
    assert (found["counts"], found["causes"], found["missing"], found["samples"]) == ({}, [], 0, [])
    assert found["unchanged"] is None


async def test_a_run_that_failed_says_so_everywhere(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harness.publish(harness.product("good"))

    async def fail(*_: Any, **__: Any) -> None:
        raise KeyError("a fault of ours")

    monkeypatch.setattr(note_missing, "save_unplanned", fail)
    await harness.take(harness.product("new"))
    failed = await harness.run("product")
    assert failed["state"] == "failed"
    assert "a fault of ours" in failed["trouble"]
    found = await report(harness, failed["run_id"])
    assert (found["state"], found["trouble"]) == ("failed", failed["trouble"])
    [event] = [e for e in await harness.emitted(FeedCompleted) if e.run_id == failed["run_id"]]
    assert event.outcome == "failed"
    assert event.causes[0].code == "run-failed"
    assert "a fault of ours" in event.causes[0].message
    runs = (await harness.call("GET", f"/feeds/{FEED}/runs"))["items"]
    assert (runs[0]["state"], runs[0]["trouble"]) == ("failed", failed["trouble"])

    # what it had left is in the next run
    monkeypatch.undo()
    assert (await harness.run("product"))["counts"]["create"] == 1
