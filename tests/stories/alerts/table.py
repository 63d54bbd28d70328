"""The table of docs/operations.md: every alert, and how it was tried."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.observability.alerts import ALERTS

from .watched import Fault

BEGIN = "<!-- written by make alerts -->\n"
END = "<!-- end -->\n"
HEAD = """\
| alert | severity | fault | raised after | ended by | ended after |
|---|---|---|---|---|---|
"""


@dataclass(frozen=True)
class Result:
    """A fault that raised its alert, and how long both ways took, in seconds."""

    fault: Fault
    raised: float
    ended: float


def write_table(page: Path, results: Sequence[Result]) -> None:
    """Write what was seen into the page, between its marks; other alerts keep their rows."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    known, _, after = rest.partition(END)
    page.write_text(before + BEGIN + table(results, known) + END + after, encoding="utf-8")


def table(results: Sequence[Result], known: str = "") -> str:
    """A row for each alert, in their order; `known` is the table as it was."""
    rows = {line.split("|")[1].strip(): line for line in known.splitlines(keepends=True)[2:]}
    for alert in ALERTS:
        rows.setdefault(alert.name, f"| {alert.name} | {alert.severity} | by readings | | | |\n")
    for result in results:
        fault = result.fault
        severity = next(alert.severity for alert in ALERTS if alert.name == fault.alert)
        rows[fault.alert] = (
            f"| {fault.alert} | {severity} | {fault.what} | {result.raised:.0f} s"
            f" | {fault.remedy} | {result.ended:.0f} s |\n"
        )
    return "".join([HEAD, *(rows[alert.name] for alert in ALERTS)])
