"""A plan that the catalogue has overtaken is not confirmed, not sent, and loses nothing."""

from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import pytest

from common.contracts.product import ProductNormalized
from stack.testing import eventually

from ..publisher_auth import MERCHANT, bearer
from ..publisher_harness import FEED, Harness, Sku

SUBMIT = "aliexpress.solution.feed.submit"
STOCK = "aliexpress.solution.batch.product.inventory.update"
PRICE = "aliexpress.solution.batch.product.price.update"
DELETE = "aliexpress.solution.batch.product.delete"
PRODUCTS, GONE = 25, 19


def present(harness: Harness, number: int = PRODUCTS, **changes: Any) -> list[ProductNormalized]:
    return [harness.product(f"p{n}", Sku(f"p{n}", **changes)) for n in range(number)]


def absent(harness: Harness, number: int = GONE) -> list[ProductNormalized]:
    return [harness.absent(f"p{n}") for n in range(number)]


async def refused(harness: Harness, run_id: str) -> dict[str, Any]:
    """The problem a confirmation ends in."""
    answer = await harness.http.post(
        f"/v1/merchants/{MERCHANT}/runs/{run_id}/confirm", headers=bearer("feeds:write")
    )
    assert answer.status_code == 409, answer.text
    return dict(answer.json())


async def catalogue_is_online(harness: Harness, stock: int = 5) -> bool:
    online_skus = await harness.skus_online()
    return sorted(online_skus) == sorted(f"p{n}" for n in range(PRODUCTS)) and {
        sku["inventory"] for sku in online_skus.values()
    } == {stock}


# -- confirming --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["product", "offer"])
async def test_withheld_removals_of_a_source_that_was_repaired_cannot_be_confirmed(
    harness: Harness, kind: str
) -> None:
    await harness.publish(*present(harness))
    await harness.take(*absent(harness))
    withheld = await harness.run(kind)
    assert (withheld["state"], withheld["counts"]["withheld"]) == ("withheld", GONE)

    await harness.take(*present(harness))
    problem = await refused(harness, withheld["run_id"])
    assert problem["type"].endswith(":plan-overtaken")
    assert f"{GONE} of {GONE}" in problem["title"]
    assert "dry run" in problem["remedy"]

    later = await harness.run(kind)
    assert (later["state"], later["counts"]["items"]) == ("completed", 0)
    problem = await refused(harness, withheld["run_id"])
    assert problem["type"].endswith(":plan-superseded")
    assert f"/runs/{later['run_id']}" in problem["remedy"]
    assert (await harness.call("GET", f"/runs/{withheld['run_id']}"))["state"] == "superseded"
    assert await harness.ledger("product.delete") == await harness.ledger("stock.update") == []
    assert await catalogue_is_online(harness)


async def test_one_product_that_came_back_forbids_to_confirm_all_removals(harness: Harness) -> None:
    await harness.publish(*present(harness))
    await harness.take(*absent(harness))
    withheld = await harness.run("product")
    await harness.take(harness.product("p0"))
    assert f"1 of {GONE}" in (await refused(harness, withheld["run_id"]))["title"]

    dry_run_id = await harness.ask("product", dry_run=True)
    shown = await harness.wait(dry_run_id, "planned")
    assert shown["counts"]["withheld"] == GONE - 1
    assert (await refused(harness, withheld["run_id"]))["type"].endswith(":plan-superseded")
    await harness.call("POST", f"/runs/{dry_run_id}/confirm")
    await harness.wait(dry_run_id)
    await harness.quiet()
    assert sorted(await harness.skus_online()) == sorted(
        ["p0", *(f"p{n}" for n in range(GONE, PRODUCTS))]
    )


