"""AliExpress fails in every way it can; once it has healed, all is as if it never had."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from endings import Ending
from hardship import (
    FAMILIES,
    WITHIN,
    Case,
    bring_all_in,
    bring_orders,
    change,
    heal,
    import_all,
    list_faults,
    live_through,
    post,
    publish_all,
    recovered,
    remove_fault,
    set_faults,
)

from channel_demo import bring_in, trade
from channel_demo.stage import Stage
from stack.testing import eventually

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(900)]

FEED_QUERY = "aliexpress.solution.feed.query"
ORDERS = "aliexpress.solution.order.get"
EVERY_RUN_CALLS = frozenset(
    {
        "aliexpress.solution.feed.submit",
        FEED_QUERY,
        "aliexpress.solution.batch.product.price.update",
        "aliexpress.solution.batch.product.inventory.update",
        "aliexpress.solution.batch.product.delete",
        "aliexpress.solution.product.list.get",
        "aliexpress.solution.product.info.get",
        ORDERS,
        "aliexpress.solution.order.info.get",
        "aliexpress.solution.order.receiptinfo.get",
        "aliexpress.solution.order.fulfill",
    }
)
"""What the path cannot do without; other calls (categories, templates, carriers) may be cached."""


@dataclass(frozen=True)
class Shop:
    """A shop of many cases, how its undisturbed run ended, and the operations it called."""

    model: Case
    undisturbed: Ending
    operations: frozenset[str]


Scenario = Callable[[Shop, Case], Awaitable[None]]


def every_call_once(**fault: Any) -> Scenario:
    """Every operation the undisturbed run called is struck once."""

    async def play(shop: Shop, case: Case) -> None:
        faults = [{**fault, "operation": name, "count": 1} for name in sorted(shop.operations)]
        await set_faults(case, faults)
        await live_through(case)
        struck = {fault["operation"] for fault in await list_faults(case.stage) if fault["struck"]}
        assert await recovered(case) == shop.undisturbed
        assert struck >= EVERY_RUN_CALLS

    return play


def odd_results(kind: str, *, updates_struck: int | None) -> Scenario:
    """Jobs answer with results that are missing or double."""

    async def play(shop: Shop, case: Case) -> None:
        creations = {"kind": kind, "operation": "PRODUCT_CREATE"}
        updates = {"kind": kind, "operation": "PRODUCT_FULL_UPDATE", "count": updates_struck}
        await set_faults(case, [creations, updates])
        await live_through(case)
        assert all(fault["struck"] for fault in await list_faults(case.stage))
        assert await recovered(case) == shop.undisturbed

    return play


async def revoked_token(shop: Shop, case: Case) -> None:
    """The token is revoked in mid-run; the merchant connects anew, and the run goes on."""
    stage = case.stage
    await bring_all_in(case)
    await publish_all(case)
    await post(stage, "tokens/expire", {"seller_id": stage.sandbox.seller_id})

    async def is_told() -> bool:
        return (await stage.channel.shop(stage.merchant, stage.shop)).connection != "connected"

    async with asyncio.TaskGroup() as together:
        changing = together.create_task(change(case))
        await eventually(is_told, within=WITHIN)
        assert not changing.done()
        await bring_in.connect_shop(stage)
    await bring_orders(case)
    assert await recovered(case) == shop.undisturbed


LIMIT = {"code": "ApiCallLimit", "message": "This ban will last for 1 more seconds"}
SCENARIOS: Mapping[str, Scenario] = {
    "latency": every_call_once(kind="latency", seconds=0.3),
    "hang": every_call_once(kind="hang", seconds=5),
    "late-answer": every_call_once(kind="late_answer", seconds=5),
    "refused-connection": every_call_once(kind="refused"),
    "http-error": every_call_once(kind="http_error", status=502),
    "http-error-after-effect": every_call_once(kind="http_error_after", status=504),
    "html": every_call_once(kind="html"),
    "truncated": every_call_once(kind="truncated"),
    "error-system-busy": every_call_once(kind="error", code="isp.system-busy"),
    "error-remote": every_call_once(kind="error", code="isp.remote-connection-error"),
    "error-limit": every_call_once(kind="error", **LIMIT),
    "answer-lost": every_call_once(kind="answer_lost"),
    "token-called-dead": every_call_once(kind="dead_token"),
    "token-revoked": revoked_token,
    # After three attempts an update is left to the next run: two are struck, so that one passes.
    "missing-results": odd_results("missing_results", updates_struck=2),
    "double-results": odd_results("double_results", updates_struck=None),
}
"""What strikes one shop alone, so that another can be struck meanwhile."""


@pytest.fixture(scope="module")
async def shops(models: list[Case]) -> list[Shop]:
    calm = [await model.begin("calm") for model in models]
    await asyncio.gather(*map(live_through, calm))
    endings = [await recovered(case) for case in calm]
    called = await calm[0].stage.sandbox.calls()
    operations = frozenset(name for name in called if name.startswith("aliexpress."))
    return [Shop(model, ending, operations) for model, ending in zip(models, endings, strict=True)]


@pytest.fixture(scope="module")
async def failures(
    shops: list[Shop], request: pytest.FixtureRequest
) -> Mapping[str, BaseException | None]:
    """How each scenario that was selected went. Much of it is waiting, so both shops are busy."""
    chosen = {name for name in SCENARIOS for item in request.session.items if name in item.keywords}
    waiting = [name for name in SCENARIOS if name in chosen]
    went: dict[str, BaseException | None] = {}

    async def work(shop: Shop) -> None:
        while waiting:
            name = waiting.pop(0)
            try:
                await SCENARIOS[name](shop, await shop.model.begin(name))
            except (Exception, pytest.fail.Exception) as failure:
                went[name] = failure
            else:
                went[name] = None
            finally:
                await heal(shop.model.stage)

    await asyncio.gather(*map(work, shops))
    return went


@pytest.mark.parametrize("name", SCENARIOS)
def test_after_healing_all_is_as_if_nothing_had_been(
    failures: Mapping[str, BaseException | None], name: str
) -> None:
    failure = failures[name]
    if failure is not None:
        raise failure


def test_the_undisturbed_run_did_everything(shops: list[Shop]) -> None:
    for shop in shops:
        ending = shop.undisturbed
        assert shop.operations >= EVERY_RUN_CALLS
        assert len(ending.listings) == len(FAMILIES) - 1
        assert len(ending.created) > len(FAMILIES)
        assert set(ending.created.values()) == {1}
        assert list(ending.deleted.values()) == [1]
        assert list(ending.shipped.values()) == [1]
        assert len(ending.orders) == 3


# ---- what strikes all shops, or is seen by the counts of all calls


async def test_a_skewed_clock_only_delays(shops: list[Shop]) -> None:
    shop = shops[0]
    skewed = every_call_once(kind="clock_skew", seller_id="")
    await skewed(shop, await shop.model.begin("clock-skew"))


async def test_a_stuck_job_is_followed_until_it_moves(shops: list[Shop]) -> None:
    case = await shops[0].model.begin("stuck-job")
    types = ("PRODUCT_CREATE", "PRODUCT_FULL_UPDATE")
    await set_faults(case, [{"kind": "stuck_job", "operation": name} for name in types])
    async with asyncio.TaskGroup() as together:
        together.create_task(free_jobs(case.stage))
        await live_through(case)
    assert await recovered(case) == shops[0].undisturbed


async def free_jobs(stage: Stage) -> None:
    """Let each stuck job go once the channel has asked for it in vain a few times."""
    for fault in await list_faults(stage):

        async def struck(fault_id: int = fault["id"]) -> bool:
            return any(f["struck"] for f in await list_faults(stage) if f["id"] == fault_id)

        await eventually(struck, within=WITHIN)
        asked = (await stage.sandbox.calls()).get(FEED_QUERY, 0)

        async def asked_in_vain(before: int = asked) -> bool:
            return (await stage.sandbox.calls()).get(FEED_QUERY, 0) >= before + 3

        await eventually(asked_in_vain, within=WITHIN)
        await remove_fault(stage, fault["id"])


async def test_bans_before_every_step_only_delay(shops: list[Shop]) -> None:
    case = await shops[0].model.begin("bans")
    http = case.stage.sandbox.http
    await http.delete("/control/calls")
    for step in (bring_all_in, publish_all, change, bring_orders):
        await post(case.stage, "quirks", {"limit_form": "old" if step is change else "new"})
        await post(case.stage, "bans", {"operation": "*", "seconds": 1.5})
        await step(case)
    refused = (await http.get("/control/calls")).json()["refused"]
    assert any("limited" in code for codes in refused.values() for code in codes)
    assert await recovered(case) == shops[0].undisturbed


async def test_a_repeated_page_hides_no_order(model: Case) -> None:
    case = await model.begin("repeated-page")
    stage = case.stage
    products = {"seller_id": stage.sandbox.seller_id, "sku_codes": ["BY-HAND-PAGES"]}
    await post(stage, "products", products)
    placed = [
        await stage.sandbox.place_order(
            [("BY-HAND-PAGES", 1)], seed=seed, status=trade.WAITS_FOR_SELLER
        )
        for seed in range(200, 255)
    ]
    await set_faults(case, [{"kind": "repeated_page", "operation": ORDERS, "skip": 1, "count": 1}])
    await import_all(case, {order.order_id for order in placed})
    repeated = [told for told in await list_faults(stage) if told["kind"] == "repeated_page"]
    assert [told["struck"] for told in repeated] == [1]
    await heal(stage)
    known = [order.order_id for order in await trade.imported_orders(stage)]
    assert len(known) == len(set(known)) == len(await stage.sandbox.orders())
    newest = await anext(stage.channel.order_imports(stage.merchant, stage.shop))
    assert newest.orders_received == len(placed)
