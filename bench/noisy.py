"""Whether a busy merchant delays another's work: `make bench-noisy` (ROUNDS=3 KINDS=requests,runs).

On the whole system, sandbox included, for each kind of work: a quiet merchant's unit of work is
timed alone, and beside another merchant that does twenty units for each of its own. Both are
measured in turns. Both are paced: each unit begins at its time, whether or not the one before has
ended, twenty times as often for the busy merchant, whose units are spread over its feeds.

The figure is the ratio of the 99th percentiles, or, of fewer than 100 samples, of the longest. The
busy merchant's pictures are on a host that never answers, and stay waiting. What the services
refuse it, it does not repeat; nothing may be refused the quiet one.
"""

import asyncio
import csv
import io
import json
import os
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import count
from multiprocessing import get_context
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import uvloop
from bench.ratios import results_file
from tests.stories.cases import inputs

from channel_cli.client import Channel
from channel_cli.following import IMPORT_ENDED, RUN_CONFIRMABLE, RUN_ENDED, apply_feed
from channel_cli.session import Problem
from channel_cli.settings import CATALOG, ORDERS, PUBLISHER
from channel_demo import bring_in, sell
from channel_demo.session import Session, open_demo
from channel_producer import CatalogPublisher
from stack.addresses import Addresses
from stack.run import running_stack
from stack.settings import StackSettings

ROUNDS = int(os.environ.get("ROUNDS", "3"))
CHOSEN = {name for name in os.environ.get("KINDS", "").split(",") if name}
RESULTS = results_file("noisy")
TIMES = 20
PRODUCTS = 20
WITHIN_SECONDS = 60
ASKED_EVERY_SECONDS = 0.02
LOAD_ASKED_EVERY_SECONDS = 0.5
ENOUGH_FOR_P99 = 100
LEAD_SECONDS = 2.0
"""How long the load lasts before it counts."""
A_ROUNDS_NUMBERS = 1_000_000
"""More than the units of a round."""
SECOND_SELLER = "2200100002"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)

Unit = Callable[["Merchant", int], Coroutine[Any, Any, None]]
"""One unit of a merchant's work, done to its end; of its so many `TIMES` feeds and catalogues."""

_numbers = count(2)
"""Makes each price, file and picture another."""


@dataclass(frozen=True)
class Merchant:
    """A merchant with one shop, and feeds of 20 products each on catalogues of their own."""

    session: Session
    publisher: CatalogPublisher
    pictures: str
    """Base address of its pictures."""
    feeds: int
    asks_every: float = ASKED_EVERY_SECONDS
    """The pause in seconds between two looks whether a unit is done."""

    async def until(self, is_so: Callable[[], Awaitable[bool]]) -> None:
        """Wait until a unit is done. Raises `TimeoutError`."""
        async with asyncio.timeout(WITHIN_SECONDS):
            while not await is_so():
                await asyncio.sleep(self.asks_every)

    @property
    def name(self) -> str:
        """Its id."""
        return self.session.merchant

    @property
    def channel(self) -> Channel:
        """The services."""
        return self.session.channel

    def of_feed(self, number: int, kind: str = "feed") -> Session:
        """The feed and the catalogue of this number, of as many as it has."""
        name = f"{kind}-{number % self.feeds}"
        return replace(self.session, catalogue=name, feed=name)


@dataclass(frozen=True)
class Kind:
    """A kind of work; `per_second` is the quiet merchant's pace."""

    name: str
    unit: Unit
    samples: int
    """The quiet merchant's units in a round."""
    per_second: float
    load: Unit | None = None
    """The busy merchant's unit where it is another one."""


# ---- the units


async def request(merchant: Merchant, number: int) -> None:
    """The first page of one of four lists."""
    of = f"/v1/merchants/{merchant.name}"
    service, path = (
        (ORDERS, f"{of}/orders"),
        (CATALOG, f"{of}/feeds/feed-0/preview"),
        (PUBLISHER, f"{of}/feeds"),
        (PUBLISHER, f"{of}/feeds/feed-0/runs"),
    )[number % 4]
    await merchant.channel.session.get(service, path, dict[str, Any])


