"""AliExpress refuses our app: runs wait and show why; nothing is rejected, counted or doubled."""

import re
from typing import Any

import pytest

from feed_publisher.driving.drive_run import MAX_FAILURES
from stack.sandbox import Sandbox
from stack.testing import NewDatabase, eventually

from ..publisher_auth import SELLER
from ..publisher_harness import FEED, Harness, Sku
from ..publisher_running import new_harness

SUBMIT, QUERY, JOBS = (
    f"aliexpress.solution.feed.{call}" for call in ("submit", "query", "list.get")
)
STOCK = "aliexpress.solution.batch.product.inventory.update"
PRICE = "aliexpress.solution.batch.product.price.update"
DELETE = "aliexpress.solution.batch.product.delete"
LIST, INFO = (f"aliexpress.solution.product.{call}.get" for call in ("list", "info"))
WHITELIST = "isv.permission-ip-whitelist-limit"
TROUBLE = re.compile(
    r"AliExpress refuses our app \((.+)\): the operator was told; "
    "nothing is lost, it goes on by itself"
)
ENOUGH = 4
"""Refusals after which whatever is counted would have been used up, but for a run's failures."""


async def refuse(harness: Harness, operation: str, code: str) -> int:
    fault = await harness.control("faults", kind="error", operation=operation, code=code)
    return int(fault["id"])


async def accept(harness: Harness, fault: int) -> None:
    (await harness.market.delete(f"/control/faults/{fault}")).raise_for_status()


async def is_refused(harness: Harness, fault: int, *, times: int) -> None:
    """Wait until the fault has struck so often."""

    async def has_struck() -> bool:
        faults = (await harness.market.get("/control/faults")).json()
        return any(f["id"] == fault and f["struck"] >= times for f in faults)

    await eventually(has_struck)


async def shown_refusal(harness: Harness, run_id: str, refused: dict[str, str]) -> str:
    """Wait until the run shows that our app is refused, and which of these calls by its code."""
    shown: list[str] = []

    async def is_shown() -> bool:
        view = await harness.call("GET", f"/runs/{run_id}")
        assert view["state"] == "running"
        codes = TROUBLE.fullmatch(view["trouble"] or "")
        shown.extend(call for call, code in refused.items() if codes and code in codes[1].split())
        return bool(shown)

    await eventually(is_shown)
    return shown[0]


async def attempts(harness: Harness) -> set[int]:
    return {row["attempts"] for row in await harness.pool.fetch("SELECT attempts FROM run_item")}


async def run_refused(harness: Harness, kind: str, refused: dict[str, str]) -> dict[str, Any]:
    """A run whose operations are refused, each with a code of its own, and put right one by one."""
    faults = {call: await refuse(harness, call, code) for call, code in refused.items()}
    run_id = await harness.ask(kind)
    view = await harness.wait(run_id, "awaiting_confirmation", "running")
    if view["state"] == "awaiting_confirmation":
        await harness.call("POST", f"/runs/{run_id}/confirm")
    while faults:
        call = await shown_refusal(harness, run_id, {call: refused[call] for call in faults})
        await accept(harness, faults.pop(call))
    ended = await harness.wait(run_id)
    await harness.quiet()
    return ended


async def test_every_call_of_the_runs_may_be_refused_and_is_made_once_later(
    harness: Harness,
) -> None:
    await harness.take(*[harness.product(f"p{n}", Sku(f"p{n}")) for n in range(4)])
    made = await run_refused(
        harness, "product", {LIST: "11", SUBMIT: WHITELIST, QUERY: "AppWhiteIpLimit"}
    )
    assert (made["state"], made["counts"]["create"]) == ("completed", 4)

    await harness.take(
        harness.product("p0", Sku("p0"), title="Warmer coat"),
        harness.product("p1", Sku("p1", price="21.00")),
        harness.product("p2", Sku("p2", stock=9)),
        harness.absent("p3"),
    )
    offers = await run_refused(harness, "offer", {STOCK: "12", PRICE: "isv.permission-unheard"})
    assert offers["state"] == "completed"
    edits = await run_refused(
        harness, "product", {DELETE: "25", INFO: "InsufficientPermission", SUBMIT: "29"}
    )
    assert (edits["state"], edits["counts"]["delete"]) == ("completed", 1)

    online = await harness.skus_online()
    assert online.keys() == {"p0", "p1", "p2"}
    assert online["p0"]["title"] == "Warmer coat"
    assert (online["p1"]["price"], online["p2"]["inventory"]) == ("21.00", 9)
    accepted = {
        operation: len(await harness.ledger(operation, "accepted"))
        for operation in ("product.create", "product.delete", "feed.submit", "price.update")
    }
    assert accepted == {
        "product.create": 4, "product.delete": 1, "feed.submit": 2, "price.update": 1,
    }  # fmt: skip
    assert await attempts(harness) == {1}
    assert await harness.pool.fetchval("SELECT max(failures) FROM feed_run") == 0
    assert not await harness.pool.fetchval(
        "SELECT 1 FROM run_item WHERE status IN ('rejected', 'deferred')"
    )


