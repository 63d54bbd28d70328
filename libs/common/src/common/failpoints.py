"""Named places where a test may kill, stop or fail the process; inert unless a setting names them.

`FAILPOINTS="consumer.before-commit=kill@3,relay.after-publish=error"`: the third time the first
place is reached the process gets SIGKILL; the second raises `FailpointError` once. With
`FAILPOINT_MARKS` naming a folder each fires once over all restarts of the process.
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
        "relay.after-claim",
        "relay.after-publish",
        "relay.after-delete",
        "normalizing.after-claim",
        "normalizing.before-commit",
        "publisher.after-intent",
        "publisher.after-call",
        "publisher.before-outcome",
        "importer.after-fetch",
        "importer.before-commit",
        "shipping.after-intent",
        "shipping.after-call",
        "auth.after-token",
        "lease.after-claim",
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
    """Say that the process is at this place. Raises `FailpointError` when told to."""
    if not _armed:
        return
    point = _armed.get(name)
    if point is None:
        return
    point.hits += 1
    if point.hits != point.at or not _first_time(name):
        return
    if point.action == "error":
        raise FailpointError(name)
    os.kill(os.getpid(), signal.SIGKILL if point.action == "kill" else signal.SIGSTOP)


def _first_time(name: str) -> bool:
    folder = os.environ.get("FAILPOINT_MARKS")
    if not folder:
        return True
    mark = Path(folder) / name
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
