"""`make risks`: run the tests of every risk, and write docs/security-rows.md with the outcome.

`python -m tests.risks REPORT...` takes the outcomes of runs that were made, by their JUnit reports;
of a test that ran again the last counts.
"""

import subprocess
import sys
import tempfile
from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from defusedxml.ElementTree import parse

from .risks import RISKS, Risk

PAGE = Path("docs/security-rows.md")
HEAD = """\
# The security checklist, row by row

Written by `make risks`, which runs the tests named in `tests/risks/risks.py`; `make test` runs them
too. What each proves is said in [security.md](security.md).
"""


@dataclass(frozen=True)
class Case:
    """A test that ran."""

    file: str
    name: str
    seconds: float
    outcome: str

    def is_of(self, selector: str) -> bool:
        """Whether the selector means it: a folder, a file, or a test of one."""
        path, _, name = selector.partition("::")
        is_there = self.file == path or self.file.startswith(f"{path}/")
        return is_there and name in {"", self.name.partition("[")[0]}


def run_tests(selectors: Set[str]) -> list[Case]:
    """Run them all in one go."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        options = ["-q", "-n", "2", f"--junitxml={report}"]
        command = [sys.executable, "-m", "pytest", *options, *sorted(selectors)]
        subprocess.run(command, check=False)
        return read_cases([report])


def began(report: Path) -> datetime:
    """When the run of a JUnit report began."""
    return max(
        datetime.fromisoformat(one.get("timestamp")) for one in parse(report).iter("testsuite")
    )


def read_cases(reports: Sequence[Path]) -> list[Case]:
    """Every test of these JUnit reports, once."""
    cases = [_case(element) for report in reports for element in parse(report).iter("testcase")]
    return [*{(case.file, case.name): case for case in cases}.values()]


def _case(element: Any) -> Case:
    found = {child.tag for child in element}
    outcome = "failed" if found & {"failure", "error"} else "skipped" if "skipped" in found else ""
    file = element.get("classname").replace(".", "/") + ".py"
    return Case(file, element.get("name"), float(element.get("time")), outcome or "passed")


def line_of(risk: Risk, cases: Sequence[Case]) -> str:
    """The risk's row of the table."""
    own = [case for case in cases if any(case.is_of(selector) for selector in risk.tests)]
    outcomes = [case.outcome for case in own]
    if not risk.tests:
        result, figure = "-", ""
    else:
        is_proven = "passed" in outcomes and "failed" not in outcomes
        result = "PASS" if is_proven else "FAIL"
        counts = [f"{outcomes.count(word)} {word}" for word in ("passed", "failed", "skipped")]
        figure = ", ".join(count for count in counts if not count.startswith("0 "))
        figure += f"; {sum(case.seconds for case in own):.0f} s"
    return f"| {risk.row} | {risk.risk} | {risk.answer} | {result} | {figure} |"


def main() -> int:
    """Run, write, and return the number of risks that are not proven."""
    selectors = {selector for risk in RISKS for selector in risk.tests}
    reports = [Path(name) for name in sys.argv[1:]]
    cases = read_cases(reports) if reports else run_tests(selectors)
    lines = [line_of(risk, cases) for risk in RISKS]
    head = "| row | risk | what is done | | tests |\n|---|---|---|---|---|"
    at = min(map(began, reports)) if reports else datetime.now(UTC)
    ran = f"Run of {at.astimezone(UTC):%Y-%m-%d %H:%M} UTC."
    PAGE.write_text("\n".join([HEAD, ran, "", head, *lines, ""]))
    return sum("| FAIL |" in line for line in lines)


if __name__ == "__main__":
    sys.exit(main())
