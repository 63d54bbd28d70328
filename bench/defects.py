"""How well defects of products are found: `make bench-defects` (DEFECTS=500 SEED=1).

So many families with one defect each, of every kind the rules of products know, and as many
without, through the evaluation the service ships, on the simulator's schemas; no network. Precision
and recall are of (family, rule, field). Results go to `bench/results/defects.json`; the same seed
gives the same file. `tests/defects` holds the families, the defects and the test.
"""

import json
import os
import sys

from bench.ratios import results_file
from tests.defects.measure import measure, report_of

DEFECTS = int(os.environ.get("DEFECTS", "500"))
SEED = int(os.environ.get("SEED", "1"))
LEAST = 0.99
RESULTS = results_file("defects")


def main() -> None:
    """Measure, write, and end with 1 where too little or too much was found."""
    figures = measure(SEED, DEFECTS)
    result = {"command": "make bench-defects", "seed": SEED, **report_of(figures)}
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    print(f"precision {figures.precision:.4f}, recall {figures.recall:.4f}: {RESULTS.name}")
    if min(figures.precision, figures.recall) < LEAST:
        sys.exit(1)


if __name__ == "__main__":
    main()
