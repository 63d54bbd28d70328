"""Logs: JSON lines on stderr, redacted, with the trace they belong to; by OTLP too where asked.

Client libraries say the same thing thousands of times in an outage. What one of them repeats is
let through a few times a minute, and then counted.
"""

import logging
import re
import sys
import time
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

import structlog
from opentelemetry import trace
from opentelemetry._logs import Logger, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider

from common.telemetry.redaction import redact_event

REPEATED = 5
"""How often a client library's message is let through in a window."""
WINDOW_SECONDS = 60.0
MESSAGES_KEPT = 1_000
"""Messages counted at once; more begin with a clean count."""

_CHATTY = ("aiokafka", "httpx2", "httpcore2", "uvicorn.access", "asyncio")
_OF_THE_EXPORT = ("opentelemetry", "urllib3", "requests")
"""Loggers of the export: their lines are not exported, since each could cause the next."""
_NUMBERS = re.compile(r"\d+")
_SEVERITIES: Mapping[str, SeverityNumber] = {
    "debug": SeverityNumber.DEBUG,
    "info": SeverityNumber.INFO,
    "warning": SeverityNumber.WARN,
    "error": SeverityNumber.ERROR,
    "critical": SeverityNumber.FATAL,
}
_OWN_FIELDS = frozenset({"event", "level", "timestamp", "trace_id", "span_id"})


def set_up_logs(service: str, level: str, exported_by: LoggerProvider | None = None) -> None:
    """Wire structlog and the standard library's logging alike."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace,
        structlog.processors.format_exc_info,
        redact_event,
    ]
    if exported_by is not None:
        shared.append(_Export(exported_by.get_logger("channel")))
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
    )
    structlog.contextvars.bind_contextvars(service=service)
    handler = ThrottledHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _add_trace(_logger: Any, _name: str, event: Any) -> Any:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = f"{context.trace_id:032x}"
        event["span_id"] = f"{context.span_id:016x}"
    return event


class _Export:
    """A structlog processor: sends what is already redacted on as an OTLP log record too."""

    def __init__(self, logger: Logger) -> None:
        self._logger = logger

    def __call__(self, _logger: Any, _name: str, event: MutableMapping[str, Any]) -> Any:
        foreign: logging.LogRecord | None = event.get("_record")
        if foreign is None or not foreign.name.startswith(_OF_THE_EXPORT):
            level = str(event.get("level", "info"))
            self._logger.emit(
                timestamp=time.time_ns(),
                severity_number=_SEVERITIES.get(level, SeverityNumber.UNSPECIFIED),
                severity_text=level.upper(),
                body=str(event.get("event")),
                attributes={
                    "exception.stacktrace" if key == "exception" else key: _plain(value)
                    for key, value in event.items()
                    if key not in _OWN_FIELDS and not key.startswith("_") and value is not None
                },
            )
        return event


def _plain(value: object) -> str | int | float | bool:
    return value if isinstance(value, str | int | float | bool) else str(value)


@dataclass
class _Window:
    """One message of one logger in the minute that its first came in."""

    first: logging.LogRecord
    began_at: float
    seen: int = 0


class ThrottledHandler(logging.StreamHandler[Any]):
    """Writes lines to stderr; a message that a logger repeats only `REPEATED` times a window, and
    once the window is over how many more there were. Messages that differ in numbers are one."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)
        self._windows: dict[tuple[str, str], _Window] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record, count it, and write what windows that ended have left out."""
        now = time.monotonic()
        self._close_windows(now)
        key = record.name, _NUMBERS.sub("#", str(record.msg))
        if len(self._windows) >= MESSAGES_KEPT:
            self._close_windows(float("inf"))
        window = self._windows.setdefault(key, _Window(record, now))
        window.seen += 1
        if window.seen <= REPEATED:
            super().emit(record)

    def close(self) -> None:
        """Write what was left out so far."""
        self._close_windows(float("inf"))
        super().close()

    def _close_windows(self, now: float) -> None:
        ended = [k for k, w in self._windows.items() if now - w.began_at >= WINDOW_SECONDS]
        for key in ended:
            window = self._windows.pop(key)
            if window.seen > REPEATED:
                super().emit(_counted(window.first, window.seen - REPEATED))


def _counted(first: logging.LogRecord, left_out: int) -> logging.LogRecord:
    """A line in place of those left out."""
    return logging.LogRecord(
        first.name,
        first.levelno,
        first.pathname,
        first.lineno,
        "%d more lines like this one were left out: %s",
        (left_out, first.getMessage()),
        None,
    )
