"""The demonstration sells any catalogue to its end: its buyers order what there is, or nothing."""

import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from channel_demo import alerts, trade
from channel_demo.bring_in import connect_shop
from channel_demo.report import Report, find_faults
from channel_demo.run_demo import sell_sample
from channel_demo.sandbox import SandboxRefused
from channel_demo.session import open_demo
from channel_demo.sources import Sources
from stack.run import Stack
from stack.testing import Programs, StartSystem

from ..sample import sample_of

Row = dict[str, Any]
PARENT: Row = {
    "title": "Lumo Linen blouse with stand collar",
    "title_es": "Blusa de lino con cuello mao Lumo",
    "description": "<p>Linen blouse with stand collar.</p>",
    "description_es": "<p>Blusa de lino con cuello mao.</p>",
    "category": "Women > Tops > Blouses",
    "brand": "Lumo",
    "material": "Linen",
    "images": ["pictures/bls-01-1.jpg"],
    "weight_kg": "0.22",
    "status": "active",
    "season": "SS",
    "style": "Casual",
    "pattern": "Solid",
    "gender": "Women",
}
CHILD: Row = {"color": "White", "size": "M", "price": "27.90", "price_es": "29.40", "stock": 1}
ROUNDS = 20
"""Of buyers who go on ordering when a catalogue was sold: more than there is to sell."""
SIZES = ("S", "M", "L", "XL")


def simple(name: str, **changes: Any) -> Row:
    return PARENT | CHILD | {"product_id": name, "sku": name} | changes


def family(name: str, stocks: Sequence[int]) -> list[Row]:
    children = [
        CHILD
        | {"product_id": f"{name}-{number}", "parent_id": name, "sku": f"{name}-{number}"}
        | {"size": SIZES[number % 4], "color": f"Tint {number // 4}", "stock": stock}
        for number, stock in enumerate(stocks)
    ]
    return [PARENT | {"product_id": name}, *children]


@dataclass(frozen=True)
class Tiny:
    """A catalogue and what comes of it: products online, and how many orders at least each time it
    is sold. What was sold of others comes back at some time: their catalogues still have it."""

    rows: list[Row]
    online: int
    orders: list[int]


CATALOGUES: Mapping[str, Tiny] = {
    "none-valid": Tiny([simple(f"bad-{n}", title="", category="") for n in range(3)], 0, [0]),
    "all-sold-out": Tiny([simple(f"out-{n}", stock=0) for n in range(3)], 0, [0]),
    "one-piece": Tiny([simple("one")], 1, [1, 0]),
    "many-skus": Tiny(family("many", [0, 1, 2, *[0] * 20, 1]), 1, [2]),
    "plenty": Tiny([simple(f"more-{n}", stock=10) for n in range(2)], 2, [8]),
}
"""In this order in one shop."""


@pytest.fixture(scope="module")
async def small_system(start_system: StartSystem) -> AsyncIterator[Stack]:
    async with start_system() as stack:
        yield stack


def written(folder: Path, name: str, rows: Sequence[Row]) -> Path:
    file = folder / f"{name}.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


async def sell(system: Stack, sources: Sources) -> Report:
    async with open_demo(
        system.addresses, currency="USD", catalogue=sources.catalogue, feed=sources.feed
    ) as session:
        report, _ = await sell_sample(session, sources, time.monotonic())
    return report


async def test_every_tiny_catalogue_ends_with_a_report(small_system: Stack, tmp_path: Path) -> None:
    ordered = 0
    for name, tiny in CATALOGUES.items():
        file = written(tmp_path, name, tiny.rows)
        sources = replace(sample_of(small_system), catalogue=name, feed=name, events=(), file=file)
        for orders in tiny.orders:
            report = await sell(small_system, sources)
            context = (name, report)
            assert report.online == tiny.online, context
            assert report.orders_at_marketplace >= ordered + orders, context
            ordered = report.orders_at_marketplace
            faults = [] if tiny.online else ["nothing is online"]
            assert find_faults(report, offers_changed=None) == faults, context

    async with open_demo(
        small_system.addresses, currency="USD", catalogue=name, feed=name
    ) as session:
        for _ in range(ROUNDS):
            await trade.place_orders(session)
        assert {
            sku.inventory for item in await session.sandbox.products() for sku in item.skus
        } == {0}


async def test_an_owner_is_told_of_a_trouble_and_of_its_end(small_system: Stack) -> None:
    async with open_demo(
        small_system.addresses, currency="USD", catalogue="none", feed="none"
    ) as session:
        await connect_shop(session)
        await alerts.tell_people(session)
        subjects = [mail.subject for mail in await session.sandbox.mails(alerts.OWNER)]
        assert subjects == [
            "You are invited to work for Lumo",
            "AliExpress has ended the connection of shop main - Lumo",
            "Over: AliExpress has ended the connection of shop main - Lumo",
        ]
        before = await alerts.troubles(session)
        await alerts.tell_people(session)
        assert len(await alerts.troubles(session)) == len(before) + 1


async def test_what_the_sandbox_refuses_is_a_sentence(small_system: Stack) -> None:
    async with open_demo(
        small_system.addresses, currency="USD", catalogue="none", feed="none"
    ) as session:
        with pytest.raises(SandboxRefused, match=r"409.*no live offer has the SKU code 'nowhere'"):
            await session.sandbox.place_order([("nowhere", 1)], seed=1, status="RISK_CONTROL")


async def test_a_catalogue_without_its_feed_is_refused_before_anything_starts(
    programs: Programs,
) -> None:
    result = await programs.run("channel_demo", environment={"CATALOG": "README.md"})
    assert (result.code, result.out) == (2, "")
    assert "go together" in result.err
