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
    """Write what was seen into the page, between its marks."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(before + BEGIN + table(results) + END + after, encoding="utf-8")


def table(results: Sequence[Result]) -> str:
    """A row for each alert, in their order."""
    seen = {result.fault.alert: result for result in results}
    rows = [HEAD]
    for alert in ALERTS:
        if (result := seen.get(alert.name)) is None:
            rows.append(f"| {alert.name} | {alert.severity} | by readings | | | |\n")
        else:
            fault = result.fault
            rows.append(
                f"| {alert.name} | {alert.severity} | {fault.what} | {result.raised:.0f} s"
                f" | {fault.remedy} | {result.ended:.0f} s |\n"
            )
    return "".join(rows)
