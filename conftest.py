"""Every test may use the fixtures of the stack: real Postgres, real Kafka, the sandbox."""

import pytest
import structlog

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
