"""AliExpress refuses our app in whatever is asked: all waits and says why, and nothing is lost.

One shop walks the whole path while its calls are refused at every step, each operation by a code of
its own; beside it another shop walks the same path undisturbed.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from channel_cli.session import Problem
from channel_demo import trade
from channel_demo.consent import ConsentFailed, agree
from stack.testing import eventually

from ..final_state import FinalState
from ..merchant_path import (
    FAMILIES,
    ORDERED,
    WITHIN,
    Case,
    bring_all_in,
    change,
    import_all,
    imports_document,
    publish_all,
    recovered_state,
    ship,
    shipment_document,
    walk_path,
)

EXCHANGE = "/auth/token/*"
SENDS_STOCK, SENDS_PRICES = "*.inventory.update", "*.price.update"
FULFIL = "*.order.fulfill"
CODES: Mapping[str, str] = {
    "*.category.tree.query": "11",
    "*.product.schema.get": "isv.permission-api-package-limit",
    "*.product.list.get": "12",
    "*.product.info.get": "InsufficientPermission",
    "*.feed.submit": "isv.permission-ip-whitelist-limit",
    "*.feed.query": "AppWhiteIpLimit",
    SENDS_STOCK: "29",
    SENDS_PRICES: "25",
    "*.product.delete": "13",
    "*.order.get": "28",
    "*.order.info.get": "IncompleteSignature",
    "*.receiptinfo.get": "isv.permission-nobody-has-heard-of",
    FULFIL: "isv.insufficient-isv-permissions",
    "*": "11",
}
"""How each operation is refused; the first that matches counts."""

Shown = Callable[[], Awaitable[str]]
"""What a person sees of the work that waits."""


async def test_a_refused_app_delays_everything_and_loses_nothing(
    models: list[Case],
) -> None:
    undisturbed, refused = (model.only(*FAMILIES) for model in models[:2])
    async with asyncio.TaskGroup() as together:
        calm = together.create_task(walk_calmly(await undisturbed.begin("app-accepted")))
        stormy = together.create_task(walk_refused(await refused.begin("app-refused")))
    assert stormy.result() == calm.result()


async def walk_calmly(case: Case) -> FinalState:
    await walk_path(case)
    return await recovered_state(case)


async def walk_refused(case: Case) -> FinalState:
    """The same path; at each step AliExpress refuses the app until the trouble is shown."""
    before = await imports_document(case.session)  # of other cases in this shop
    await renew(case)
    run, offers = partial(run_trouble, case, "product"), partial(run_trouble, case, "offer")
    async with refusing(case, partial(waiting_families, case), then=bring_all_in(case)):
        pass
    async with refusing(case, run, then=publish_all(case)):
        pass
    async with refusing(case, run, then=change(case)) as changing:
        await refuse(case, SENDS_STOCK, SENDS_PRICES)
        await is_shown(offers)
        assert not changing.done()
        await case.marketplace.remove_faults()
    order_id = await bring_orders(case)
    await send(case, order_id)
    state = await recovered_state(case)
    await nothing_was_refused(case, before)
    return state


# ---- the steps


async def renew(case: Case) -> None:
    """Who renews the shop's connection is asked to come back later; what it has stays."""
    session = case.session
    await refuse(case)
    fault = await case.marketplace.set_fault(
        kind="error", operation=EXCHANGE, code="AppWhiteIpLimit", seller_id=""
    )
    link = await session.channel.connect_shop(session.merchant, session.shop)
    with pytest.raises(ConsentFailed, match=r"refuses our app \(AppWhiteIpLimit\).* later"):
        await agree(link.start_url, seller_id=session.sandbox.seller_id)
    await case.marketplace.remove_fault(fault)
    shop = await session.channel.shop(session.merchant, session.shop)
    assert shop.connection == "connected"


