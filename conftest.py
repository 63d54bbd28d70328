"""Every test may use the fixtures of the stack: real Postgres, real Kafka, the sandbox.

Tests of a package, a folder with an `__init__.py`, share a system: they run one after the other on
one worker, and the system ends with the last of them. So do those of a module with fixtures of its
own, such as a broker. All other tests go to whoever is free.
"""

import asyncio
import gc
import random
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import structlog
import uvloop
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

import sandbox  # noqa: F401 - else pytest takes the folder of this name for the package
from common.service import tune_gc

pytest_plugins = ["stack.testing.plugin"]

# Plain lines: the default renderer takes seconds over a traceback, on the event loop.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        structlog.processors.KeyValueRenderer(),
    ]
)


# The services' own event loop: a tenth of the tests' processor time less than asyncio's.
asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())

# Modules and tests stay: no garbage is looked for while they are made, and none in them later.
gc.disable()


def pytest_collection_finish() -> None:
    """Look for garbage again, in what the tests make, as seldom as the services do."""
    tune_gc()
    gc.enable()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what a test reports by `record_property("summary", ...)`, also when it passed."""
    for report in [
        *terminalreporter.getreports("passed"),
        *terminalreporter.getreports("failed"),
    ]:
        for name, text in report.user_properties:
            if name == "summary":
                terminalreporter.write_line(f"{report.nodeid}: {text}")


def pytest_addoption(parser: pytest.Parser) -> None:
    """How much of the storms, the failpoints and the marketplace's faults is tested."""
    parser.addoption("--length", choices=["short", "long"], default="short")


def pytest_configure(config: pytest.Config) -> None:
    """How many examples of every rule are drawn, but where a test names their number: each run
    draws others, and the long form many at once."""
    settings.register_profile("short", max_examples=40)
    settings.register_profile("long", max_examples=1_000, deadline=None)
    settings.load_profile(config.getoption("--length"))


FREE = (2, 0)
"""The place of tests that go to whoever is free."""


@cache
def group_of(file: Path) -> Path | None:
    """What a test file shares a system or a fixture with: its package, itself, or nothing."""
    if (file.parent / "__init__.py").exists():
        return file.parent
    return file if 'scope="module"' in file.read_text() else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest first, so that the end is not one long test: packages, then groups and
    tests marked `slow`. The tests of each group together; those that go to whoever is free in any
    order, so that those that wait for something run beside those that compute, to the end."""
    first: dict[Path, int] = {}
    for number, item in enumerate(items):
        first.setdefault(group_of(item.path) or item.path, number)

    def place(item: pytest.Item) -> tuple[int, int]:
        group = group_of(item.path)
        if group is None:
            return (1, 0) if item.get_closest_marker("slow") else FREE
        return (0 if group.is_dir() else 1, first[group])

    items.sort(key=place)
    free = [item for item in items if place(item) == FREE]
    random.shuffle(free)  # as `--randomly-seed` says, in every worker alike
    items[len(items) - len(free) :] = free


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Hands a whole group to a worker, and other tests one at a time, in the order collected."""

    def _split_scope(self, nodeid: str) -> str:
        file = self.config.rootpath / nodeid.partition("::")[0]
        return str(group_of(file) or nodeid)

    def mark_test_complete(self, node: Any, item_index: int, duration: float = 0) -> None:
        """As it does, but forget a group that is done: after each test all that a worker ever had
        are counted through, thousands in the end."""
        nodeid = self.registered_collections[node][item_index]
        groups, group = self.assigned_work[node], self._split_scope(nodeid)
        groups[group][nodeid] = True
        if all(groups[group].values()):
            del groups[group]
        self._reschedule(node)


@pytest.hookimpl
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling:
    """The way above, whatever `--dist` says."""
    config.option.loadscopereorder = False
    return GroupScheduling(config, log)
