"""How long a change of stock takes from its event to the call that AliExpress takes (P8):
`make bench-fast_lane` (EVENTS=50 SECONDS=60 PRODUCTS=1000 LANE_SECONDS=0.25,1,3).

On the whole system, sandbox included, with the fast lane on and a run of it at most every
`LANE_SECONDS`, each setting by itself: for a minute 50 products a second get another stock, each
event published when its time has come,
whatever became of those before. An event has arrived with the first stock of its product in the
sandbox's ledger that is its own or a newer one's. In the end the shop must have all of the newest
stock, without an ordinary run. Processes are those of a local stack, one of each. Results go to
`bench/results/fast_lane.json`.
"""

import asyncio
import json
import os
import statistics
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import uvloop
from bench import ratios
from bench.remote_calls import until_quiet
from tests.stories.cases import inputs

from channel_cli.publishing_answers import Feed
from channel_cli.settings import PUBLISHER as PUBLISHER_ADDRESS
from channel_demo import bring_in, sell
from channel_demo.session import Session, open_demo
from channel_demo.sources import Sources
from stack.run import running_stack
from stack.settings import StackSettings
from stack.system import SANDBOX, Ports
from stack.testing.marketplace import Marketplace, open_marketplace

EVENTS_A_SECOND = float(os.environ.get("EVENTS", "50"))
SECONDS = float(os.environ.get("SECONDS", "60"))
PRODUCTS = int(os.environ.get("PRODUCTS", "1000"))
LANE_SECONDS = [float(one) for one in os.environ.get("LANE_SECONDS", "0.25,1,3").split(",")]
STOCK = 1_000
"""Each round of all products has a stock of its own, above this, by which its event is known."""
RESULTS = ratios.results_file("fast_lane")
WITHIN = 120.0


def name_of(product: int) -> str:
    """A product, and its SKU code."""
    return f"P{product:05}"


async def bring_online(session: Session) -> None:
    """The products, for the first time, and what a new shop causes; then the lane."""
    rows = [inputs.pillow(name_of(n), stock=STOCK) for n in range(PRODUCTS)]
    events = inputs.events_of(session, rows, 1)
    await bring_in.apply_configuration(
        session, Sources(inputs.form(), session.catalogue, session.feed, events)
    )
    await bring_in.publish(session, events)
    await sell.settle(session)
    await sell.publish_products(session)
    await sell.send_offers(session)
    path = f"/v1/merchants/{session.merchant}/feeds/{session.feed}/fast-lane"
    await session.channel.session.send("PUT", PUBLISHER_ADDRESS, path, Feed, body={"is_on": True})


async def change_stock(session: Session) -> dict[tuple[str, int], float]:
    """Publish at the rate, in an open loop; when each (product, stock) was due, by this clock."""
    due: dict[tuple[str, int], float] = {}
    count = round(EVENTS_A_SECOND * SECONDS)
    begins = time.time() + 1
    async with session.publisher("/bench") as publisher, asyncio.TaskGroup() as publishing:
        for number in range(count):
            at = begins + number / EVENTS_A_SECOND
            if (pause := at - time.time()) > 0:
                await asyncio.sleep(pause)
            turn, product = divmod(number, PRODUCTS)
            row = inputs.pillow(name_of(product), stock=STOCK + turn + 1)
            due[name_of(product), STOCK + turn + 1] = at
            events = inputs.events_of(session, [row], turn + 2)
            publishing.create_task(publisher.publish(events))
    return due


async def offset_of(marketplace: Marketplace) -> float:
    """How far the sandbox's clock is ahead of this one, in seconds."""
    before = time.time()
    reading = (await marketplace.http.get("/control/clock")).json()
    return datetime.fromisoformat(reading["now"]).timestamp() - (before + time.time()) / 2


async def arrivals(
    marketplace: Marketplace, due: dict[tuple[str, int], float]
) -> dict[tuple[str, int], float]:
    """When each (product, stock), or a newer one of the product, was taken, by this clock."""
    offset = await offset_of(marketplace)
    taken: dict[tuple[str, int], float] = {}
    newest = {product: max(s for p, s in due if p == product) for product, _ in due}
    ends = time.monotonic() + WITHIN
    while time.monotonic() < ends:
        for entry in await marketplace.ledger(operation="stock.update", outcome="accepted"):
            at = datetime.fromisoformat(entry["at"]).timestamp() - offset
            key = entry["sku_code"], entry["detail"]["inventory"]
            taken[key] = min(at, taken.get(key, at))
        if all((product, stock) in taken for product, stock in newest.items()):
            break
        await asyncio.sleep(0.5)
    found = {}
    for product, stock in due:
        at_least = [at for (p, s), at in taken.items() if p == product and s >= stock]
        if not at_least:
            raise RuntimeError(f"{product} never had the stock {stock}")
        found[product, stock] = min(at_least)
    return found


def spread(latencies: list[float]) -> dict[str, float]:
    """What share arrived within how many seconds."""
    cuts = statistics.quantiles(latencies, n=100)
    return {
        "median": round(cuts[49], 2),
        "p95": round(cuts[94], 2),
        "p99": round(cuts[98], 2),
        "most": round(max(latencies), 2),
    }


async def measure(session: Session, sandbox: str) -> dict[str, Any]:
    """One minute of changes."""
    async with open_marketplace(sandbox, session.sandbox.seller_id) as marketplace:
        before = await until_quiet(marketplace)
        due = await change_stock(session)
        taken = await arrivals(marketplace, due)
        after = await marketplace.calls()
        shop = await marketplace.products()
    stock = {sku["sku_code"]: sku["inventory"] for one in shop for sku in one["skus"]}
    wrong = [p for p, _ in due if stock[p] != max(s for q, s in due if q == p)]
    runs = session.channel.runs(session.merchant, session.feed, {"fast_lane": True})
    ended = [run async for run in runs]
    ordinary = [run async for run in session.channel.runs(session.merchant, session.feed)]
    if wrong:
        raise RuntimeError(f"the shop has another stock of {wrong[:3]}")
    return {
        "P8": spread([taken[key] - at for key, at in due.items()]),
        "events": len(due),
        "fast_lane_runs": len(ended) - len(ordinary),
        "calls": {
            name: count - before.get(name, 0)
            for name, count in after.items()
            if "product" in name and count > before.get(name, 0)
        },
    }


async def measure_setting(seconds: float) -> dict[str, Any]:
    """With this long between two runs of the lane, on a system of its own."""
    os.environ["PUBLISHER_FAST_LANE_SECONDS"] = str(seconds)
    began = ratios.load()
    with tempfile.TemporaryDirectory(prefix="bench-fast-lane-") as folder:
        settings = StackSettings(state_dir=Path(folder), containers=False, traces=False)
        async with (
            running_stack(settings, ports=Ports.free()) as stack,
            open_demo(stack.addresses, currency="USD", catalogue="lane", feed="lane") as session,
        ):
            await bring_in.connect_shop(session)
            await bring_online(session)
            found = await measure(session, stack.url(SANDBOX))
    machine = {"machine": began, "machine_at_the_end": ratios.load()}
    return {"fast_lane_seconds": seconds, **found, **machine}


async def main() -> None:
    """Each setting once."""
    result = {
        "command": "make bench-fast_lane",
        "events_a_second": EVENTS_A_SECOND,
        "seconds": SECONDS,
        "products": PRODUCTS,
        "settings": [await measure_setting(seconds) for seconds in LANE_SECONDS],
    }
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    uvloop.run(main())
