"""`make mutants`: apply each mutant to a copy of the checkout; its tests must fail then.

`python -m tests.mutants NAME...` takes some of them.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.mutants.mutant import Mutant, apply_mutant, copy_of, load_mutants, state_of_checkout

EACH_WITHIN_SECONDS = 240
PASSED, FAILED = 0, 1
"""Exit codes of pytest; the others mean that no test was run to its end."""


def is_caught(mutant: Mutant, copy: Path) -> bool:
    """Whether its tests fail: not for want of a test, nor for a copy that does not start."""
    sources = [*copy.glob("*/*/src"), *copy.glob("*/src")]
    run = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-x"),
            *("-p", "no:cacheprovider", "-p", "no:randomly"),
            *mutant.tests,
        ],
        cwd=copy,
        env=os.environ | {"PYTHONPATH": ":".join(map(str, sources))},
        capture_output=True,
        text=True,
        timeout=EACH_WITHIN_SECONDS,
        check=False,
    )
    if run.returncode not in {PASSED, FAILED}:
        print(run.stdout[-2_000:], run.stderr[-2_000:])
    return run.returncode == FAILED


def main() -> int:
    """Try them one after the other; the number not caught."""
    wanted = sys.argv[1:]
    mutants = [mutant for mutant in load_mutants() if not wanted or mutant.name in wanted]
    commit = state_of_checkout()
    missed = 0
    for mutant in mutants:
        began = time.monotonic()
        with copy_of(commit) as copy:
            apply_mutant(mutant, copy)
            found = is_caught(mutant, copy)
        missed += not found
        result = "caught" if found else "NOT CAUGHT"
        print(f"{mutant.name}: {result} in {time.monotonic() - began:.0f} s", flush=True)
    print(f"{len(mutants) - missed} of {len(mutants)} caught")
    return missed


if __name__ == "__main__":
    sys.exit(main())
