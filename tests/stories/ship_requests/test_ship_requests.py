"""Many requests to ship, repeated, changed and twice at once, while answers are lost, buyers cancel
and order-importer is killed wherever it ships; at length by `make ship-storm`.

By the marketplace's ledger each parcel is made at most once; each request is confirmed, or refused
with its reason and what to do.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest

from channel_demo import bring_in, trade
from channel_demo.session import Session
from stack.system import ORDERS
from stack.testing import Marketplace

from ..crashes.crashable import CrashableSystem
from ..final_state import accepted
from ..sample import sample_session
from .requests import KINDS, Case, Outcome, draw_kinds, faults_of

LENGTHS = {"short": (36, 1), "long": (1_000, 5)}
"""Requests, and kills at each place."""
PLACES = (
    "shipping.after-request",
    "shipping.after-intent",
    "shipping.after-call",
    "correction.after-request",
    "correction.after-intent",
    "correction.after-call",
)
AT_ONCE = 8
SEED = 14
SKU_CODES = ("SHIPPED-1", "SHIPPED-2")
FULFIL, MODIFY = "*order.fulfill", "*sellermodifiedshipmentfortop"
INTERNAL = {"code": "-999", "message": "系统异常，请稍候重试"}
FAULTS: Sequence[dict[str, Any]] = (
    {"kind": "answer_lost", "operation": FULFIL, "probability": 0.06},
    {"kind": "http_error_after", "operation": FULFIL, "probability": 0.03},
    {"kind": "truncated", "operation": FULFIL, "probability": 0.03},
    {"kind": "refused", "operation": FULFIL, "probability": 0.03},
    {"kind": "html", "operation": FULFIL, "probability": 0.02},
    {"kind": "business_error", "operation": FULFIL, "probability": 0.02, **INTERNAL},
    {"kind": "answer_lost", "operation": MODIFY, "probability": 0.1},
    {"kind": "refused", "operation": MODIFY, "probability": 0.1},
    {"kind": "http_error", "operation": "*order.info.get", "probability": 0.02},
)


@pytest.mark.timeout(0)
async def test_each_parcel_is_made_once_and_each_request_settled(
    crashable: CrashableSystem,
    pytestconfig: pytest.Config,
    record_property: Callable[[str, object], None],
) -> None:
    requests, kills = LENGTHS[pytestconfig.getoption("--length")]
    kinds = draw_kinds(Random(SEED), requests)
    async with sample_session(crashable.stack) as session:
        await bring_in.connect_shop(session)
        await crashable.wait_until_idle()  # order-importer knows the shop
        cases = await _place_orders(session, kinds)
        async with crashable.killed_at(ORDERS.name, *PLACES * kills):
            async with _faults(session):
                await _let_happen(cases)
            await crashable.wait_until_idle()
        outcomes = await _outcomes(crashable, session, cases)
    record_property("summary", json.dumps(_summary(cases, outcomes)))
    assert sum(KINDS[kind].requests for kind in kinds) == requests
    broken = [
        (case.kind, fault, outcome, case.answers)
        for case, outcome in zip(cases, outcomes, strict=True)
        for fault in faults_of(case, outcome)
    ]
    assert broken == []


async def _place_orders(session: Session, kinds: Sequence[str]) -> list[Case]:
    """An imported order of two lines for each kind."""
    sandbox = session.sandbox
    await Marketplace(sandbox.http, sandbox.seller_id).control(
        "products", seller_id=sandbox.seller_id, sku_codes=list(SKU_CODES)
    )
    placed = await Marketplace(sandbox.http, sandbox.seller_id).control(
        "orders",
        seller_id=sandbox.seller_id,
        seed=SEED,
        count=len(kinds),
        lines=[{"sku_code": code, "quantity": 1} for code in SKU_CODES],
        status=trade.WAITS_FOR_SELLER,
    )
    await trade.import_orders(session)
    return [
        Case(kind, session, order["order_id"], [line["line_id"] for line in order["lines"]])
        for kind, order in zip(kinds, placed, strict=True)
    ]


@asynccontextmanager
async def _faults(session: Session) -> AsyncIterator[None]:
    http = session.sandbox.http
    for fault in FAULTS:
        (await http.post("/control/faults", json=fault)).raise_for_status()
    try:
        yield
    finally:
        (await http.delete("/control/faults")).raise_for_status()


async def _let_happen(cases: Sequence[Case]) -> None:
    """All of it, several orders at once; those who ask wait while nobody answers."""
    waiting = iter(cases)

    async def work() -> None:
        for case in waiting:
            await KINDS[case.kind].happens(case)

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))


async def _outcomes(
    crashable: CrashableSystem, session: Session, cases: Sequence[Case]
) -> list[Outcome]:
    database = crashable.databases[ORDERS.name]
    shipments, corrections = [
        await database.fetch(
            f"""SELECT order_id, shipment_id, state, tracking_number, explanation, remedy
            FROM {table} WHERE order_id = ANY($1)""",
            [case.order_id for case in cases],
        )
        for table in ("shipment", "tracking_correction")
    ]
    there = {order.order_id: order.shipments for order in await session.sandbox.orders()}
    made: dict[str, Counter[tuple[str, str]]] = {case.order_id: Counter() for case in cases}
    for entry in accepted(await session.sandbox.ledger(), "order.ship"):
        if entry.order_id in made:
            parcel = (entry.detail["tracking_number"], entry.detail["send_type"])
            made[entry.order_id][parcel] += 1
    await crashable.topics.read_on()
    return [
        Outcome(
            shipments=[dict(row) for row in shipments if row["order_id"] == case.order_id],
            corrections=[dict(row) for row in corrections if row["order_id"] == case.order_id],
            at_aliexpress=[parcel.tracking_number for parcel in there[case.order_id]],
            made=made[case.order_id],
            shipped_facts=crashable.topics.times(
                "order.shipped", f"{session.merchant}/{session.shop}/{case.order_id}"
            ),
        )
        for case in cases
    ]


def _summary(cases: Sequence[Case], outcomes: Sequence[Outcome]) -> dict[str, Any]:
    return {
        "orders": len(cases),
        "requests": sum(KINDS[case.kind].requests for case in cases),
        "refused at once": sum(len(case.problems) for case in cases),
        "parcels": Counter(one["state"] for outcome in outcomes for one in outcome.shipments),
        "corrections": Counter(one["state"] for outcome in outcomes for one in outcome.corrections),
    }
