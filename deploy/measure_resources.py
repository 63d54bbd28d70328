"""Memory and processor time of each service: `python -m deploy.measure_resources`.

On a system of its own, started as `make run` does, with one more process of each service that has
the role `api` and takes all requests: what the system's own processes use is then the workers'.
Phases: nothing to do; the sample is sold; `PRODUCTS` are put online, their prices are changed until
there were `EVENTS` catalogue events, and an offer run sends them; a file of `ROWS` comes in. Of
each process, all of its group counted: the highest resident memory seen, and processor seconds,
which other work on the machine makes no fewer. Of a migration with nothing to do: the memory.
"""

import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import uvloop
from tests.stories.cases import inputs

from channel_cli.following import follow_normalizing
from channel_cli.progress import poll
from channel_demo import bring_in, sell
from channel_demo.run_demo import sell_sample
from channel_demo.session import Session, open_demo
from channel_demo.sources import Sources, load_sample
from stack.addresses import Addresses
from stack.ports import free_port
from stack.run import Stack, running_stack
from stack.settings import StackSettings
from stack.system import SANDBOX, SERVICES, Service

PRODUCTS = int(os.environ.get("PRODUCTS", "1000"))
EVENTS = int(os.environ.get("EVENTS", "20000"))
ROWS = int(os.environ.get("ROWS", "50000"))
QUIET_SECONDS = 30.0
SAMPLED_EVERY = 0.5
PAGE = os.sysconf("SC_PAGE_SIZE")
TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Use:
    """What a process and its children used: the most bytes, and seconds of a processor."""

    peak: int = 0
    processor: float = 0.0


@dataclass
class Phase:
    """The use of every process, by its name, within so many seconds."""

    uses: dict[str, Use] = field(default_factory=dict)
    seconds: float = 0.0