async def event(merchant: Merchant, number: int) -> None:
    """A product changes, until its preview shows that."""
    session = merchant.of_feed(0)
    version = next(_numbers)
    title = f"Linen pillow case of version {version}"
    row = inputs.pillow(f"P{number % PRODUCTS}", title=title)
    await merchant.publisher.publish(inputs.events_of(session, [row], version))

    async def is_shown() -> bool:
        family = await merchant.channel.preview_family(merchant.name, session.feed, row[0])
        return title in json.dumps(family)

    await merchant.until(is_shown)


async def bare_event(merchant: Merchant, number: int) -> None:
    """The same, not followed: the busy merchant asks nothing meanwhile."""
    session = merchant.of_feed(0)
    version = next(_numbers)
    row = inputs.pillow(f"P{number % PRODUCTS}", title=f"Linen pillow case of version {version}")
    await merchant.publisher.publish(inputs.events_of(session, [row], version))


async def file(merchant: Merchant, number: int) -> None:
    """A CSV file of 20 rows, until it is read."""
    catalogue = merchant.of_feed(number, "file").catalogue
    price = next(_numbers)
    rows = [{"id": f"F{n}", "title": f"Case {n}", "price": price} for n in range(PRODUCTS)]
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    content = io.BytesIO(text.getvalue().encode())
    sent = await merchant.channel.import_file(
        merchant.name, catalogue, f"{price}.csv", content, {"mode": "partial"}
    )

    async def is_read() -> bool:
        done = await merchant.channel.import_progress(merchant.name, catalogue, sent.import_id)
        return done.state in IMPORT_ENDED

    await merchant.until(is_read)


async def configuration(merchant: Merchant, number: int) -> None:
    """A feed's configuration changes, until its 20 products are normalized."""
    session = merchant.of_feed(number)
    days = {"shipping_preparation_time": {"constant": 1 + next(_numbers) % 7}}
    form = inputs.form(attributes=days) | _placed(session)
    await merchant.channel.apply_feed(merchant.name, session.feed, form)
    await _normalized(merchant, number)


async def _normalized(merchant: Merchant, number: int) -> None:
    async def is_normalized() -> bool:
        feed = merchant.of_feed(number).feed
        progress = await merchant.channel.normalizing(merchant.name, feed)
        return progress.families == PRODUCTS and progress.dirty == 0

    await merchant.until(is_normalized)


async def run(merchant: Merchant, number: int) -> None:
    """A dry run of a product feed, until the plan of its 20 products is there."""
    feed = merchant.of_feed(number).feed
    asked = await merchant.channel.run_feed(merchant.name, feed, "product", is_dry_run=True)

    async def has_ended() -> bool:
        state = (await merchant.channel.run(merchant.name, asked.run_id)).state
        return state in RUN_ENDED | RUN_CONFIRMABLE

    await merchant.until(has_ended)


async def picture(merchant: Merchant, number: int) -> None:
    """A product has a new picture, until it was checked."""
    family = await _show_new_picture(merchant, number)

    async def is_checked() -> bool:
        session = merchant.of_feed(0, "pictures")
        with suppress(Problem):  # until the event has come, there is no such family
            found = await merchant.channel.preview_family(merchant.name, session.feed, family)
            return f"/{family}.png" in json.dumps(found.get("content"))
        return False

    await merchant.until(is_checked)


async def waiting_picture(merchant: Merchant, number: int) -> None:
    """A product has a new picture on a host that never answers."""
    await _show_new_picture(merchant, number)


async def _show_new_picture(merchant: Merchant, _number: int) -> str:
    session = merchant.of_feed(0, "pictures")
    version = next(_numbers)
    name = f"PICTURE-{version}"
    row = inputs.pillow(name, image=f"{merchant.pictures}/{name}.png")
    await merchant.publisher.publish(inputs.events_of(session, [row], version))
    return name


