"""Forecast against verdict: `make bench-forecast` (DEFECTS=1000 ODD=1000 SEED=1).

So many families with one defect each, of every kind the rules of products know, and as many
without, over three catalogues that differ in kind (`tests/defects/catalogues.py`): each is
evaluated as the service does it, its body, valid or refused, is sent to the sandbox as an item of a
product feed, and what preview said is compared with what the sandbox says: that AliExpress refuses
it, or that it takes it, although the channel alone may hold it back. Families with odd values in
any fields, which nobody calls right or wrong, follow: what of them is called valid has to be
accepted. Disagreements are printed by kind. Results go to `bench/results/forecast.json`; the same
seed gives the same file.
"""

import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path

from bench.ratios import results_file
from tests.defects.catalogues import make_catalogues
from tests.defects.families import PICTURES
from tests.defects.forecast import Outcome, compare, report_of, report_of_odd

from stack.sandbox import running_sandbox

DEFECTS = int(os.environ.get("DEFECTS", "1000"))
ODD = int(os.environ.get("ODD", "1000"))
SEED = int(os.environ.get("SEED", "1"))
LEAST = 0.99
RESULTS = results_file("forecast")


async def measure() -> tuple[list[Outcome], list[Outcome]]:
    """Forecasts and verdicts of all three catalogues, each with a share: of families with and
    without defects, and of those with odd values."""
    catalogues = make_catalogues(SEED, PICTURES)
    outcomes: list[Outcome] = []
    odd: list[Outcome] = []
    with tempfile.TemporaryDirectory() as folder:
        async with running_sandbox(Path(folder), feed_seconds="0", audit_seconds="0") as sandbox:
            for number, catalogue in enumerate(catalogues):
                share, share_of_odd = ((of + number) // len(catalogues) for of in (DEFECTS, ODD))
                outcomes += await compare(sandbox, catalogue, catalogue.cases(share))
                odd += await compare(sandbox, catalogue, catalogue.edited(share_of_odd))
    return outcomes, odd


def main() -> None:
    """Measure, write, and end with 1 where forecasts and verdicts agree too seldom."""
    outcomes, odd = asyncio.run(measure())
    report = report_of(outcomes)
    report["odd values"] = report_of_odd(odd)
    result = {"command": "make bench-forecast", "seed": SEED, **report}
    RESULTS.write_text(json.dumps(result, indent=1) + "\n")
    for title in ("accepted", "refused"):
        found = report[title]
        print(f"{title}: precision {found['precision']:.4f}, recall {found['recall']:.4f}")
    odd = report["odd values"]["called valid"]
    accepted = odd["accepted"] / (odd["accepted"] + odd["refused"])
    print(f"odd values: of what is called valid {accepted:.4f} is accepted")
    for kind, samples in (report["disagreements"] | report["odd values"]["disagreements"]).items():
        print(f"{kind}: {json.dumps(samples[0])}")
    shares = [share for title in ("accepted", "refused") for share in report[title].values()]
    sent = report["called valid"]
    shares.append(sent["accepted"] / (sent["accepted"] + sent["refused"]))
    if min(accepted, *shares) < LEAST or report["bodies not reproduced"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
