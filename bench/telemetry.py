"""What telemetry costs ingest and normalizing: exported to the local store, and not, in turns.

`make bench-telemetry` (EVENTS=100000 ROUNDS=5 PRODUCTS=2000). Ingest as `bench/backbone.py` runs
it, on the same topic and with a fresh database each round. Normalizing on two running systems,
alike but for the export: a feed's configuration changes, and all its products are normalized and
published. Exported is by the defaults: what brings no trace begins 300 traces and 10 a second.

Compared is the median of the processor seconds that the working process took, which a busy machine
distorts less than rates. Results go to `bench/results/telemetry.json`.
"""

import asyncio
import json
import os
import resource
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import uvloop
from bench import backbone
from bench.ratios import results_file
from pydantic import SecretStr
from tests.stories.cases import inputs

from channel_cli.following import apply_feed, follow_normalizing
from channel_demo import bring_in
from channel_demo.session import Session, open_demo
from common.service import tune_gc
from common.telemetry.setup import flush, set_up
from stack.ports import LOOPBACK, free_port
from stack.run import Stack, running_stack
from stack.sandbox import answers
from stack.settings import StackSettings
from stack.system import CATALOG, Ports
from stack.testing import eventually

RESULTS = results_file("telemetry")
ARMS = ("off", "on")
PRODUCTS = int(os.environ.get("PRODUCTS", "2000"))
FEED = "pillows"


async def ingest(url: str, bootstrap: str, group: str) -> None:
    """One arm, in a process of its own: prints its processor seconds."""
    set_up("catalog-service", instance="bench", level="WARNING")
    used = resource.getrusage(resource.RUSAGE_SELF)
    before = used.ru_utime + used.ru_stime
    await backbone.ingest(url, bootstrap, group, "0")
    flush()
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(used.ru_utime + used.ru_stime - before)


async def measure(admin_url: str, bootstrap: str, arm: str, number: int, store: str) -> float:
    """Processor seconds of one round of an arm."""
    group = f"{arm}_{number}"
    url = await backbone.new_database(admin_url, f"telemetry_{group}", "ingest")
    exported = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{store}/v1/traces"}
    environment = os.environ | (exported if arm != "off" else {})
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.telemetry", url, bootstrap, group),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    return float(out)


@asynccontextmanager
async def trace_store() -> AsyncIterator[str]:
    """The local store, on a free port."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "stack.traces"),
            env=os.environ | {"TRACES_PORT": str(port), "TRACES_FILE": f"{folder}/spans.db"},
        )
        url = f"http://{LOOPBACK}:{port}"
        await eventually(lambda: answers(f"{url}/health/ready"), within=30)
        yield url
        process.terminate()
        await process.wait()


# ---- normalizing


@asynccontextmanager
async def selling_system(
    admin_url: str, bootstrap: str, arm: str, folder: Path
) -> AsyncIterator[tuple[Stack, Session]]:
    """A running system with a feed of products; its services export, or do not."""
    settings = StackSettings(
        state_dir=folder / arm,
        database_url=SecretStr(admin_url),
        kafka_bootstrap=bootstrap,
        containers=False,
        traces=arm == "on",
        installation=arm,
    )
    async with (
        running_stack(settings, ports=Ports.free()) as stack,
        open_demo(stack.addresses, currency="USD", catalogue=FEED, feed=FEED) as session,
    ):
        await bring_in.connect_shop(session)
        await session.channel.register_catalogue(
            session.merchant, FEED, versioning="explicit", fed_by="events"
        )
        await configure(session, 0)
        rows = (inputs.pillow(f"P{number}") for number in range(PRODUCTS))
        await bring_in.publish(session, inputs.events_of(session, rows, 1))
        await follow_normalizing(session.channel, session.merchant, FEED)
        yield stack, session


async def configure(session: Session, number: int) -> None:
    """Save a configuration that is another than the last."""
    days = {"shipping_preparation_time": {"constant": 1 + number % 7}}
    form = inputs.form(attributes=days) | {"shop": session.shop, "catalogue": FEED}
    await apply_feed(session.channel, session.merchant, FEED, form)


async def normalize(stack: Stack, session: Session, number: int) -> float:
    """Processor seconds of catalog-service while all products are normalized again."""
    pid = stack.process(CATALOG.name).pid
    before = processor_seconds(pid)
    await configure(session, number)
    await follow_normalizing(session.channel, session.merchant, FEED)
    return processor_seconds(pid) - before


def processor_seconds(pid: int) -> float:
    """What a process has used so far, in user and kernel mode."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user, system = after_name[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


# ---- both


async def main() -> None:
    """Run all rounds and write the results."""
    async with backbone.durable_stores() as (admin_url, bootstrap):
        results = {
            "command": "make bench-telemetry",
            "ingest": {"events": backbone.EVENTS} | await compare_ingest(admin_url, bootstrap),
            "normalize": {"products": PRODUCTS} | await compare_normalize(admin_url, bootstrap),
        }
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    print(json.dumps(results, indent=1))


async def compare_ingest(admin_url: str, bootstrap: str) -> dict[str, Any]:
    """Ingest's processor seconds, arm by arm, in turns."""
    seconds: dict[str, list[float]] = {arm: [] for arm in ARMS}
    await backbone.fill_topic(bootstrap)
    async with trace_store() as store:
        for number in range(backbone.ROUNDS):
            for arm in ARMS:
                seconds[arm].append(await measure(admin_url, bootstrap, arm, number, store))
                print(f"ingest, round {number + 1}, {arm}: {seconds[arm][-1]:.2f} s", flush=True)
    return compared(seconds)


async def compare_normalize(admin_url: str, bootstrap: str) -> dict[str, Any]:
    """Normalizing's, after a round that is not counted."""
    seconds: dict[str, list[float]] = {arm: [] for arm in ARMS}
    async with AsyncExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory()))
        systems = {
            arm: await running.enter_async_context(
                selling_system(admin_url, bootstrap, arm, folder)
            )
            for arm in ARMS
        }
        for number in range(1, backbone.ROUNDS + 2):
            for arm in ARMS:
                used = await normalize(*systems[arm], number)
                if number > 1:
                    seconds[arm].append(used)
                print(f"normalize, round {number}, {arm}: {used:.2f} s", flush=True)
    return compared(seconds)


def compared(seconds: dict[str, list[float]]) -> dict[str, Any]:
    """The figures, and what the export costs."""
    ratio = statistics.median(seconds["on"]) / statistics.median(seconds["off"])
    return {"processor_seconds": seconds, "cost_of_export": round(ratio - 1, 3)}


if __name__ == "__main__":
    if len(sys.argv) > 1:
        tune_gc()
        uvloop.run(ingest(*sys.argv[1:]))
    else:
        asyncio.run(main())
