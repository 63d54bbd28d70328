"""Whether the system stays as it is under lasting work: `make soak` (MINUTES=120 EVENTS=20).

On the whole system, sandbox included, as a local stack runs it: a shop of `PRODUCTS` has another
stock and price for `EVENTS` products a second, each published when its time has come; the fast lane
sends them. A buyer orders once in `ORDER_SECONDS`, the importer looks each minute, what comes is
shipped. Once a minute it is written down what every process holds (memory, files, threads), what
Postgres holds (connections, dead rows, size), what came through, how long a change of stock took
from its event to the call that AliExpress took, and what share of the processors was busy.

The first quarter is a warm-up. Of each figure the median of the last quarter is compared with that
of the second, of what came through the mean: a ratio of 1 is flat. Results go to
`bench/results/soak.json`.
"""

import asyncio
import json
import os
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import asyncpg
import uvloop
from bench import ratios
from bench.fast_lane import bring_online, name_of, offset_of
from tests.stories.cases import inputs

from channel_cli.session import Problem
from channel_demo import bring_in
from channel_demo.session import Session, open_demo
from channel_demo.trade import CARRIER, WAITS_FOR_SELLER
from stack.kafka import EmbeddedKafka
from stack.postgres import EmbeddedPostgres
from stack.run import Stack, running_stack
from stack.settings import StackSettings
from stack.system import SANDBOX, SERVICES, Ports
from stack.testing.marketplace import Marketplace, open_marketplace

MINUTES = float(os.environ.get("MINUTES", "120"))
EVENTS_A_SECOND = float(os.environ.get("EVENTS", "20"))
PRODUCTS = int(os.environ.get("PRODUCTS", "1000"))
ORDER_SECONDS = float(os.environ.get("ORDER_SECONDS", "2"))
SAMPLE_SECONDS = float(os.environ.get("SAMPLE_SECONDS", "60"))
STOCK = 1_000
"""Each round of all products has a stock of its own, above this, by which its event is known."""
RESULTS = ratios.results_file("soak")
EFFECTS = {"stock.update": "stock", "price.update": "price", "order.ship": "parcels"}


@dataclass
class Traffic:
    """What was sent, and what became of it."""

    session: Session
    marketplace: Marketplace
    due: dict[tuple[str, int], float] = field(default_factory=dict)
    """When each (SKU code, stock) was published, by this clock, until it or a newer one came."""
    latencies: list[float] = field(default_factory=list)
    effects: Counter[str] = field(default_factory=Counter)
    published: int = 0
    shipped: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    _seen: int = 0

    async def change_products(self) -> None:
        """Publish in an open loop, until cancelled."""
        begins = time.time() + 1
        async with self.session.publisher("/soak") as publisher, asyncio.TaskGroup() as publishing:
            while True:
                at = begins + self.published / EVENTS_A_SECOND
                if (pause := at - time.time()) > 0:
                    await asyncio.sleep(pause)
                turn, product = divmod(self.published, PRODUCTS)
                code, stock = name_of(product), STOCK + turn + 1
                row = inputs.pillow(code, stock=stock, price=f"{20 + turn % 7}.00")
                self.due[code, stock] = at
                events = inputs.events_of(self.session, [row], turn + 2)
                publishing.create_task(publisher.publish(events))
                self.published += 1

    async def buy(self) -> None:
        """Let somebody order one piece, again and again."""
        number = 0
        while True:
            await asyncio.sleep(ORDER_SECONDS)
            number += 1
            line = (name_of(number * 7 % PRODUCTS), 1)
            await self.session.sandbox.place_order([line], seed=number, status=WAITS_FOR_SELLER)

    async def ship(self) -> None:
        """Ship whatever has come and waits for it."""
        waiting = {"shop": self.session.shop, "status": "waiting_shipment"}
        while True:
            orders = self.session.channel.orders(self.session.merchant, waiting)
            for order_id in [order.order_id async for order in orders]:
                if order_id not in self.shipped:
                    await self._ship_one(order_id)
            await asyncio.sleep(5)

    async def _ship_one(self, order_id: str) -> None:
        parcel = {"carrier": CARRIER, "tracking_number": f"LP{order_id}"}
        session = self.session
        try:
            await session.channel.ship(
                session.merchant, session.shop, order_id, parcel, key=f"soak-{order_id}"
            )
        except Problem as problem:
            self.refused.append(f"{order_id}: {problem}")
        self.shipped.add(order_id)

    async def look(self) -> dict[str, float]:
        """What came through since the last look, a second, and how long it took."""
        offset = await offset_of(self.marketplace)
        self.effects, self.latencies = Counter(), []
        for entry in await self.marketplace.ledger(since=self._seen):
            self._seen = max(self._seen, entry["sequence"])
            self.effects[EFFECTS.get(entry["operation"], "")] += 1
            if entry["operation"] == "stock.update":
                at = datetime.fromisoformat(entry["at"]).timestamp() - offset
                self._arrived(entry["sku_code"], entry["detail"]["inventory"], at)
        found = {
            f"{name}_a_second": self.effects[name] / SAMPLE_SECONDS for name in EFFECTS.values()
        }
        if len(self.latencies) > 1:
            cuts = statistics.quantiles(self.latencies, n=100)
            found |= {"latency_median": cuts[49], "latency_p99": cuts[98]}
        return found

    def _arrived(self, code: str, stock: int, at: float) -> None:
        """The stock, or what was older of the product, has come."""
        older = stock
        while (due := self.due.pop((code, older), None)) is not None:
            self.latencies.append(at - due)
            older -= 1


def processes_below(pid: int) -> list[int]:
    """The process and all that it has started."""
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            with suppress(OSError):
                found += [int(child) for child in task.read_text().split()]
    return found