async def test_the_rest_of_an_overtaken_plan_is_sent_where_one_asks_for_that(
    harness: Harness,
) -> None:
    await harness.publish(*present(harness))
    await harness.take(*absent(harness))
    withheld = await harness.run("product")
    await harness.take(harness.product("p0", title="Back"))
    await harness.call("POST", f"/runs/{withheld['run_id']}/confirm", skip_overtaken=True)
    view = await harness.wait(withheld["run_id"])
    assert (view["counts"]["delete"], view["counts"]["superseded"]) == (GONE - 1, 1)
    await harness.quiet()
    assert "p0" in await harness.skus_online()


async def test_a_stale_dry_run_sends_none_of_its_prices(harness: Harness) -> None:
    await harness.publish(*present(harness, 3))
    await harness.take(*present(harness, 3, price="21.00"))
    dry_run_id = await harness.ask("offer", dry_run=True)
    await harness.wait(dry_run_id, "planned")
    await harness.take(*present(harness, 3, price="22.00"))
    assert (await refused(harness, dry_run_id))["type"].endswith(":plan-overtaken")
    await harness.run("offer")
    assert (await refused(harness, dry_run_id))["type"].endswith(":plan-superseded")
    assert {sku["price"] for sku in (await harness.skus_online()).values()} == {"22.00"}
    assert {line["detail"]["price"] for line in await harness.ledger("price.update")} == {"22.00"}


async def test_a_first_dry_run_that_was_overtaken_is_planned_again(harness: Harness) -> None:
    await harness.take(*present(harness, 3))
    first_id = await harness.ask("product")
    await harness.wait(first_id, "awaiting_confirmation")
    await harness.take(harness.product("p0", Sku("p0", "30.00")))
    assert "1 of 3" in (await refused(harness, first_id))["title"]
    await harness.run("product")
    await harness.run("offer")
    assert sorted(sku["price"] for sku in (await harness.skus_online()).values()) == [
        "20.00", "20.00", "30.00",
    ]  # fmt: skip


async def test_a_newer_plan_withholds_again_what_an_older_one_withheld(harness: Harness) -> None:
    await harness.publish(*present(harness))
    await harness.take(*absent(harness))
    older, newer = await harness.run("product"), await harness.run("product")
    assert newer["counts"]["withheld"] == GONE
    assert (await harness.call("GET", f"/runs/{older['run_id']}"))["state"] == "superseded"
    counts = (await harness.call("GET", f"/feeds/{FEED}"))["counts"]
    assert (counts["removals"], counts["removals_withheld"]) == (GONE, GONE)
    await harness.call("POST", f"/runs/{newer['run_id']}/confirm")
    assert (await harness.wait(newer["run_id"], "completed"))["counts"]["delete"] == GONE
    assert len(await harness.ledger("product.delete")) == GONE
    assert len(await harness.skus_online()) == PRODUCTS - GONE


# -- sending -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "operation", "changed", "newest"),
    [
        ("product", DELETE, "absent", {}),
        ("product", SUBMIT, {"title": "Older"}, {"title": "Newest"}),
        ("offer", STOCK, {"stock": 0}, {"stock": 9}),
        ("offer", STOCK, "absent", {}),
        ("offer", PRICE, {"price": "21.00"}, {"price": "22.00"}),
    ],
)
async def test_a_family_that_moves_on_before_it_is_sent_reaches_its_newest_state_only(
    harness: Harness, kind: str, operation: str, changed: Any, newest: dict[str, Any]
) -> None:
    def state(values: dict[str, Any]) -> ProductNormalized:
        title = values.get("title", "Coat")
        offer = {name: value for name, value in values.items() if name != "title"}
        return harness.product("p0", Sku("p0", **offer), title=title)

    await harness.publish(*present(harness, 3))
    before = len(await harness.ledger())
    await harness.take(harness.absent("p0") if changed == "absent" else state(changed))
    async with harness.held_up(kind, operation) as run_id:
        await harness.take(state(newest))
    view = await harness.wait(run_id)
    await harness.quiet()

    assert (view["state"], view["counts"]["superseded"]) == ("completed", 1)
    [item] = (await harness.call("GET", f"/runs/{run_id}/items"))["items"]
    assert (item["code"], item["status"]) == ("overtaken", "superseded")
    shown = (await harness.skus_online())["p0"]
    wanted = {"price": "20.00", "stock": 5, "title": "Coat"} | newest
    assert {
        "price": shown["price"], "stock": shown["inventory"], "title": shown["title"]
    } == wanted  # fmt: skip
    written = [line for line in (await harness.ledger())[before:] if line["product_id"]]
    assert {line["outcome"] for line in written} <= {"accepted"}
    assert len({line["operation"] for line in written}) == (1 if newest else 0), written