KINDS = (
    Kind("requests", request, 100, 5),
    Kind("events", event, 8, 1, load=bare_event),
    Kind("files", file, 6, 0.5),
    Kind("configurations", configuration, 5, 0.25),
    Kind("runs", run, 5, 0.25),
    Kind("pictures", picture, 6, 1, load=waiting_picture),
)


# ---- what is measured


Figures = dict[str, Any]


@dataclass
class Samples:
    """Seconds of the quiet merchant's units."""

    alone: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)

    def figures(self, kind: Kind) -> Figures:
        """What the results' file holds of a kind."""
        is_p99 = len(self.alone) >= ENOUGH_FOR_P99
        alone, beside = _worst(self.alone), _worst(self.beside)
        return {
            "kind": kind.name,
            "samples_each": len(self.alone),
            "worst_is": "p99" if is_p99 else "maximum",
            "alone_p50_s": round(median(self.alone), 3),
            "beside_p50_s": round(median(self.beside), 3),
            "alone_worst_s": round(alone, 3),
            "beside_worst_s": round(beside, 3),
            "ratio_p50": round(median(self.beside) / median(self.alone), 2),
            "ratio_worst": round(beside / alone, 2),
        }


def _worst(samples: list[float]) -> float:
    """The 99th percentile, or of few samples the longest."""
    if len(samples) < ENOUGH_FOR_P99:
        return max(samples)
    return quantiles(samples, n=100)[98]


async def measure(
    kind: Kind, quiet: Merchant, load: Callable[[], Coroutine[Any, Any, None]]
) -> Figures:
    """The quiet merchant alone and beside the busy one's load, in turns."""
    samples = Samples()
    for _ in range(ROUNDS):
        samples.alone += await _begin_all(kind.unit, quiet, kind.samples, kind.per_second)
        async with asyncio.TaskGroup() as group:
            group.create_task(load())
            await asyncio.sleep(LEAD_SECONDS)  # its connections are open by then
            samples.beside += await _begin_all(kind.unit, quiet, kind.samples, kind.per_second)
    figures = samples.figures(kind)
    print(
        f"{kind.name:<15} p50 {figures['alone_p50_s']:7.3f} -> {figures['beside_p50_s']:7.3f} s"
        f"   {figures['worst_is']:<7} {figures['alone_worst_s']:7.3f} ->"
        f" {figures['beside_worst_s']:7.3f} s   ratio {figures['ratio_worst']:5.2f}"
        f"   ({figures['samples_each']} samples each)",
        flush=True,
    )
    return figures


async def _begin_all(unit: Unit, merchant: Merchant, number: int, per_second: float) -> list[float]:
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        tasks = []
        for n in range(number):
            await asyncio.sleep(max(0.0, began + n / per_second - time.monotonic()))
            tasks.append(group.create_task(timed(unit, merchant, n)))
    return [task.result() for task in tasks]


async def timed(unit: Unit, merchant: Merchant, number: int) -> float:
    """How long a unit took, in seconds."""
    began = time.monotonic()
    await unit(merchant, number)
    return time.monotonic() - began


# ---- the busy merchant's load, from a process of its own: it takes no time of who measures


@dataclass(frozen=True)
class Load:
    """Where the busy merchant finds the system, and its pictures."""

    addresses: Addresses
    pictures: str

    async def of(self, kind: Kind) -> None:
        """All its units of a round of this kind; what is refused is not repeated."""
        async with (
            open_demo(self.addresses, currency="USD", catalogue="-", feed="-") as session,
            session.publisher("/bench") as publisher,
        ):
            busy = self.merchant(session, publisher)
            unit, pace = kind.load or kind.unit, kind.per_second * TIMES

            async def attempt(merchant: Merchant, number: int) -> None:
                with suppress(Problem):
                    await unit(merchant, number)

            units = kind.samples * TIMES + round(LEAD_SECONDS * pace)
            await _begin_all(attempt, busy, units, pace)

    def merchant(self, session: Session, publisher: CatalogPublisher) -> Merchant:
        """The busy merchant."""
        sandbox = replace(session.sandbox, seller_id=SECOND_SELLER)
        own = replace(session, merchant="busy", shop="second", sandbox=sandbox)
        return Merchant(own, publisher, self.pictures, TIMES, LOAD_ASKED_EVERY_SECONDS)