async def bring_orders(case: Case) -> str:
    """Buyers order while orders cannot be read; the first order's id, once all are imported."""
    placed = [
        await case.session.sandbox.place_order(
            [(case.prefix + sku, 1)], seed=seed, status=trade.WAITS_FOR_SELLER
        )
        for seed, sku in enumerate(ORDERED, 1)
    ]
    importing = import_all(case, {order.order_id for order in placed})
    async with refusing(case, partial(import_problem, case), then=importing):
        pass
    return placed[0].order_id


async def send(case: Case, order_id: str) -> None:
    """Whether the carriers' list is known, as since the import, and even if it could not be read
    now: the parcel is taken, waits, and goes once."""
    session = case.session
    address = (session.merchant, session.shop, order_id)
    parcel = {"carrier": trade.CARRIER, "tracking_number": f"LP{order_id}"}
    await refuse(case, FULFIL)
    sent = await session.channel.ship(*address, parcel, f"key-{order_id}")

    async def explanation() -> str:
        shipment = await shipment_document(session, order_id, sent.shipment_id)
        assert shipment["state"] in {"pending", "sent"}
        assert shipment["attempts"] <= 1
        return str(shipment["explanation"])

    await is_shown(explanation, CODES[FULFIL])
    await case.marketplace.remove_faults()
    assert (await ship(case, order_id)).state == "confirmed"


# ---- refusals, and what is shown meanwhile


async def refuse(case: Case, *operations: str) -> None:
    """Let AliExpress refuse the app these operations of the shop, or all."""
    for operation in operations or CODES:
        await case.marketplace.set_fault(
            kind="error", operation=operation, code=CODES[operation], message="refused"
        )


@asynccontextmanager
async def refusing(
    case: Case, shown: Shown, *, then: Coroutine[Any, Any, None]
) -> AsyncIterator[asyncio.Task[None]]:
    """Refuse all until that is shown; then what was begun meanwhile ends as if nothing had been."""
    await refuse(case)
    async with asyncio.TaskGroup() as together:
        step = together.create_task(then)
        await is_shown(shown)
        assert not step.done()
        await case.marketplace.remove_faults()
        yield step


async def is_shown(shown: Shown, code: str = "") -> None:
    """Wait until a person sees what holds the work up."""

    async def does() -> bool:
        text = await shown()
        return "AliExpress refuses our app (" in text and code in text

    await eventually(does, within=WITHIN)


async def waiting_families(case: Case) -> str:
    """Families wait for categories; they show that they wait, not for what."""
    session = case.session
    try:
        progress = await session.channel.normalizing(session.merchant, session.feed)
    except Problem:  # the feed is not known yet
        return ""
    struck = {fault["operation"] for fault in await case.marketplace.faults() if fault["struck"]}
    waits = progress.waiting and struck & {"*.category.tree.query", "*.product.schema.get"}
    return "AliExpress refuses our app (" if waits else ""


async def run_trouble(case: Case, kind: str) -> str:
    """The trouble of the run under way."""
    runs = case.session.channel.runs(case.session.merchant, case.session.feed)
    found = [run.trouble async for run in runs if run.kind == kind and run.state == "running"]
    return " ".join(filter(None, found))


async def import_problem(case: Case) -> str:
    """The problem of the import under way."""
    newest = (await imports_document(case.session))["items"][0]
    assert newest["state"] != "failed"
    return str(newest["problem"])


async def nothing_was_refused(case: Case, before: Mapping[str, Any]) -> None:
    """No run has rejected anything, no import has failed, no product has an error."""
    session = case.session
    runs = [run async for run in session.channel.runs(session.merchant, session.feed)]
    assert {run.state for run in runs} <= {"completed", "superseded", "planned"}
    assert {run.counts.get("rejected", 0) for run in runs} == {0}
    imports = await imports_document(session)
    assert imports["problems"] == before["problems"]
    older = {one["import_id"] for one in before["items"]}
    own = [one for one in imports["items"] if one["import_id"] not in older]
    assert {one["state"] for one in own} == {"done"}
    families = session.channel.preview(session.merchant, session.feed)
    issues = [issue async for family in families for issue in family.issues]
    assert [issue for issue in issues if issue.severity == "error"] == []