async def test_a_creation_that_was_overtaken_is_made_once_of_the_newest_state(
    harness: Harness,
) -> None:
    await harness.publish(*present(harness, 1))
    await harness.take(harness.product("new", Sku("new", "20.00")))
    async with harness.held_up("product", SUBMIT) as run_id:
        await harness.take(harness.product("new", Sku("new", "25.00")))
    await harness.wait(run_id)
    await harness.quiet()
    assert (await harness.skus_online())["new"]["price"] == "25.00"
    assert len(await harness.ledger("product.create")) == 2


async def test_what_others_of_the_plan_want_is_sent_beside_an_overtaken_one(
    harness: Harness,
) -> None:
    await harness.publish(*present(harness))
    await harness.take(*present(harness, stock=7))
    async with harness.held_up("offer", STOCK) as run_id:
        await harness.take(harness.product("p0", Sku("p0", stock=8)))
    view = await harness.wait(run_id)
    assert (view["counts"]["stock"], view["counts"]["superseded"]) == (PRODUCTS - 1, 1)
    await harness.quiet()
    assert {code: sku["inventory"] for code, sku in (await harness.skus_online()).items()} == {
        f"p{n}": 7 if n else 8 for n in range(PRODUCTS)
    }


# -- outcomes ----------------------------------------------------------------------------------


LOST = {"kind": "answer_lost"}
REFUSED = {
    "kind": "item_error",
    "operation": "PRODUCT_FULL_UPDATE",
    "code": "F00-00-10007-015",
    "message": "The sku_attribute_name you input does not exist ...",
}


@pytest.mark.parametrize(
    ("kind", "operation", "faults", "older"),
    [
        pytest.param("product", DELETE, [], "absent", id="accepted"),
        pytest.param("product", DELETE, [LOST], "absent", id="gone"),
        pytest.param("product", SUBMIT, [REFUSED], "retitled", id="rejected"),
        pytest.param("offer", STOCK, [], "absent", id="zeroed"),
        pytest.param("offer", STOCK, [LOST], "absent", id="settled"),
    ],
)
async def test_after_an_outcome_of_an_older_revision_the_family_is_marked(
    harness: Harness, kind: str, operation: str, faults: list[dict[str, Any]], older: str
) -> None:
    """The newer revision's own marks are taken away: the outcome alone has to bring them back."""
    await harness.publish(*present(harness, 3))
    for fault in faults:
        await harness.control("faults", **{"operation": operation, "count": 1} | fault)
    await harness.take(
        harness.absent("p0") if older == "absent" else harness.product("p0", title="Older")
    )
    async with harness.answered_late(operation):
        run_id = await harness.ask(kind)

        async def is_under_way() -> bool:
            return bool((await harness.call("GET", f"/runs/{run_id}"))["progress"]["under_way"])

        await eventually(is_under_way)
        await harness.take(harness.product("p0", Sku("p0", stock=7), title="Newest"))
        await harness.pool.execute("DELETE FROM family_mark")
    await harness.wait(run_id)
    marks = await harness.pool.fetch("SELECT DISTINCT kind FROM family_mark WHERE family_id = 'p0'")
    assert {mark["kind"] for mark in marks} == {"product", "offer"}
    await harness.run("product")
    await harness.run("offer")
    shown = (await harness.skus_online())["p0"]
    assert (shown["title"], shown["inventory"]) == ("Newest", 7)


