"""What telemetry costs ingest: exported to the local store, and not, in turns.

`make bench-telemetry` (EVENTS=100000 ROUNDS=5). Ingest as `bench/backbone.py` runs it, on the same
topic and with a fresh database each round: without an export; with one, by the defaults: its
records bring no trace, and 300 traces and 10 a second begin. Compared is the median of the
processor seconds that the ingesting process took, which a busy machine distorts less than rates.
Results go to `bench/results/telemetry.json`.
"""

import asyncio
import json
import os
import resource
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvloop
from bench import backbone

from common.service import tune_gc
from common.telemetry.setup import flush, set_up
from stack.ports import LOOPBACK, free_port
from stack.sandbox import answers
from stack.testing import eventually

RESULTS = Path(__file__).parent / "results" / "telemetry.json"
BENCH = __file__
ARMS = ("off", "on")


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


async def main() -> None:
    """Run all rounds and write the results."""
    seconds: dict[str, list[float]] = {arm: [] for arm in ARMS}
    async with backbone.durable_stores() as (admin_url, bootstrap), trace_store() as store:
        await backbone.fill_topic(bootstrap)
        for number in range(backbone.ROUNDS):
            for arm in ARMS:
                seconds[arm].append(await measure(admin_url, bootstrap, arm, number, store))
                print(f"round {number + 1}, {arm}: {seconds[arm][-1]:.2f} s")
    plain = statistics.median(seconds["off"])
    results = {
        "command": "make bench-telemetry",
        "events": backbone.EVENTS,
        "processor_seconds": seconds,
        "cost": {arm: round(statistics.median(seconds[arm]) / plain - 1, 3) for arm in ARMS},
    }
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        tune_gc()
        uvloop.run(ingest(*sys.argv[1:]))
    else:
        asyncio.run(main())
