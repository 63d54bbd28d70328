"""How many calls AliExpress gets for 1,000 changed SKUs (P5): `make bench-remote_calls` (ROUNDS=5).

On the whole system, sandbox included: 1,000 SKUs are online, once as simple products, once in
families of ten. In each round all prices change, then all stock, then both; each time the offer
feed runs to its end, and the sandbox's own count of calls is compared with the least that its
documented limits allow: 20 products and 200 SKUs a call, prices and stock by methods of their own.
Every call counts from a time without any but those about orders, which another service makes
meanwhile. Each round the shop
must have the new prices and stock. Results go to `bench/results/remote_calls.json`.
"""

import asyncio
import json
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import uvloop
from bench import ratios
from bench.ratios import results_file
from tests.stories.cases import inputs

from channel_cli.following import RUN_ENDED
from channel_demo import bring_in, sell
from channel_demo.session import Session, open_demo
from channel_demo.sources import Sources
from stack.run import running_stack
from stack.settings import StackSettings
from stack.system import SANDBOX, Ports
from stack.testing.marketplace import Marketplace, open_marketplace

SKUS = int(os.environ.get("SKUS", "1000"))
ROUNDS = int(os.environ.get("ROUNDS", "5"))
RESULTS = results_file("remote_calls")
MOST_PRODUCTS, MOST_SKUS = 20, 200
QUIET_SECONDS = 4
SIZES = ("XS", "S", "M", "L", "XL")
COLOURS = ("White", "Black")
ABOUT_ORDERS = (".order.", ".trade.", ".logistics.")
CHANGES = {"prices": 1, "stock": 1, "both": 2}
"""What changes, and how many methods it takes."""


def rows(kind: str, price: str, stock: int) -> Iterator[inputs.Row]:
    """The catalogue at this price and stock."""
    if kind == "simple":
        yield from (inputs.pillow(f"P{n:05}", price=price, stock=stock) for n in range(SKUS))
        return
    for number in range(SKUS // 10):
        family = f"F{number:05}"
        yield inputs.top(family)
        for colour in COLOURS:
            for letter in SIZES:
                name, _, fields = inputs.size(family, letter, color=colour, price=price)
                sku = f"{name}-{colour}"
                yield sku, family, {**fields, "sku": sku, "stock": stock}


def least(kind: str) -> int:
    """The fewest calls of one method that speak of all SKUs."""
    products = SKUS if kind == "simple" else SKUS // 10
    return max(-(-products // MOST_PRODUCTS), -(-SKUS // MOST_SKUS))


async def bring_online(session: Session, kind: str) -> None:
    """The products, for the first time."""
    events = inputs.events_of(session, rows(kind, "20.00", 10), 1)
    await bring_in.apply_configuration(
        session, Sources(inputs.form(), session.catalogue, session.feed, events)
    )
    await bring_in.publish(session, events)
    await sell.settle(session)
    await sell.publish_products(session)


def without_orders(calls: dict[str, int]) -> dict[str, int]:
    """The calls of every method but those about orders."""
    return {
        name: count
        for name, count in calls.items()
        if count and not any(part in name for part in ABOUT_ORDERS)
    }


async def until_quiet(marketplace: Marketplace) -> dict[str, int]:
    """Wait until what a new shop causes, such as reading its category tree, is over."""
    calls, since = without_orders(await marketplace.calls()), time.monotonic()
    while time.monotonic() - since < QUIET_SECONDS:
        await asyncio.sleep(0.2)
        now = without_orders(await marketplace.calls())
        if now != calls:
            calls, since = now, time.monotonic()
    return calls


async def calls_of_change(
    session: Session, sandbox: str, kind: str, change: tuple[str, int], version: int
) -> dict[str, int]:
    """The calls by method that the change took; the shop is checked."""
    price, stock = change
    await bring_in.publish(session, inputs.events_of(session, rows(kind, price, stock), version))
    await sell.settle(session)
    async with open_marketplace(sandbox, session.sandbox.seller_id) as marketplace:
        before = await until_quiet(marketplace)
        run = await session.channel.run_feed(
            session.merchant, session.feed, "offer", is_dry_run=False
        )
        while (await session.channel.run(session.merchant, run.run_id)).state not in RUN_ENDED:
            await asyncio.sleep(0.1)
        after = without_orders(await marketplace.calls())
        products = await marketplace.products()
    skus = [one for product in products for one in product["skus"]]
    prefix = "P" if kind == "simple" else "F"
    own = [one for one in skus if one["sku_code"].startswith(prefix)]
    states = {(one["price"], one["inventory"]) for one in own}
    if len(own) != SKUS or states != {change}:
        raise RuntimeError(f"{len(own)} SKUs at {sorted(states)[:3]}, not {change}")
    return without_orders({name: count - before.get(name, 0) for name, count in after.items()})


async def measure(session: Session, sandbox: str, kind: str) -> dict[str, Any]:
    """All rounds of one catalogue."""
    await bring_online(session, kind)
    counted: dict[str, list[int]] = {what: [] for what in CHANGES}
    price, stock, version = 20, 10, 1
    found: dict[str, Any] = {}
    for number in range(ROUNDS):
        for what, methods in CHANGES.items():
            version += 1
            price += what != "stock"
            stock += what != "prices"
            change = f"{price}.00", stock
            calls = await calls_of_change(session, sandbox, kind, change, version)
            counted[what].append(sum(calls.values()))
            print(f"{kind}, round {number}, {what}: {calls}", flush=True)
            found[what] = {"methods": calls, "least": methods * least(kind)}
    return {
        what: {
            "P5": ratios.ratio(counts, [found[what]["least"]] * ROUNDS),
            "calls": counts,
            **found[what],
        }
        for what, counts in counted.items()
    }


async def main() -> None:
    """On a system of its own."""
    result: dict[str, Any] = {
        "command": "make bench-remote_calls",
        "skus": SKUS,
        "rounds": ROUNDS,
        "machine": ratios.load(),
    }
    with tempfile.TemporaryDirectory(prefix="bench-remote-calls-") as folder:
        settings = StackSettings(state_dir=Path(folder), containers=False, traces=False)
        async with (
            running_stack(settings, ports=Ports.free()) as stack,
            open_demo(stack.addresses, currency="USD", catalogue="simple", feed="simple") as simple,
        ):
            await bring_in.connect_shop(simple)
            for kind in ("simple", "families"):
                session = replace(simple, catalogue=kind, feed=kind)
                result[kind] = await measure(session, stack.url(SANDBOX), kind)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))
    for kind in ("simple", "families"):
        for what in CHANGES:
            found = result[kind][what]["P5"]
            ratios.show("P5", f"{kind}, {what}", found, wanted="at most 1.05, aim 1.00")


if __name__ == "__main__":
    uvloop.run(main())
