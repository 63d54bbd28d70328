"""All ratios in one run: `make bench` (at most 30 minutes), `make bench-quick` (3 minutes).

Runs one bench after the other, each with its ceiling in turns beside it, and prints a row for every
ratio: median, least, most, what is asked, what is aimed at. Its sizes are smaller than those of the
committed results, which single benches write; what was found goes to `bench/results/table.json`,
a quick run's nowhere. `ONLY=backbone,plan_ratios` runs these alone. A bench that fails is named,
and the others run on; the exit code is 1 then.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.ratios import load, results_file

ROOT = Path(__file__).parent.parent
BEFORE = "9607745"
"""The commit before evaluation was made faster; its sources are read from git."""
CHOSEN = {name for name in os.environ.get("ONLY", "").split(",") if name}


@dataclass(frozen=True)
class Row:
    """One ratio: where it stands in its bench's results, what is asked of it, what aimed at."""

    id: str
    what: str
    place: tuple[str | int, ...]
    passes: float
    aim: float
    is_most: bool = False
    """Whether the value may be no more than `passes`; otherwise it may be no less."""


@dataclass(frozen=True)
class Bench:
    """A bench, its sizes in a run of the table and in a quick one (None: left out), its rows."""

    name: str
    sizes: Mapping[str, str]
    quick: Mapping[str, str] | None
    rows: Sequence[Row]


def _evaluation_rows() -> Iterator[Row]:
    for kind, title in (("simple", "simple products"), ("families", "families of ten")):
        place = (kind, "ratios")
        yield Row("P1", f"evaluated over a bare loop, {title}", (*place, "P1"), 0.25, 0.50)
        yield Row("P1r", f"unchanged over first time, {title}", (*place, "P1r"), 5, 10)
        yield Row("P1c", f"two processes over one, {title}", (*place, "P1c"), 1.4, 1.7)
        yield Row("P1x", f"evaluated over commit {BEFORE}, {title}", (*place, "P1x"), 4, 8)


def _peer_rows() -> Iterator[Row]:
    for arm, passes, aim in (
        ("batch", 2, 4),
        ("batch, schema corrected", 2, 4),
        ("single", 15, 30),
    ):
        what = f"event to outbox over FastStream, {arm}"
        yield Row("P1p", what, ("ratios", f"P1p {arm}"), passes, aim)


def _lane_rows() -> Iterator[Row]:
    for place, what in enumerate(("runs 1 s apart", "3 s, the default")):
        title = f"event to call, p99 in seconds, {what}"
        yield Row("P8", title, ("settings", place, "P8"), 5, 1, is_most=True)


def _start_rows() -> Iterator[Row]:
    for service in ("auth-service", "catalog-service", "feed-publisher", "order-importer"):
        what = f"cold start over imports, {service}"
        yield Row("P6", what, (service, "P6"), 1.3, 1.1, is_most=True)


BENCHES = (
    Bench(
        "backbone",
        {"EVENTS": "60000", "ROUNDS": "5"},
        {"EVENTS": "20000", "ROUNDS": "2"},
        [
            Row("P0", "ingest over a bare loop, one process", ("ingest_1_process",), 0.40, 0.50),
            Row("P0", "the same, two processes", ("ingest_2_processes",), 0.40, 0.50),
            Row("P7", "ingest after a kill over undisturbed", ("drain_after_kill",), 0.90, 1.0),
            Row("", "relay over a bare loop", ("relay",), 0.90, 1.0),
        ],
    ),
    Bench(
        "evaluation",
        {"PRODUCTS": "3000", "ROUNDS": "5", "BEFORE": BEFORE},
        {"PRODUCTS": "1000", "ROUNDS": "1", "BEFORE": BEFORE},
        list(_evaluation_rows()),
    ),
    Bench("peer", {"PRODUCTS": "3000", "ROUNDS": "5"}, None, list(_peer_rows())),
    Bench(
        "plan_ratios",
        {"PRODUCTS": "150000", "ROUNDS": "5"},
        {"PRODUCTS": "5000", "ROUNDS": "1"},
        [
            Row(
                "P2", "a join over the offer plan, 1 % changed", ("ratios", "P2 changed"), 0.4, 0.7
            ),
            Row(
                "P2",
                "the plan over a join, nothing changed",
                ("ratios", "P2 unchanged"),
                *(0.02, 0.005),
                is_most=True,
            ),
            Row("P2p", "one statement over the first plan", ("ratios", "P2p"), 0.30, 0.50),
        ],
    ),
    Bench(
        "ship_requests",
        {"ROUNDS": "5"},
        None,
        [
            Row("P4", "ship requests, p99 at half", ("ratios", "P4 p99"), 2.0, 1.4, is_most=True),
            Row("P4", "ship requests, highest rate", ("ratios", "P4 rate"), 0.45, 0.65),
        ],
    ),
    Bench(
        "remote_calls",
        {"ROUNDS": "5"},
        None,
        [
            Row("P5", f"calls over least, {what}", ("simple", what, "P5"), 1.05, 1, is_most=True)
            for what in ("prices", "stock", "both")
        ],
    ),
    Bench("fast_lane", {"LANE_SECONDS": "1,3"}, None, list(_lane_rows())),
    Bench("cold_start", {"ROUNDS": "5"}, {"ROUNDS": "1"}, list(_start_rows())),
    Bench(
        "telemetry",
        {},
        None,
        [
            Row("P10", "ingest with telemetry over without", ("ingest",), 0.95, 0.98),
            Row("P10", "evaluation with telemetry over without", ("normalize",), 0.95, 0.98),
        ],
    ),
    Bench(
        "order_import",
        {"ORDERS": "1000", "ROUNDS": "5"},
        {"ORDERS": "200", "ROUNDS": "1"},
        [Row("P11", "orders imported over a bare loop", ("P11",), 0.5, 0.7)],
    ),
)