def _begin_load(load: Load, kind: str, numbers_from: int) -> None:
    global _numbers  # noqa: PLW0603 - the process makes other versions than those before it
    _numbers = count(numbers_from)
    uvloop.run(load.of(next(item for item in KINDS if item.name == kind)))


def _be_warm() -> None:
    """Import all of this, and step back: a merchant's programs run on machines of its own."""
    os.nice(10)


# ---- the merchants


async def set_up(merchant: Merchant) -> None:
    """Connect the shop; make feeds with their products, and catalogues for files and pictures."""
    await bring_in.connect_shop(merchant.session)
    for number in range(merchant.feeds):
        session = merchant.of_feed(number)
        await _declare(session, "events")
        await apply_feed(
            merchant.channel, merchant.name, session.feed, inputs.form() | _placed(session)
        )
        await merchant.publisher.publish(
            inputs.events_of(session, (inputs.pillow(f"P{n}") for n in range(PRODUCTS)), 1)
        )
        await _declare(merchant.of_feed(number, "file"), "files")
    for number in range(merchant.feeds):
        await _normalized(merchant, number)
        await sell.wait_for_publisher(merchant.of_feed(number))
    session = merchant.of_feed(0, "pictures")
    await _declare(session, "events")
    form = inputs.form(image_checks=True) | _placed(session)
    await merchant.channel.apply_feed(merchant.name, session.feed, form)


async def _declare(session: Session, fed_by: str) -> None:
    versioning = "arrival" if fed_by == "files" else "explicit"
    await session.channel.register_catalogue(
        session.merchant, session.catalogue, versioning=versioning, fed_by=fed_by
    )


def _placed(session: Session) -> dict[str, Any]:
    return {"shop": session.shop, "catalogue": session.catalogue}


@asynccontextmanager
async def picture_hosts() -> AsyncIterator[tuple[str, str]]:
    """Two hosts: one whose pictures are good, and one that never answers."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if b"host: 127.0.0.2" in head.lower():
            await reader.read()  # until the other side gives up
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + PNG)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "0.0.0.0", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"127.0.0.1:{port}", f"127.0.0.2:{port}"
    finally:
        server.close()


async def main() -> None:
    """On a system of its own; of kinds that are not chosen the former figures stay."""
    chosen = [kind for kind in KINDS if not CHOSEN or kind.name in CHOSEN]
    with (
        tempfile.TemporaryDirectory(prefix="bench-noisy-") as folder,
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as processes,
    ):
        settings = StackSettings(state_dir=Path(folder), containers=False)
        async with picture_hosts() as (good, never):
            environment = {CATALOG: {"CATALOG_IMAGE_ALLOWED_HOSTS": f"{good},{never}"}}
            async with (
                running_stack(settings, environment=environment) as stack,
                open_demo(stack.addresses, currency="USD", catalogue="-", feed="-") as session,
                session.publisher("/bench") as publisher,
            ):
                load = Load(stack.addresses, f"http://{never}")
                quiet = Merchant(replace(session, merchant="quiet"), publisher, f"http://{good}", 1)
                await asyncio.gather(set_up(quiet), set_up(load.merchant(session, publisher)))
                loop = asyncio.get_running_loop()
                await loop.run_in_executor(processes, _be_warm)
                figures = []
                for kind in chosen:

                    async def begin_load(name: str = kind.name) -> None:
                        numbers_from = next(_numbers) * A_ROUNDS_NUMBERS
                        await loop.run_in_executor(processes, _begin_load, load, name, numbers_from)

                    figures.append(await measure(kind, quiet, begin_load))
    measured = {one["kind"]: one for one in (*json.loads(RESULTS.read_text())["figures"], *figures)}
    figures = [measured[kind.name] for kind in KINDS if kind.name in measured]
    result = {"command": "make bench-noisy", "rounds": ROUNDS, "times": TIMES, "figures": figures}
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    uvloop.run(main())
