"""A plan is made piece by piece: one of any size ends, and goes on where it was."""

from typing import Any

import pytest

from feed_publisher.planning import guard_changes, make_plan
from feed_publisher.runs.store import advance_plan
from stack.testing import eventually

from ..publisher_harness import FEED, Harness, Sku

FAMILIES = [f"coat-{number}" for number in range(7)]


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make_plan, "PIECE_FAMILIES", 2)
    monkeypatch.setattr(guard_changes, "PIECE_ITEMS", 2)


def products(harness: Harness, *, price: str = "20.00", first: int = 0) -> list[Any]:
    return [harness.product(name, Sku(f"{name}-a", price=price)) for name in FAMILIES[first:]]


async def test_a_plan_of_many_pieces_has_each_family_once(harness: Harness) -> None:
    ended = await harness.publish(*products(harness))
    assert ended["counts"]["create"] == len(FAMILIES)
    plan = await harness.plan(ended["run_id"])
    assert sorted(item["family_id"] for item in plan) == FAMILIES


async def test_a_plan_goes_on_at_the_piece_that_failed(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await harness.publish(*products(harness))
    calls: list[str] = []

    async def fail_once(*arguments: Any, through: str, **rest: Any) -> None:
        calls.append(through)
        if len(calls) == 3:
            raise KeyError("a fault in the third piece")
        await advance_plan(*arguments, through=through, **rest)

    monkeypatch.setattr(make_plan, "advance_plan", fail_once)
    await harness.take(*products(harness, price="21.00"))
    ended = await harness.run("offer")
    assert ended["state"] == "completed"
    assert ended["counts"]["price"] == len(FAMILIES)
    assert calls == ["coat-1", "coat-3", "coat-5", "coat-5", "coat-6"]


async def test_the_guard_counts_all_pieces_and_holds_all_of_them(harness: Harness) -> None:
    await harness.publish(*products(harness))
    await harness.take(*(harness.absent(name) for name in FAMILIES))
    ended = await harness.run("product")
    assert ended["state"] == "withheld"
    assert ended["counts"]["withheld"] == len(FAMILIES)
    await harness.call("POST", f"/runs/{ended['run_id']}/confirm")
    confirmed = await harness.wait(ended["run_id"])
    assert confirmed["counts"]["delete"] == len(FAMILIES)


async def test_removals_below_the_share_are_remembered_piece_by_piece(harness: Harness) -> None:
    await harness.publish(*products(harness))
    await harness.take(harness.absent(FAMILIES[0]), harness.absent(FAMILIES[5]))
    assert (await harness.run("product"))["state"] == "completed"

    async def are_remembered() -> bool:
        rows = await harness.pool.fetch(
            "SELECT family_id FROM guarded_change WHERE feed_id = $1", FEED
        )
        return {row["family_id"] for row in rows} == {FAMILIES[0], FAMILIES[5]}

    await eventually(are_remembered)
    await harness.take(harness.absent(FAMILIES[1]))
    ended = await harness.run("product")  # the third of seven, ten are counted: two a day
    assert (ended["state"], ended["counts"]["withheld"]) == ("withheld", 1)
