"""AliExpress fails in every way it can; once it has healed, all is as if it never had."""

import asyncio
from collections.abc import AsyncIterator, Mapping
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
    hard_shop,
    heal,
    import_all,
    list_faults,
    live_through,
    post,
    publish_all,
    recovered,
    set_faults,
)

from channel_cli.demo import bring_in, trade
from channel_cli.demo.stage import Stage
from stack.testing import eventually
from stack.throwaway import StoreAddresses

pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(300)]

Fault = Mapping[str, Any]

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
    """The shop of all cases, how its undisturbed run ended, and the operations it called."""

    model: Case
    undisturbed: Ending
    operations: frozenset[str]


@pytest.fixture(scope="module")
async def shop(
    stack_addresses: StoreAddresses, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Shop]:
    async with hard_shop(stack_addresses, tmp_path_factory.mktemp("hard")) as model:
        calm = await model.begin("calm")
        await live_through(calm)
        undisturbed = await recovered(calm)
        called = await calm.stage.sandbox.calls()
        business = {name for name in called if name.startswith("aliexpress.")}
        yield Shop(model, undisturbed, frozenset(business))


def test_the_undisturbed_run_did_everything(shop: Shop) -> None:
    ending = shop.undisturbed
    assert shop.operations >= EVERY_RUN_CALLS
    assert len(ending.listings) == len(FAMILIES) - 1
    assert len(ending.created) > len(FAMILIES)
    assert set(ending.created.values()) == {1}
    assert list(ending.deleted.values()) == [1]
    assert list(ending.shipped.values()) == [1]
    assert len(ending.orders) == 3


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"kind": "latency", "seconds": 0.3}, id="latency"),
        pytest.param({"kind": "hang", "seconds": 5}, id="hang"),
        pytest.param({"kind": "late_answer", "seconds": 5}, id="late-answer"),
        pytest.param({"kind": "refused"}, id="refused-connection"),
        pytest.param({"kind": "http_error", "status": 502}, id="http-error"),
        pytest.param({"kind": "http_error_after", "status": 504}, id="http-error-after-effect"),
        pytest.param({"kind": "html"}, id="html"),
        pytest.param({"kind": "truncated"}, id="truncated"),
        pytest.param({"kind": "error", "code": "isp.system-busy"}, id="error-system-busy"),
        pytest.param(
            {"kind": "error", "code": "isp.remote-connection-error"}, id="error-remote-connection"
        ),
        pytest.param(
            {
                "kind": "error",
                "code": "ApiCallLimit",
                "message": "This ban will last for 1 more seconds",
            },
            id="error-limit",
        ),
        pytest.param({"kind": "answer_lost"}, id="answer-lost"),
        pytest.param({"kind": "dead_token"}, id="token-called-dead"),
        pytest.param({"kind": "clock_skew", "seller_id": ""}, id="clock-skew"),
    ],
)
async def test_every_operation_is_struck_once_and_the_end_is_the_same(
    shop: Shop, fault: Fault, request: pytest.FixtureRequest
) -> None:
    case = await shop.model.begin(request.node.callspec.id)
    faults = [{**fault, "operation": name, "count": 1} for name in sorted(shop.operations)]
    await set_faults(case, faults)
    await live_through(case)
    struck = {fault["operation"] for fault in await list_faults(case.stage) if fault["struck"]}
    assert await recovered(case) == shop.undisturbed
    assert struck >= EVERY_RUN_CALLS


@pytest.mark.parametrize(
    ("kind", "updates_struck"),
    [
        # A job that never tells of its last item: twice here, since after three attempts an update
        # is left to the next run.
        pytest.param("missing_results", 2, id="missing-results"),
        pytest.param("double_results", None, id="double-results"),
    ],
)
async def test_results_of_jobs_that_are_missing_or_double_change_nothing(
    shop: Shop, kind: str, updates_struck: int | None, request: pytest.FixtureRequest
) -> None:
    case = await shop.model.begin(request.node.callspec.id)
    creations = {"kind": kind, "operation": "PRODUCT_CREATE"}
    updates = {"kind": kind, "operation": "PRODUCT_FULL_UPDATE", "count": updates_struck}
    await set_faults(case, [creations, updates])
    await live_through(case)
    assert all(fault["struck"] for fault in await list_faults(case.stage))
    assert await recovered(case) == shop.undisturbed


async def test_a_stuck_job_is_followed_until_it_moves(shop: Shop) -> None:
    case = await shop.model.begin("stuck-job")
    types = ("PRODUCT_CREATE", "PRODUCT_FULL_UPDATE")
    await set_faults(case, [{"kind": "stuck_job", "operation": name} for name in types])
    async with asyncio.TaskGroup() as together:
        together.create_task(free_jobs(case.stage))
        await live_through(case)
    assert await recovered(case) == shop.undisturbed


async def free_jobs(stage: Stage) -> None:
    """Let each stuck job go once the channel has asked for it in vain a few times."""
    for fault in await list_faults(stage):

        async def struck(identity: int = fault["id"]) -> bool:
            return any(f["struck"] for f in await list_faults(stage) if f["id"] == identity)

        await eventually(struck, within=WITHIN)
        asked = (await stage.sandbox.calls())[FEED_QUERY]

        async def asked_in_vain(before: int = asked) -> bool:
            return (await stage.sandbox.calls())[FEED_QUERY] >= before + 3

        await eventually(asked_in_vain, within=WITHIN)
        await heal(stage, f"faults/{fault['id']}")


async def test_bans_before_every_step_only_delay(shop: Shop) -> None:
    case = await shop.model.begin("bans")
    for step in (bring_all_in, publish_all, change, bring_orders):
        await post(case.stage, "quirks", {"limit_form": "old" if step is change else "new"})
        await post(case.stage, "bans", {"operation": "*", "seconds": 1.5})
        await step(case)
    refused = await case.stage.sandbox.http.get("/control/calls")
    assert any("limited" in code for codes in refused.json()["refused"].values() for code in codes)
    assert await recovered(case) == shop.undisturbed


async def test_a_revoked_token_is_renewed_and_the_run_goes_on(shop: Shop) -> None:
    case = await shop.model.begin("revoked")
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


async def test_a_repeated_page_hides_no_order(shop: Shop) -> None:
    case = await shop.model.begin("repeated-page")
    stage = case.stage
    placed = await stage.sandbox.place_orders(seed=9, count=55, status=trade.WAITS_FOR_SELLER)
    await set_faults(case, [{"kind": "repeated_page", "operation": ORDERS, "skip": 1, "count": 1}])
    await import_all(case, {order.order_id for order in placed})
    (fault,) = await list_faults(stage)
    assert fault["struck"] == 1
    newest = await anext(stage.channel.order_imports(stage.merchant, stage.shop))
    assert newest.orders_received == 55