# -- histories ---------------------------------------------------------------------------------

FAMILIES = [f"p{n}" for n in range(12)]
HISTORIES, STEPS = 5, 12
Wanted = dict[str, int | None]
"""The stock each family should have online; None for one that should not be there."""


@pytest.mark.timeout(600)
async def test_no_history_of_states_and_confirmations_removes_what_is_wanted(
    harness: Harness,
) -> None:
    wanted: Wanted = dict.fromkeys(FAMILIES, 5)
    await harness.publish(*[harness.product(name) for name in FAMILIES])
    for seed in range(HISTORIES):
        await _History(harness, Random(seed), wanted, f"history {seed}").run()


class _History:
    """What a catalogue and a person may do, drawn; each step is checked before the next."""

    def __init__(self, harness: Harness, draw: Random, wanted: Wanted, name: str) -> None:
        self.harness, self.draw, self.wanted = harness, draw, wanted
        self.log = [name]
        self.waiting: list[str] = []

    async def run(self) -> None:
        for _ in range(STEPS):
            await self._checked(
                self.draw.choice([self._change, self._run_feed, self._plan, self._confirm])
            )
        for kind in ("product", "offer", "product"):
            view = await self.harness.run(kind)
            if view["state"] == "withheld":
                await self.harness.call("POST", f"/runs/{view['run_id']}/confirm")
            await self.harness.quiet()
        online_skus = await self.harness.skus_online()
        for name, stock in self.wanted.items():
            online = online_skus[name]["inventory"] if name in online_skus else None
            # Without stock a new product is not created, and one that was online stays.
            assert online in ({0, None} if stock == 0 else {stock}), (name, self)

    def __repr__(self) -> str:
        return "\n".join(self.log)

    async def _checked(self, step: Callable[[], Awaitable[str]]) -> None:
        """After a step nothing was done but what the catalogue wanted before it or wants now."""
        since, before = len(await self.harness.ledger()), dict(self.wanted)
        self.log.append(await step())
        await self.harness.quiet()
        for line in (await self.harness.ledger())[since:]:
            if line["operation"] == "product.delete":
                [name] = line["detail"]["skus"]
                assert None in {before[name], self.wanted[name]}, self
            elif line["operation"] == "stock.update":
                name = line["sku_code"]
                stocks = {before[name] or 0, self.wanted[name] or 0}
                assert line["detail"]["inventory"] in stocks, self

    async def _change(self) -> str:
        names = self.draw.sample(FAMILIES, self.draw.randint(1, 8))
        stock = self.draw.choice([None, None, 0, 3, 8])
        self.wanted |= dict.fromkeys(names, stock)
        await self.harness.take(
            *[
                self.harness.absent(name)
                if stock is None
                else self.harness.product(name, Sku(name, stock=stock))
                for name in names
            ]
        )
        return f"{names} := {stock}"

    async def _run_feed(self) -> str:
        kind = self.draw.choice(["product", "offer"])
        run_id = await self.harness.ask(kind)
        if self.draw.random() < 0.3:
            await self._change()
        view = await self.harness.wait(run_id)
        self.waiting.append(run_id)
        return f"{kind} run {run_id}: {view['counts']}"

    async def _plan(self) -> str:
        kind = self.draw.choice(["product", "offer"])
        run_id = await self.harness.ask(kind, dry_run=True)
        await self.harness.wait(run_id, "planned", "superseded")
        self.waiting.append(run_id)
        return f"{kind} dry run {run_id}"

    async def _confirm(self) -> str:
        if not self.waiting:
            return "nothing to confirm"
        run_id = self.draw.choice(self.waiting)
        answer = await self.harness.http.post(
            f"/v1/merchants/{MERCHANT}/runs/{run_id}/confirm", headers=bearer("feeds:write")
        )
        assert answer.status_code in {202, 409}, self
        return f"confirm {run_id}: {answer.status_code}"
