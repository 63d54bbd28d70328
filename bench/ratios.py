"""Ratios of rounds that were measured in turns, and the files they are kept in."""

import os
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def ratio(own: Sequence[float], other: Sequence[float]) -> dict[str, float]:
    """The median of the rounds' ratios, with the least and the most."""
    ratios = [one / another for one, another in zip(own, other, strict=True)]
    return {
        "median": round(statistics.median(ratios), 3),
        "least": round(min(ratios), 3),
        "most": round(max(ratios), 3),
    }


def load() -> dict[str, Any]:
    """How busy the machine is, beside how many processors it has: what else ran matters."""
    return {"processors": os.cpu_count(), "load": [round(one, 1) for one in os.getloadavg()]}


def show(row: str, what: str, found: dict[str, float], *, wanted: str) -> None:
    """Print the row of a ratio."""
    values = f"median {found['median']}, least {found['least']}, most {found['most']}"
    print(f"{row}: {what}: {values}; wanted {wanted}", flush=True)


def results_file(bench: str) -> Path:
    """Where a bench writes what it found: among the committed results, or in `BENCH_RESULTS`."""
    folder = Path(os.environ.get("BENCH_RESULTS") or Path(__file__).parent / "results")
    return folder / f"{bench}.json"
