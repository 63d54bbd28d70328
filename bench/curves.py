"""Rates and seconds over the size of the catalogue: `make bench-curves`.

`SIZES=1000,10000,100000,1000000 PROCESSES=1,2,3 MINUTES=60`. For each size: events a second of
ingest, and families a second that are evaluated for the first time, by so many processes (the arms
of `bench/backbone.py` and `bench/evaluation.py`), each once; and the seconds of a first product
plan and of an offer plan of 1 % (those of `bench/plans.py`), which one process makes, as one does
in the product, once Postgres has the statistics that its autovacuum makes within a minute. Ingest
begins at ten batches, and more processes than one are compared from 10,000 products on: below that
their start is most of it. A step that by its growth so far would end after the `MINUTES` is left
out, as are its larger sizes; both are said in `bench/results/curves.json` and below the pictures,
`docs/performance-*.svg`, which are of that file: `python -m bench.curves draw` draws them again.
With `BENCH_RESULTS` set, the pictures are put there too.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import uvloop
from bench import backbone, evaluation, plans
from bench.drafts import installed
from bench.drawn.log_chart import Chart, Line, draw
from bench.listed.filling import settle
from bench.ratios import load, results_file
from msgspec.structs import replace

from stack.testing.own_postgres import own_postgres

ROOT = Path(__file__).parent.parent
SIZES = [int(size) for size in os.environ.get("SIZES", "1000,10000,100000,1000000").split(",")]
PROCESSES = [int(count) for count in os.environ.get("PROCESSES", "1,2,3").split(",")]
MINUTES = float(os.environ.get("MINUTES", "60"))
SHARED_FROM = 10_000
"""Products below which one process is measured alone."""
LEAST = {"ingest": 10 * backbone.MAX_RECORDS, "evaluation": 1, "plans": 100}
"""Fewer are not measured: ten batches have a rate, one has none; 1 % is a product at least."""
RESULTS = results_file("curves")
ARMS = {1: "one", 2: "two", 3: "three"}
"""The arms of `bench/evaluation.py` by their processes."""

Found = dict[str, float]


# ---- one size of one thing, in a process of its own that has the size in its environment


async def ingest(counts: list[int]) -> Found:
    """Events a second by number of processes."""
    async with backbone.durable_stores() as (admin_url, bootstrap):
        await backbone.fill_topic(bootstrap)
        return {
            str(count): await backbone.timed_round(admin_url, bootstrap, "ingest", 0, count)
            for count in counts
        }


async def evaluate(counts: list[int]) -> Found:
    """Families a second by number of processes."""
    async with own_postgres("curves") as postgres:
        async with installed(postgres.admin_url, "simple") as pool:
            await evaluation.prepare(pool, "simple")
        found = {}
        for count in counts:
            arm = ARMS[count]
            rates = await evaluation.timed_round(postgres.admin_url, "simple", arm, 0, Path())
            found[str(count)] = rates["first"][0]
        return found


async def plan(_counts: list[int]) -> Found:
    """Seconds of both plans; their items are counted."""
    async with own_postgres("curves") as postgres:
        pool = await plans.installed(postgres.admin_url)
        await plans.fill(pool)
        await settle(postgres.admin_url)
        first = await plans.plan(pool, "first: all created", "product")
        await pool.execute("TRUNCATE run_item")
        await plans.accept_all(pool)
        dearer = replace(plans.desired("21.00"), revision=2)
        await plans.change(pool, "offer", dearer, every=100)
        await settle(postgres.admin_url)
        offer = await plans.plan(pool, "1 % of the prices", "offer")
        await pool.close()
    if (first.items, offer.items) != (plans.PRODUCTS, plans.PRODUCTS // 100):
        raise SystemExit(f"{first.items} and {offer.items} items of {plans.PRODUCTS} products")
    return {"first": first.seconds, "offer": offer.seconds}


STEPS = {"ingest": ingest, "evaluation": evaluate, "plans": plan}


# ---- all sizes


def measured(what: str, size: int, counts: list[int]) -> tuple[Found, float]:
    """What a step found, and how many seconds it took with all that it needs first."""
    began = time.monotonic()
    number = str(size)
    ended = subprocess.run(
        [sys.executable, "-m", "bench.curves", what, *map(str, counts)],
        check=True,
        cwd=ROOT,
        env=os.environ | {"EVENTS": number, "PRODUCTS": number},
        stdout=subprocess.PIPE,
        text=True,
    )
    found: Found = json.loads(ended.stdout.splitlines()[-1])
    return found, time.monotonic() - began


def expected(seconds: Mapping[int, float], size: int) -> float:
    """How long a step will take at this size: what the smallest took is there at any size, the rest
    grows with it."""
    if not seconds:
        return 0
    least, last = min(seconds), max(seconds)
    return seconds[least] + (seconds[last] - seconds[least]) * size / last


def measure_all() -> dict[str, Any]:
    """All points the time allows, size by size."""
    ends_at = time.monotonic() + 60 * MINUTES
    machine = load()
    points: dict[str, dict[int, Found]] = {what: {} for what in STEPS}
    seconds: dict[str, dict[int, float]] = {what: {} for what in STEPS}
    left_out: dict[str, list[int]] = {what: [] for what in STEPS}
    for size in sorted(SIZES):
        counts = PROCESSES if size >= SHARED_FROM else PROCESSES[:1]
        for what in STEPS:
            if size < LEAST[what]:
                continue
            is_late = time.monotonic() + expected(seconds[what], size) > ends_at
            if is_late or left_out[what]:
                left_out[what].append(size)
                print(f"{what}, {size:,} products: left out", flush=True)
                continue
            found, took = measured(what, size, counts)
            points[what][size], seconds[what][size] = found, took
            shown = ", ".join(f"{name}: {value:,.1f}" for name, value in found.items())
            print(f"{what}, {size:,} products: {shown} ({took:.0f} s in all)", flush=True)
    return {
        "command": "make bench-curves",
        "minutes": MINUTES,
        "machine": machine,
        "points": {
            what: {
                str(size): {k: round(v, 3) for k, v in found.items()} for size, found in of_.items()
            }
            for what, of_ in points.items()
        },
        "left_out": left_out,
    }


# ---- the pictures


def pictures(result: Mapping[str, Any]) -> dict[str, Chart]:
    """The pictures by file name, of what was found."""
    machine = result["machine"]
    on = f"{machine['processors']} processors, load before {machine['load'][0]}, stores included."
    across = "products"
    rates = "{} a second"
    return {
        "performance-ingest.svg": Chart(
            "Events taken in",
            across,
            rates.format("events"),
            _by_processes(result, "ingest"),
            _caption(result, "ingest", on),
        ),
        "performance-evaluation.svg": Chart(
            "Families evaluated for the first time",
            across,
            rates.format("families"),
            _by_processes(result, "evaluation"),
            _caption(result, "evaluation", on),
        ),
        "performance-plans.svg": Chart(
            "Plans of one feed",
            across,
            "seconds",
            [
                Line("first product plan", _values(result, "plans", "first")),
                Line("offer plan of 1 %", _values(result, "plans", "offer")),
            ],
            _caption(result, "plans", f"One process makes a plan. {on}"),
        ),
    }


def _by_processes(result: Mapping[str, Any], what: str) -> list[Line]:
    named = {"1": "1 process", "2": "2 processes", "3": "3 processes"}
    lines = [Line(name, _values(result, what, count)) for count, name in named.items()]
    return [line for line in lines if line.values]


def _values(result: Mapping[str, Any], what: str, name: str) -> dict[int, float]:
    points = result["points"][what].items()
    return {int(size): found[name] for size, found in points if name in found}


def _caption(result: Mapping[str, Any], what: str, on: str) -> str:
    left_out = ", ".join(f"{size:,}" for size in result["left_out"][what])
    missing = f" Left out for want of time: {left_out} products." if left_out else ""
    return f"Each point was measured once, by `{result['command']}`. {on}{missing}"


def draw_all(result: Mapping[str, Any]) -> None:
    """Write the pictures that have a point."""
    folder = RESULTS.parent if os.environ.get("BENCH_RESULTS") else ROOT / "docs"
    for name, chart in pictures(result).items():
        if any(line.values for line in chart.lines):
            draw(chart, folder / name)


def main() -> None:
    """Measure, write and draw; or draw again."""
    result = json.loads(RESULTS.read_text()) if "draw" in sys.argv else measure_all()
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    draw_all(result)


if __name__ == "__main__":
    step = STEPS.get(sys.argv[1] if len(sys.argv) > 1 else "")
    if step is None:
        main()
    elif step is ingest:  # its arms are processes, and it polls: as `bench/backbone.py` runs it
        print(json.dumps(asyncio.run(step([int(count) for count in sys.argv[2:]]))))
    else:
        print(json.dumps(uvloop.run(step([int(count) for count in sys.argv[2:]]))))