def held_by(pid: int) -> dict[str, float]:
    """Memory in MB (shared pages by share), files and threads of a process and what it started."""
    memory = files = threads = 0.0
    for one in processes_below(pid):
        with suppress(OSError):  # it has just ended
            rollup = Path(f"/proc/{one}/smaps_rollup").read_text()
            memory += int(rollup.split("Pss:", 1)[1].split()[0]) / 1024
            files += len(list(Path(f"/proc/{one}/fd").iterdir()))
            threads += len(list(Path(f"/proc/{one}/task").iterdir()))
    return {"memory": memory, "files": files, "threads": threads}


def processor_seconds() -> tuple[float, float]:
    """Of all processors since the machine started: those they were busy, and all."""
    fields = [int(part) for part in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    idle = fields[3] + fields[4]
    return sum(fields) - idle, sum(fields)


async def held_by_database(url: str) -> dict[str, float]:
    """Connections, dead rows, and size in MB of a service's database."""
    connection = await asyncpg.connect(url)
    try:
        row = await connection.fetchrow(
            """
            SELECT (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database())
                AS connections,
                (SELECT sum(n_dead_tup) FROM pg_stat_user_tables) AS dead_rows,
                pg_database_size(current_database()) / 1048576.0 AS size
            """
        )
        assert row is not None
        return {name: float(value) for name, value in row.items()}
    finally:
        await connection.close()


async def sample(stack: Stack, traffic: Traffic) -> dict[str, float]:
    """All figures of a moment, by name."""
    pids = {service.name: stack.process(service.name).pid for service in SERVICES}
    stores = cast("EmbeddedPostgres", stack.postgres), cast("EmbeddedKafka", stack.kafka)
    pids |= {"postgres": stores[0].pid, "kafka": stores[1].pid}
    found: dict[str, float] = {}
    for name, pid in pids.items():
        found |= {f"{name} {what}": value for what, value in held_by(pid).items()}
    for service in SERVICES:
        held = await held_by_database(stack.database_url(service.name))
        found |= {f"{service.name} database {what}": value for what, value in held.items()}
    return found | await traffic.look()


async def take_samples(stack: Stack, traffic: Traffic) -> list[dict[str, float]]:
    """One a minute, until the time is over."""
    samples: list[dict[str, float]] = []
    began, busy = time.monotonic(), processor_seconds()
    while time.monotonic() - began < MINUTES * 60:
        await asyncio.sleep(SAMPLE_SECONDS)
        found = await sample(stack, traffic)
        now = processor_seconds()
        found["processors_busy"] = (now[0] - busy[0]) / (now[1] - busy[1])
        busy = now
        samples.append(found)
        keep(samples, traffic)
    return samples


def compare(samples: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    """Of each figure the medians of the second and the last quarter, their ratio, and the most; of
    what came through their means, since parcels come by imports, all of one at a time."""
    quarter = max(1, len(samples) // 4)
    second, last = samples[quarter : 2 * quarter], samples[-quarter:]
    found = {}
    for name in samples[-1]:
        before = [one[name] for one in second if name in one]
        after = [one[name] for one in last if name in one]
        if before and after:
            middle = statistics.fmean if name.endswith("_a_second") else statistics.median
            then, now = middle(before), middle(after)
            found[name] = {
                "second_quarter": round(then, 2),
                "last_quarter": round(now, 2),
                "ratio": round(now / then, 3) if then else 1.0,
                "most": round(max(one[name] for one in samples if name in one), 2),
            }
    return found


def keep(samples: list[dict[str, float]], traffic: Traffic) -> None:
    """Write what is known so far: a soak that is cut off has not been in vain."""
    result: Mapping[str, Any] = {
        "command": "make soak",
        "minutes": round(len(samples) * SAMPLE_SECONDS / 60, 1),
        "events_a_second": EVENTS_A_SECOND,
        "orders_a_second": 1 / ORDER_SECONDS,
        "products": PRODUCTS,
        "published": traffic.published,
        "shipped": len(traffic.shipped),
        "refused": traffic.refused[:10],
        "waiting_at_the_end": len(traffic.due),
        "machine": ratios.load(),
        "figures": compare(samples),
        "samples": [{name: round(value, 3) for name, value in one.items()} for one in samples],
    }
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")


@asynccontextmanager
async def working(traffic: Traffic) -> AsyncIterator[None]:
    """Products change, buyers buy and parcels leave meanwhile; a fault in any of it ends it all."""
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(work())
            for work in (traffic.change_products, traffic.buy, traffic.ship)
        ]
        yield
        for task in tasks:
            task.cancel()


async def main() -> None:
    """The soak, and its table."""
    environment = {
        "feed-publisher": {"PUBLISHER_FAST_LANE_SECONDS": "1"},
        "order-importer": {"ORDERS_IMPORT_EVERY_SECONDS": "60"},
    }
    with tempfile.TemporaryDirectory(prefix="bench-soak-") as folder:
        settings = StackSettings(state_dir=Path(folder), containers=False, traces=False)
        async with (
            running_stack(settings, ports=Ports.free(), environment=environment) as stack,
            open_demo(stack.addresses, currency="USD", catalogue="soak", feed="soak") as session,
            open_marketplace(stack.url(SANDBOX), session.sandbox.seller_id) as marketplace,
        ):
            await bring_in.connect_shop(session)
            await bring_online(session)
            traffic = Traffic(session, marketplace)
            async with working(traffic):
                samples = await take_samples(stack, traffic)
    for name, found in compare(samples).items():
        print(
            f"{name:44} {found['second_quarter']:>10} {found['last_quarter']:>10}"
            f" {found['ratio']:>7} {found['most']:>10}"
        )


if __name__ == "__main__":
    uvloop.run(main())
