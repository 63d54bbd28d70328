"""What a run waits for, and what confirming it does. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from console.answers.publisher import Report, Run
from console.texts import N_, Text

UNDER_WAY = frozenset({"queued", "planning", "running"})
ACTIONS = ("create", "update", "delete", "price", "stock")
CHART_HEIGHT, BAR_WIDTH = 120, 24
PLANNED = frozenset({"planned", "awaiting_confirmation"})


@dataclass(frozen=True)
class Confirmation:
    """What the button that confirms does, and what it is called."""

    actions: dict[str, int]
    name: Text
    is_removal: bool


@dataclass(frozen=True)
class Bar:
    """A run in the chart: how high what was accepted, and what was refused above it, stand, of
    `CHART_HEIGHT`; `left` is where it begins, in the chart's own units."""

    run: Run
    left: int
    accepted: int
    refused: int
    accepted_height: float
    refused_height: float


def chart_of(runs: Sequence[Run]) -> list[Bar]:
    """The runs that sent anything, the oldest first; the highest bar fills the chart."""
    sent = [run for run in reversed(runs) if not run.is_dry_run and any(_outcome(run))]
    highest = max((sum(_outcome(run)) for run in sent), default=1)
    bars = []
    for place, run in enumerate(sent):
        accepted, refused = _outcome(run)
        bars.append(
            Bar(
                run,
                place * BAR_WIDTH,
                accepted,
                refused,
                round(CHART_HEIGHT * accepted / highest, 1),
                # what was refused is seen, however little it is
                round(max(CHART_HEIGHT * refused / highest, 2 if refused else 0), 1),
            )
        )
    return bars


def _outcome(run: Run) -> tuple[int, int]:
    return accepted_of(run), run.counts.get("rejected", 0)


def accepted_of(run: Run) -> int:
    """How many items were accepted: a run counts them by what each did."""
    return sum(run.counts.get(action, 0) for action in ACTIONS)


def is_under_way(run: Run) -> bool:
    """Whether the page has to be looked at again by itself."""
    return run.state in UNDER_WAY


def confirmation(run: Run, report: Report | None) -> Confirmation | None:
    """What waits for a confirmation: a whole plan, or what the guard withholds (M7.4)."""
    counts = report.counts if report else {}
    if run.state == "withheld":
        held = {
            action: by.get("withheld", 0) for action, by in counts.items() if by.get("withheld")
        }
        deleted = held.get("delete", 0)
        if deleted and len(held) == 1:
            name = Text(N_("Delete %(count)s products"), {"count": deleted})
        else:
            name = Text(N_("Send the %(count)s withheld changes"), {"count": sum(held.values())})
        return Confirmation(held, name, is_removal=True)
    if run.state not in PLANNED:
        return None
    actions = {action: sum(by.values()) for action, by in counts.items() if sum(by.values())}
    total = run.progress.total or sum(actions.values())
    if not total:
        return None
    name = Text(N_("Send %(count)s changes to AliExpress"), {"count": total})
    return Confirmation(actions, name, is_removal="delete" in actions)
