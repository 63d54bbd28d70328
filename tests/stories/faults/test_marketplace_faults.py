"""AliExpress fails in every way it can; once it works again, all is as if it never had failed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from channel_demo import bring_in, trade
from stack.ports import LOOPBACK
from stack.testing import Marketplace, eventually

from ..final_state import FinalState
from ..merchant_path import (
    FAMILIES,
    WITHIN,
    Case,
    bring_all_in,
    bring_orders,
    change,
    import_all,
    publish_all,
    recovered_state,
    walk_path,
)

pytestmark = pytest.mark.timeout(900)

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
    """A shop of many cases, what its undisturbed run left, and the operations that called."""

    model: Case
    undisturbed: FinalState
    operations: frozenset[str]


Scenario = Callable[[Shop, Case], Awaitable[None]]


def every_call_once(*faults: Mapping[str, Any]) -> Scenario:
    """Every operation the undisturbed run called is struck once by each of the faults: by one after
    which nothing was done, then, called again, by one after which it was."""

    async def run(shop: Shop, case: Case) -> None:
        for fault in faults:
            for operation in sorted(shop.operations):
                await case.marketplace.set_fault(**fault, operation=operation, count=1)
        await walk_path(case)
        for fault in faults:
            struck = {
                set_["operation"]
                for set_ in await case.marketplace.faults()
                if set_["struck"] and set_["kind"] == fault["kind"]
            }
            assert struck >= EVERY_RUN_CALLS, fault
        assert await recovered_state(case) == shop.undisturbed

    return run


def odd_results(kind: str, *, updates_struck: int | None) -> Scenario:
    """Jobs answer with results that are missing or double."""

    async def run(shop: Shop, case: Case) -> None:
        await case.marketplace.set_fault(kind=kind, operation="PRODUCT_CREATE")
        await case.marketplace.set_fault(
            kind=kind, operation="PRODUCT_FULL_UPDATE", count=updates_struck
        )
        await walk_path(case)
        assert all(fault["struck"] for fault in await case.marketplace.faults())
        assert await recovered_state(case) == shop.undisturbed

    return run


async def revoked_token(shop: Shop, case: Case) -> None:
    """The token is revoked in mid-run; the merchant connects again, and the run goes on."""
    session = case.session
    await bring_all_in(case)
    await publish_all(case)
    await case.marketplace.revoke_tokens()

    async def is_known() -> bool:
        return (
            await session.channel.shop(session.merchant, session.shop)
        ).connection != "connected"

    async with asyncio.TaskGroup() as together:
        changing = together.create_task(change(case))
        await eventually(is_known, within=WITHIN)
        assert not changing.done()
        await bring_in.connect_shop(session)
    await bring_orders(case)
    assert await recovered_state(case) == shop.undisturbed


async def redirected(shop: Shop, case: Case) -> None:
    """Every call is sent elsewhere once; nothing of it arrives there."""
    arrived: list[bytes] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.append(await reader.read(100))
        writer.close()

    async with await asyncio.start_server(take, LOOPBACK, 0) as elsewhere:
        port = elsewhere.sockets[0].getsockname()[1]
        address = f"http://{LOOPBACK}:{port}/sync"
        await every_call_once({"kind": "redirect", "message": address})(shop, case)
    assert arrived == []


STRIKES: Mapping[str, Mapping[str, Any]] = {
    "latency": {"kind": "latency", "seconds": 0.2},
    "hang": {"kind": "hang", "seconds": 3},
    "late-answer": {"kind": "late_answer", "seconds": 3},
    "refused-connection": {"kind": "refused"},
    "http-error": {"kind": "http_error", "status": 502},
    "http-error-after-effect": {"kind": "http_error_after", "status": 504},
    "html": {"kind": "html"},
    "truncated": {"kind": "truncated"},
    "error-system-busy": {"kind": "error", "code": "isp.system-busy"},
    "error-remote": {"kind": "error", "code": "isp.remote-connection-error"},
    "error-limit": {
        "kind": "error",
        "code": "ApiCallLimit",
        "message": "This ban will last for 1 more seconds",
    },
    "answer-lost": {"kind": "answer_lost"},
    "token-called-dead": {"kind": "dead_token"},
    "wrong-types": {"kind": "wrong_types"},
    "giant": {"kind": "giant"},
}
"""What can happen to any call."""
TOGETHER = [
    ("hang", "late-answer"),
    ("refused-connection", "answer-lost"),
    ("http-error", "http-error-after-effect"),
    ("html", "truncated"),
    ("error-system-busy", "wrong-types"),
    ("error-limit", "giant"),
]
"""What strikes in one walk of the short form: nothing is done, then it is and nobody is told."""
OTHERS: Mapping[str, Scenario] = {
    "token-revoked": revoked_token,
    "redirect": redirected,
    # After three attempts an update is left to the next run: two are struck, so that one passes.
    "foreign-results": odd_results("foreign_results", updates_struck=None),
    "missing-results": odd_results("missing_results", updates_struck=2),
    "double-results": odd_results("double_results", updates_struck=None),
}


def scenarios_of(config: pytest.Config) -> Mapping[str, Scenario]:
    """What strikes one shop alone, while another is struck; at length each by itself."""
    together = TOGETHER if config.getoption("--length") == "short" else []
    paired = {name for names in together for name in names}
    walks = [*together, *((name,) for name in STRIKES if name not in paired)]
    struck = {"-and-".join(names): every_call_once(*(STRIKES[n] for n in names)) for names in walks}
    return {**struck, **OTHERS}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "name" in metafunc.fixturenames:
        metafunc.parametrize("name", scenarios_of(metafunc.config))


@pytest.fixture(scope="module")
async def shops(models: list[Case], pytestconfig: pytest.Config) -> list[Shop]:
    if pytestconfig.getoption("--length") == "short":
        models = [model.only(*FAMILIES) for model in models]
    calm = [await model.begin("calm") for model in models]
    await asyncio.gather(*map(walk_path, calm))
    states = [await recovered_state(case) for case in calm]
    called = await calm[0].session.sandbox.calls()
    operations = frozenset(name for name in called if name.startswith("aliexpress."))
    return [Shop(model, state, operations) for model, state in zip(models, states, strict=True)]


@pytest.fixture(scope="module")
async def failures(
    shops: list[Shop], request: pytest.FixtureRequest
) -> Mapping[str, BaseException | None]:
    """How each scenario that was selected ended. Much of it is waiting, so all shops are busy."""
    scenarios = scenarios_of(request.config)
    chosen = {name for name in scenarios for item in request.session.items if name in item.keywords}
    waiting = [name for name in scenarios if name in chosen]
    outcomes: dict[str, BaseException | None] = {}

    async def work(shop: Shop) -> None:
        while waiting:
            name = waiting.pop(0)
            try:
                await scenarios[name](shop, await shop.model.begin(name))
            except (Exception, pytest.fail.Exception) as failure:
                outcomes[name] = failure
            else:
                outcomes[name] = None
            finally:
                await shop.model.marketplace.remove_faults()

    await asyncio.gather(*map(work, shops))
    return outcomes


def test_once_it_works_again_all_is_as_if_it_had_not_failed(
    failures: Mapping[str, BaseException | None], name: str
) -> None:
    failure = failures[name]
    if failure is not None:
        raise failure


def test_the_undisturbed_run_did_everything(shops: list[Shop]) -> None:
    for shop in shops:
        state, families = shop.undisturbed, shop.model.families
        assert shop.operations >= EVERY_RUN_CALLS
        assert len(state.listings) == len(families) - 1
        assert len(state.created) > len(families)
        assert set(state.created.values()) == {1}
        assert list(state.deleted.values()) == [1]
        assert list(state.shipped.values()) == [1]
        assert len(state.orders) == 3


# ---- what strikes all shops, or is seen by the counts of all calls


async def test_a_skewed_clock_only_delays(shops: list[Shop]) -> None:
    shop = shops[0]
    skewed = every_call_once({"kind": "clock_skew", "seller_id": ""})
    await skewed(shop, await shop.model.begin("clock-skew"))


async def test_a_stuck_job_is_followed_until_it_moves(shops: list[Shop]) -> None:
    case = await shops[0].model.begin("stuck-job")
    types = ("PRODUCT_CREATE", "PRODUCT_FULL_UPDATE")
    for operation in types:
        await case.marketplace.set_fault(kind="stuck_job", operation=operation)
    async with asyncio.TaskGroup() as together:
        together.create_task(free_jobs(case.marketplace))
        await walk_path(case)
    assert await recovered_state(case) == shops[0].undisturbed


async def free_jobs(marketplace: Marketplace) -> None:
    """Let each stuck job go once the channel has asked for it in vain a few times."""
    for fault in await marketplace.faults():

        async def struck(fault_id: int = fault["id"]) -> bool:
            return any(f["struck"] for f in await marketplace.faults() if f["id"] == fault_id)

        await eventually(struck, within=WITHIN)
        asked = (await marketplace.calls()).get(FEED_QUERY, 0)

        async def asked_in_vain(before: int = asked) -> bool:
            return (await marketplace.calls()).get(FEED_QUERY, 0) >= before + 3

        await eventually(asked_in_vain, within=WITHIN)
        await marketplace.remove_fault(fault["id"])


async def test_bans_before_every_step_only_delay(shops: list[Shop]) -> None:
    case = await shops[0].model.begin("bans")
    http = case.session.sandbox.http
    await http.delete("/control/calls")
    for step in (bring_all_in, publish_all, change, bring_orders):
        await case.marketplace.control("quirks", limit_form="old" if step is change else "new")
        await case.marketplace.control("bans", operation="*", seconds=1.5)
        await step(case)
    refused = (await http.get("/control/calls")).json()["refused"]
    assert any("limited" in code for codes in refused.values() for code in codes)
    assert await recovered_state(case) == shops[0].undisturbed


async def test_a_repeated_page_hides_no_order(model: Case) -> None:
    case = await model.begin("repeated-page")
    session = case.session
    await case.marketplace.control(
        "products", seller_id=session.sandbox.seller_id, sku_codes=["BY-HAND-PAGES"]
    )
    placed = [
        await session.sandbox.place_order(
            [("BY-HAND-PAGES", 1)], seed=seed, status=trade.WAITS_FOR_SELLER
        )
        for seed in range(200, 255)
    ]
    await case.marketplace.set_fault(kind="repeated_page", operation=ORDERS, skip=1, count=1)
    await import_all(case, {order.order_id for order in placed})
    assert [fault["struck"] for fault in await case.marketplace.faults()] == [1]
    await case.marketplace.remove_faults()
    known = [order.order_id for order in await trade.imported_orders(session)]
    assert len(known) == len(set(known)) == len(await session.sandbox.orders())
    newest = await anext(session.channel.order_imports(session.merchant, session.shop))
    assert newest.orders_received == len(placed)
