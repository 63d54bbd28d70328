"""A span for each transaction that changes something, with a summary of its statements.

Texts of statements and their values never reach a span: only what is done to which table.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from asyncpg.connection import LoggedQuery
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind

from common.postgres.pool import Connection
from common.telemetry.tracing import exports_rows, mark_failed

SUMMARY_CHARACTERS = 255
"""As OpenTelemetry's conventions bound `db.query.summary`."""

_WRITE = re.compile(
    r"\b(INSERT INTO|DELETE FROM|(?<!FOR )(?<!KEY )(?<!DO )UPDATE)\s+(?:ONLY\s+)?(\w+)",
    re.IGNORECASE,
)
_READ = re.compile(r"\bFROM\s+(?!pg_)(\w+)", re.IGNORECASE)
_tracer = trace.get_tracer("channel.postgres")


@contextmanager
def traced_transaction(connection: Connection) -> Iterator[None]:
    """Follow the statements of the enclosed transaction, where the work it belongs to is traced."""
    if not (exports_rows() and trace.get_current_span().is_recording()):
        yield
        return
    span = _tracer.start_span("transaction", kind=SpanKind.CLIENT)
    seen = _Statements(span)
    connection.add_query_logger(seen.add)
    try:
        yield
    except BaseException as error:
        mark_failed(span, error)
        raise
    finally:
        connection.remove_query_logger(seen.add)
        seen.end()


class _Statements:
    """What a transaction did so far."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self._summaries: dict[str, None] = {}
        self._statements = 0
        self._has_written = False

    def add(self, query: LoggedQuery) -> None:
        """Note one statement."""
        if not self._statements:
            self._span.set_attributes(
                {"db.system.name": "postgresql", "db.namespace": query.conn_params.database or ""}
            )
        summary, is_write = summarize(query.query)
        self._statements += 1
        self._has_written |= is_write
        if summary:
            self._summaries[summary] = None

    def end(self) -> None:
        """End the span; one of a transaction that only looked is never ended, so it is not sent:
        idle workers look for work all the time."""
        if not self._has_written:
            return
        summary = " ".join(self._summaries)[:SUMMARY_CHARACTERS]
        self._span.update_name(summary)
        self._span.set_attributes(
            {"db.query.summary": summary, "channel.statements": self._statements}
        )
        self._span.end()


@lru_cache(maxsize=2_000)
def summarize(statement: str) -> tuple[str, bool]:
    """What the statement does to which table, as `INSERT outbox`, and whether it changes it."""
    write = _WRITE.search(statement)
    if write is not None:
        return f"{write[1].split()[0].upper()} {write[2]}", True
    read = _READ.search(statement)
    return (f"SELECT {read[1]}" if read else ""), False