def found_in(results: Mapping[str, Any], row: Row) -> dict[str, float]:
    """A row's median, least and most; of one that has a single round, its 99th percentile."""
    of_row: Any = results
    for key in row.place:
        of_row = of_row[key]
    if "p99" in of_row:
        return dict.fromkeys(("median", "least", "most"), of_row["p99"])
    if "median" in of_row:
        return dict(of_row)
    if "cost_of_export" in of_row:
        seconds = of_row["processor_seconds"]
        pairs = zip(seconds["off"], seconds["on"], strict=True)
    else:
        pairs = zip(of_row["rounds"], of_row["baseline_rounds"], strict=True)
    ratios = sorted(one / other for one, other in pairs)
    middle = ratios[len(ratios) // 2]
    return {"median": round(middle, 3), "least": round(ratios[0], 3), "most": round(ratios[-1], 3)}


def run(bench: Bench, sizes: Mapping[str, str], folder: Path) -> list[dict[str, Any]] | None:
    """The rows a bench found; None when it failed, with what it printed."""
    began = time.monotonic()
    variables = {**os.environ, **sizes, "BENCH_RESULTS": str(folder)}
    command = [sys.executable, "-m", f"bench.{bench.name}"]
    ended = subprocess.run(
        command, check=False, cwd=ROOT, env=variables, capture_output=True, text=True
    )
    seconds = round(time.monotonic() - began)
    if ended.returncode:
        print(f"{bench.name} failed after {seconds} s:\n{ended.stdout}\n{ended.stderr}", flush=True)
        return None
    results = json.loads((folder / f"{bench.name}.json").read_text())
    rows = []
    for row in bench.rows:
        found = found_in(results, row)
        passes = found["median"] <= row.passes if row.is_most else found["median"] >= row.passes
        rows.append(
            {
                "id": row.id,
                "ratio": row.what,
                **found,
                "pass": row.passes,
                "aim": row.aim,
                "is_most": row.is_most,
                "reached": passes,
                "bench": bench.name,
            }
        )
        show(rows[-1])
    print(f"  {bench.name}: {seconds} s", flush=True)
    return rows


def show(row: Mapping[str, Any]) -> None:
    """Print a row of the table."""
    sign = "<=" if row["is_most"] else ">="
    print(
        f"{row['id']:<4} {row['ratio']:<56} {row['median']:>8} {row['least']:>8} {row['most']:>8}"
        f"  {sign} {row['pass']:<5} aim {row['aim']:<6} {'' if row['reached'] else 'missed'}",
        flush=True,
    )


def main() -> None:
    """Run all, print the table, keep it."""
    is_quick = "quick" in sys.argv
    print(f"{'':<4} {'':<56} {'median':>8} {'least':>8} {'most':>8}")
    rows: list[dict[str, Any]] = []
    failed: list[str] = []
    machine = load()
    with tempfile.TemporaryDirectory() as folder:
        for bench in BENCHES:
            sizes = bench.quick if is_quick else bench.sizes
            if sizes is None or (CHOSEN and bench.name not in CHOSEN):
                continue
            found = run(bench, sizes, Path(folder))
            if found is None:
                failed.append(bench.name)
            rows += found or []
    if not is_quick and not CHOSEN and not failed:
        table = {"command": "make bench", "machine": machine, "rows": rows}
        results_file("table").write_text(json.dumps(table, indent=1) + "\n")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
