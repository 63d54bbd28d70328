"""What a run waits for, and what confirming it does. Pure."""

from dataclasses import dataclass

from console.answers.publisher import Report, Run
from console.texts import N_, Text

UNDER_WAY = frozenset({"queued", "planning", "running"})
PLANNED = frozenset({"planned", "awaiting_confirmation"})


@dataclass(frozen=True)
class Confirmation:
    """What the button that confirms does, and what it is called."""

    actions: dict[str, int]
    name: Text
    is_removal: bool


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
