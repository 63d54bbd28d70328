"""Every test may use the fixtures of the stack: real Postgres, real Kafka, the sandbox.

Tests of a package, a folder with an `__init__.py`, share a system: they run one after the other on
one worker, and the system ends with the last of them. All other tests go to whoever is free.
"""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

import sandbox  # noqa: F401 - else pytest takes the folder of this name for the package

pytest_plugins = ["stack.testing.plugin"]

# Plain lines: the default renderer takes seconds over a traceback, on the event loop.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        structlog.processors.KeyValueRenderer(),
    ]
)


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
    """The long form draws more examples of every rule, but where a test names their number."""
    settings.register_profile("long", max_examples=1_000, deadline=None)
    if config.getoption("--length") == "long":
        settings.load_profile("long")


@cache
def package_of(file: Path) -> Path | None:
    """The package a test file belongs to, if any."""
    return file.parent if (file.parent / "__init__.py").exists() else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Packages first, since they take longest, and the tests of each together."""
    first: dict[Path | None, int] = {}
    for number, item in enumerate(items):
        first.setdefault(package_of(item.path), number)
    first[None] = len(items)
    items.sort(key=lambda item: first[package_of(item.path)])


class PackageScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Hands a whole package to a worker, and other tests one at a time, in the order collected."""

    def _split_scope(self, nodeid: str) -> str:
        file = self.config.rootpath / nodeid.partition("::")[0]
        return str(package_of(file) or nodeid)


@pytest.hookimpl
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> PackageScheduling:
    """The way above, whatever `--dist` says."""
    config.option.loadscopereorder = False
    return PackageScheduling(config, log)
