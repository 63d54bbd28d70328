"""How much memory a large catalogue takes beside a small one: `make bench-size`.

P3. With 1,000 and with `SIZE` (1,000,000) rows, each step in a process of its own that imports its
service alone. catalog-service: a CSV file is imported, its fields are described, a feed's preview
is listed to the last page and downloaded as JSON Lines and as CSV, and so many simple products are
evaluated. feed-publisher: an offer run in which every product has another price is planned and
sent, as the driver of runs does it, to a marketplace that takes all; the report of a run of so many
items, one in 200 refused, is asked for over REST, as JSON and as CSV; and so many events are read
from Kafka by a service that was away.
Figures: seconds, the peak memory of both sizes and their ratio, which is to be 1.15 at most. A step
that fails is said to have. `STEPS=import,catch-up` measures these alone and keeps the others'
figures. Written to `bench/results/size.json`.
"""

import asyncio
import importlib
import json
import multiprocessing
import os
import queue
import time
from pathlib import Path
from typing import Any

import uvloop
from bench.ratios import results_file
from bench.sized.place import Place

from common.service import tune_gc

SIZE = int(os.environ.get("SIZE", "1000000"))
FEW = 1_000
MODULES = ("catalog", "evaluation", "publisher", "catch_up")
CHOSEN = {name for name in os.environ.get("STEPS", "").split(",") if name}
MOST_RATIO = 1.15
RESULTS = results_file("size")
LOOKED_AFTER = 5.0
"""Seconds after which it is seen whether the process of a step is still there."""

Figures = dict[str, Any]


def peak_megabytes() -> float:
    """The most memory this process had."""
    status = Path("/proc/self/status").read_text().splitlines()
    peak = next(line for line in status if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1024


async def measure(module: str, step: str, place: Place) -> Figures:
    """The figures of one step."""
    run = importlib.import_module(f"bench.sized.{module}").STEPS[step]
    began = time.perf_counter()
    await run(place)
    seconds = time.perf_counter() - began
    return {"seconds": round(seconds, 1), "peak_mb": round(peak_megabytes(), 1)}


def in_process(
    module: str, step: str, place: Place, answers: "multiprocessing.Queue[Figures]"
) -> None:
    """Measure in a process of its own: its memory is of nothing else. Garbage is collected as in a
    service."""
    tune_gc()
    try:
        answers.put(uvloop.run(measure(module, step, place)))
    except Exception as error:
        answers.put({"failed": repr(error), "peak_mb": round(peak_megabytes(), 1)})
        raise


def measured(module: str, step: str, place: Place) -> Figures:
    """The figures, from such a process."""
    context = multiprocessing.get_context("spawn")
    answers: multiprocessing.Queue[Figures] = context.Queue()
    process = context.Process(target=in_process, args=(module, step, place, answers))
    process.start()
    figures: Figures | None = None
    while figures is None:
        try:
            figures = answers.get(timeout=LOOKED_AFTER)
        except queue.Empty:
            if not process.is_alive():
                figures = {"failed": f"the process ended with {process.exitcode}"}
    process.join()
    return figures


async def measure_all(module: str, steps: list[str]) -> Figures:
    """The figures of these steps of a module, both sizes."""
    found: Figures = {}
    async with importlib.import_module(f"bench.sized.{module}").places(FEW, SIZE) as (few, many):
        for step in steps:
            small = await asyncio.to_thread(measured, module, step, few)
            large = await asyncio.to_thread(measured, module, step, many)
            found[step] = {f"of {FEW}": small, "of all": large, "rows": SIZE}
            if "failed" not in small and "failed" not in large:
                found[step]["peak_ratio"] = round(large["peak_mb"] / small["peak_mb"], 3)
            print(step, found[step], flush=True)
    return found


async def main() -> None:
    """On stores of its own; under row-level security, as the services are."""
    figures: Figures = {"command": "make bench-size", "rows": SIZE, "most": MOST_RATIO}
    if CHOSEN and RESULTS.exists():
        figures = json.loads(RESULTS.read_text()) | figures
    for module in MODULES:
        names = importlib.import_module(f"bench.sized.{module}").STEPS
        if steps := [name for name in names if not CHOSEN or name in CHOSEN]:
            figures |= await measure_all(module, steps)
            RESULTS.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    uvloop.run(main())
