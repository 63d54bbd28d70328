"""Named places where a test may kill, stop or fail the process; inert unless a setting names them.

`FAILPOINTS="consumer.before-commit=kill@3,relay.after-publish=error"`: the third time the first
place is reached the process gets SIGKILL; the second raises `FailpointError` once. With
`FAILPOINT_MARKS` naming a folder a place that struck leaves a file of its name there, holding the
process's id, and strikes no more in any process while that file is there.
"""

import os
import signal
from pathlib import Path

NAMES = frozenset(
    {
        "consumer.after-decode",
        "consumer.after-write",
        "consumer.before-commit",
        "consumer.after-commit",
        "parked.before-commit",
        "replay.before-commit",
        "relay.after-claim",
        "relay.after-publish",
        "relay.after-delete",
        "schedule.after-claim",
        "lease.after-claim",
        "auth.after-token",
        "expiry.before-commit",
        "alerts.before-spread",
        "alerts.before-mail",
        "mail.after-claim",
        "mail.after-send",
        "webhook.after-claim",
        "webhook.after-post",
        "files.before-commit",
        "files.after-read",
        "normalizing.after-claim",
        "normalizing.before-commit",
        "planning.before-commit",
        "publisher.after-intent",
        "publisher.after-call",
        "publisher.before-outcome",
        "importer.after-fetch",
        "importer.before-commit",
        "shipping.after-request",
        "shipping.after-intent",
        "shipping.after-call",
        "deadlines.before-commit",
        "correction.after-request",
        "correction.after-intent",
        "correction.after-call",
    }
)
"""Every failpoint there is; a typo in a test is an error."""


class FailpointError(Exception):
    """A test asked this place to fail."""


class _Armed:
    def __init__(self, action: str, at: int) -> None:
        self.action = action
        self.at = at
        self.hits = 0


def _parse(text: str) -> dict[str, _Armed]:
    armed = {}
    for entry in filter(None, text.split(",")):
        name, _, what = entry.partition("=")
        action, _, at = what.partition("@")
        if name not in NAMES or action not in {"kill", "stop", "error"}:
            raise ValueError(f"no such failpoint: {entry}")
        armed[name] = _Armed(action, int(at or 1))
    return armed


_armed = _parse(os.environ.get("FAILPOINTS", ""))


def arm(text: str) -> None:
    """Replace what is armed in this process; empty text disarms everything."""
    _armed.clear()
    _armed.update(_parse(text))


def reach(name: str) -> None:
    """Say that the process is at this place. Raises `FailpointError` when armed so."""
    if not _armed:
        return
    point = _armed.get(name)
    if point is None:
        return
    point.hits += 1
    if not _is_due(name, point):
        return
    if point.action == "error":
        raise FailpointError(name)
    os.kill(os.getpid(), signal.SIGKILL if point.action == "kill" else signal.SIGSTOP)


def _is_due(name: str, point: _Armed) -> bool:
    folder = os.environ.get("FAILPOINT_MARKS")
    if not folder:
        return point.hits == point.at
    return point.hits >= point.at and _leave_mark(Path(folder) / name)


def _leave_mark(mark: Path) -> bool:
    """Whether the mark was not there."""
    try:
        with mark.open("x") as file:
            file.write(str(os.getpid()))
    except FileExistsError:
        return False
    return True
