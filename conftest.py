"""Every test may use the fixtures of the stack: real Postgres, real Kafka, the sandbox."""

import pytest
import structlog

import sandbox  # noqa: F401 - else pytest takes the folder of this name for the package

pytest_plugins = ["stack.testing"]

# Plain lines: the default renderer takes seconds over a traceback, on the event loop.
structlog.configure(
    processors=[
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        structlog.processors.KeyValueRenderer(),
    ]
)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what a test tells by `record_property("told", ...)`, also when it passed."""
    for report in [
        *terminalreporter.getreports("passed"),
        *terminalreporter.getreports("failed"),
    ]:
        for name, text in report.user_properties:
            if name == "told":
                terminalreporter.write_line(f"{report.nodeid}: {text}")