def groups() -> Mapping[int, tuple[int, float]]:
    """Memory in bytes and processor seconds so far, by process group."""
    found: dict[int, tuple[int, float]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            words = path.read_text().rpartition(")")[2].split()
            group, ticks, pages = int(words[2]), int(words[11]) + int(words[12]), int(words[21])
            memory, seconds = found.get(group, (0, 0.0))
            found[group] = memory + pages * PAGE, seconds + ticks / TICK
    return found


@asynccontextmanager
async def measured(pids: Mapping[str, int]) -> AsyncIterator[Phase]:
    """Samples these process groups while the block runs."""
    phase = Phase({name: Use() for name in pids})
    before, began = groups(), time.monotonic()

    def sample() -> None:
        now = groups()
        for name, pid in pids.items():
            memory, seconds = now[pid]
            use = phase.uses[name]
            use.peak, use.processor = max(use.peak, memory), seconds - before[pid][1]

    async def keep_sampling() -> None:
        while True:
            sample()
            await asyncio.sleep(SAMPLED_EVERY)

    sampling = asyncio.create_task(keep_sampling())
    try:
        yield phase
    finally:
        sampling.cancel()
        phase.seconds = time.monotonic() - began
        sample()


@asynccontextmanager
async def running_apis(stack: Stack) -> AsyncIterator[Mapping[str, tuple[int, str]]]:
    """One process of the role `api` for each service: its id and address."""
    running: dict[str, tuple[asyncio.subprocess.Process, str]] = {}
    try:
        for service in SERVICES:
            port = free_port()
            process = await start_api(stack, service, port)
            running[service.name] = process, f"http://127.0.0.1:{port}"
            await until_open(port)
        yield {name: (process.pid, url) for name, (process, url) in running.items()}
    finally:
        for process, _ in running.values():
            process.terminate()
        for process, _ in running.values():
            await process.wait()


async def start_api(stack: Stack, service: Service, port: int) -> asyncio.subprocess.Process:
    """The service's api on this port, its log beside the others."""
    variables = stack.environment(service) | {
        f"{service.prefix}_PORT": str(port),
        f"{service.prefix}_INSTANCE_ID": f"{service.name}-api",
    }
    with (stack.logs / f"{service.name}-api.log").open("wb") as log:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", service.module, "api"),
            env=os.environ | variables,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


async def until_open(port: int) -> None:
    """Wait until somebody listens on the port."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.1)


def rows(price: str) -> Iterator[inputs.Row]:
    """All products at this price."""
    return (inputs.pillow(f"R{n:06}", price=price) for n in range(PRODUCTS))


async def load(session: Session) -> None:
    """Products online, then their prices changed by `EVENTS` events, then one offer run."""
    first = inputs.events_of(session, rows("20.00"), 1)
    await bring_in.apply_configuration(
        session, Sources(inputs.form(), session.catalogue, session.feed, first)
    )
    await bring_in.publish(session, first)
    await sell.settle(session)
    await sell.publish_products(session)
    for version in range(2, EVENTS // PRODUCTS + 1):
        changed = inputs.events_of(session, rows(f"{20 + version}.00"), version)
        await bring_in.publish(session, changed)
    await sell.settle(session)
    await sell.send_offers(session)


async def import_file(session: Session, folder: Path) -> None:
    """A file of a catalogue comes in, and is normalized."""
    await bring_in.apply_configuration(
        session, Sources(inputs.form(), session.catalogue, session.feed, file=Path("rows"))
    )
    file = folder / "rows.jsonl"
    products = (inputs.pillow(f"F{n:06}") for n in range(ROWS))
    with file.open("w") as rows:
        rows.writelines(json.dumps({"id": name, **fields}) + "\n" for name, _, fields in products)
    with file.open("rb") as content:
        await session.channel.import_file(
            session.merchant, session.catalogue, file.name, content, {"mode": "full"}
        )
    counts = poll(lambda: products_of(session), within=600, what="taking the file in")
    async for count in counts:
        if count == ROWS:
            break
    await follow_normalizing(session.channel, session.merchant, session.feed)


async def products_of(session: Session) -> int:
    """How many products its catalogue has."""
    return (await session.channel.catalogue(session.merchant, session.catalogue)).products or 0


def migration_memory(stack: Stack, service: Service) -> int:
    """The most memory of a migration that finds nothing to do, in bytes."""
    owner = {f"{service.prefix}_MIGRATION_DATABASE_URL": stack.database_url(service.name)}
    pid = os.posix_spawn(
        sys.executable,
        [sys.executable, "-m", service.module, "migrate"],
        os.environ | stack.environment(service) | owner,
    )
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise SystemExit(f"{service.name} does not migrate")
    return usage.ru_maxrss * 1024


def table(phases: Mapping[str, Phase]) -> Iterator[str]:
    """The figures in Markdown: a process a line, two columns a phase."""
    heads = [f"{name}, {phase.seconds:.0f} s" for name, phase in phases.items()]
    columns = (f"{head}: MiB | processor, s" for head in heads)
    yield "| process | " + " | ".join(columns) + " |"
    yield "|---" * (1 + 2 * len(heads)) + "|"
    for process in next(iter(phases.values())).uses:
        cells = []
        for phase in phases.values():
            use = phase.uses[process]
            cells += [f"{use.peak / 2**20:.0f}", f"{use.processor:.1f}"]
        yield f"| {process} | " + " | ".join(cells) + " |"


async def main() -> None:
    """Measure all phases, and print the table."""
    with tempfile.TemporaryDirectory(prefix="measure-resources-") as folder:
        settings = StackSettings(state_dir=Path(folder), containers=False)
        async with running_stack(settings) as stack, running_apis(stack) as apis:
            phases = await measure(stack, apis, Path(folder))
            migrations = {service: migration_memory(stack, service) for service in SERVICES}
    for line in table(phases):
        sys.stdout.write(f"{line}\n")
    for service, memory in migrations.items():
        sys.stdout.write(f"{service.name}, migrate: {memory / 2**20:.0f} MiB\n")


async def measure(
    stack: Stack, apis: Mapping[str, tuple[int, str]], folder: Path
) -> dict[str, Phase]:
    """The phases, in order."""
    addresses: Addresses = stack.addresses
    addresses = replace(
        addresses, urls=dict(addresses.urls) | {name: url for name, (_, url) in apis.items()}
    )
    pids = {}
    for service in SERVICES:
        pids[f"{service.name}, api"] = apis[service.name][0]
        pids[f"{service.name}, worker"] = stack.process(service.name).pid
    sources = load_sample(addresses.urls[SANDBOX])
    async with open_demo(
        addresses, currency=sources.currency, catalogue=sources.catalogue, feed=sources.feed
    ) as sample:
        async with measured(pids) as quiet:
            await asyncio.sleep(QUIET_SECONDS)
        async with measured(pids) as sold:
            await sell_sample(sample, sources, time.monotonic())
        async with measured(pids) as loaded:
            await load(replace(sample, catalogue="load", feed="load"))
        async with measured(pids) as imported:
            await import_file(replace(sample, catalogue="file", feed="file"), folder)
    return {"nothing to do": quiet, "sample sold": sold, "load": loaded, "a file": imported}


if __name__ == "__main__":
    uvloop.run(main())
