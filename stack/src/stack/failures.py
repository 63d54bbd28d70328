"""What keeps the stack from starting, each said in a line a person can act on.

StackFailure
├── PortTaken      something else listens there
├── ToolMissing    a program has to be installed first
├── ReleaseBroken  a downloaded file is not the one we pinned
├── StartFailed    a process ended, or was not ready in time
├── OtherStores    a store is not of the kind the stack began with
└── AlreadyRunning another runner holds the state folder
"""


class StackFailure(Exception):
    """The stack cannot start; the text says what to do about it."""


class PortTaken(StackFailure):
    """Another program listens on a port of ours."""

    def __init__(self, port: int, owner: str, setting: str) -> None:
        super().__init__(
            f"port {port}, wanted by {owner}, is taken: stop what listens there, or move"
            f" {owner} by setting {setting}"
        )


class ToolMissing(StackFailure):
    """A program we need is not installed and cannot be without a question."""


class ReleaseBroken(StackFailure):
    """The files of a release do not match their checksums."""


class StartFailed(StackFailure):
    """A process ended at its start, or did not become ready in time."""


class OtherStores(StackFailure):
    """A store would be another one than the stack began with, without what that one holds."""


class AlreadyRunning(StackFailure):
    """The state folder is in use by another runner."""