async def test_a_lost_answer_is_settled_after_the_refusal_however_long_it_lasted(
    harness: Harness,
) -> None:
    await harness.take(*[harness.product(f"p{n}", Sku(f"p{n}")) for n in range(3)])
    await harness.control("faults", kind="answer_lost", operation=SUBMIT, count=1)
    fault = await refuse(harness, JOBS, "13")
    run_id = await harness.ask("product")
    await harness.wait(run_id, "awaiting_confirmation")
    await harness.call("POST", f"/runs/{run_id}/confirm")
    await is_refused(harness, fault, times=ENOUGH)
    await accept(harness, fault)
    assert (await harness.wait(run_id))["state"] == "completed"
    assert len(await harness.ledger("product.create", "accepted")) == 3
    assert await attempts(harness) == {1}


async def test_an_audit_is_asked_about_before_it_counts_as_too_long(
    database: NewDatabase, kafka_bootstrap: str, topic_prefix: str, sandbox: Sandbox
) -> None:
    """While AliExpress cannot be asked, nobody knows whether an audit still goes on."""
    async with new_harness(
        database, kafka_bootstrap, topic_prefix, sandbox, audit_patience_seconds=1.5
    ) as harness:
        await harness.publish(harness.product("p", Sku("p")))
        await harness.pool.execute("UPDATE listing SET status = 'auditing'")
        await harness.take(harness.product("p", Sku("p", stock=8)))
        fault = await refuse(harness, LIST, "11")
        run_id = await harness.ask("offer")
        await is_refused(harness, fault, times=ENOUGH)
        await accept(harness, fault)
        view = await harness.wait(run_id)
        assert (view["state"], view["counts"]["stock"]) == ("completed", 1)
        assert (await harness.skus_online())["p"]["inventory"] == 8


async def test_who_adopts_a_product_is_asked_to_repeat_it_later(harness: Harness) -> None:
    made = await harness.control("products", seller_id=SELLER, sku_codes=["OLD-1"])
    adoption = {"marketplace_product_id": made["product_ids"][0]}
    await harness.take(harness.product("old", Sku("OLD-1")))
    fault = await refuse(harness, INFO, "28")
    with pytest.raises(AssertionError, match=r"AliExpress refuses our app \(28.*503"):
        await harness.call_empty("POST", f"/feeds/{FEED}/products/old/adopt", adoption)
    await accept(harness, fault)
    await harness.call_empty("POST", f"/feeds/{FEED}/products/old/adopt", adoption)


async def test_a_dead_token_that_auth_service_may_not_ask_about_fails_no_run(
    harness: Harness,
) -> None:
    """AliExpress refuses the app at auth-service's address alone."""
    await harness.publish(harness.product("p", Sku("p")))
    await harness.take(harness.product("p", Sku("p", stock=8)))
    harness.issuer.can_confirm = False
    await harness.control("tokens/expire", seller_id=SELLER)
    run_id = await harness.ask("offer")
    await eventually(lambda: len(harness.issuer.reported) > MAX_FAILURES)
    view = await harness.call("GET", f"/runs/{run_id}")
    assert view["state"] == "running"
    assert "refuses the shop's token" in view["trouble"]

    harness.issuer.can_confirm = True
    await harness.connect()
    view = await harness.wait(run_id)
    assert (view["state"], view["counts"]["stock"]) == ("completed", 1)
    assert await harness.pool.fetchval("SELECT max(failures) FROM feed_run") == 0
