"""Spans in SQLite: the newest so many, for so many days."""

import sqlite3
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

MOST_SPANS = 200_000
"""Some 100 MB."""
KEPT_FOR = timedelta(days=7)
TRIMMED_EVERY = 2_000
"""Spans taken between two looks for those to forget."""
MESSAGE_ID = "messaging.message.id"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS span (
    trace_id BLOB NOT NULL,
    span_id BLOB NOT NULL,
    message_id TEXT,
    received_at REAL NOT NULL,
    document BLOB NOT NULL,
    PRIMARY KEY (trace_id, span_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS span_received ON span (received_at);
CREATE INDEX IF NOT EXISTS span_message ON span (message_id) WHERE message_id IS NOT NULL;
"""


class SpanStore:
    """The spans in one file; for one process and one thread. Close it with `close`."""

    def __init__(
        self, path: Path, *, most_spans: int = MOST_SPANS, kept_for: timedelta = KEPT_FOR
    ) -> None:
        self._most_spans = most_spans
        self._kept_for = kept_for
        self._untrimmed = 0
        self._database = sqlite3.connect(path)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = OFF")  # a trace may be lost in a crash
        self._database.executescript(_SCHEMA)

    def add(self, received: Sequence[ResourceSpans]) -> int:
        """Keep these spans, each with its resource; one that is there already is replaced. How many
        they were."""
        now = time.time()
        rows = [
            (span.trace_id, span.span_id, _message_id(span), now, _alone(resource, scope, span))
            for resource in received
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        with self._database:
            self._database.executemany("REPLACE INTO span VALUES (?, ?, ?, ?, ?)", rows)
        self._untrimmed += len(rows)
        if self._untrimmed >= TRIMMED_EVERY:
            self.trim()
        return len(rows)

    def trim(self) -> None:
        """Forget what is too old, and the oldest of too many."""
        self._untrimmed = 0
        with self._database:
            self._database.execute(
                "DELETE FROM span WHERE received_at < ?",
                (time.time() - self._kept_for.total_seconds(),),
            )
            self._database.execute(
                """DELETE FROM span WHERE received_at <= (
                    SELECT received_at FROM span ORDER BY received_at DESC LIMIT 1 OFFSET ?)""",
                (self._most_spans,),
            )

    def trace(self, trace_id: bytes) -> list[ResourceSpans]:
        """The spans of a trace, one in each."""
        rows = self._database.execute("SELECT document FROM span WHERE trace_id = ?", (trace_id,))
        return [ResourceSpans.FromString(document) for (document,) in rows]

    def traces_of_message(self, message_id: str, *, limit: int = 20) -> list[bytes]:
        """The ids of the traces that a message was processed in, the newest first."""
        rows = self._database.execute(
            """SELECT trace_id FROM span WHERE message_id = ?
            GROUP BY trace_id ORDER BY max(received_at) DESC LIMIT ?""",
            (message_id, limit),
        )
        return [trace_id for (trace_id,) in rows]

    def close(self) -> None:
        """Close the file."""
        self._database.close()


def _message_id(span: Span) -> str | None:
    found = (a.value.string_value for a in span.attributes if a.key == MESSAGE_ID)
    return next(found, None)


def _alone(resource: ResourceSpans, scope: ScopeSpans, span: Span) -> bytes:
    """The span with its resource and scope, without its neighbours."""
    document: bytes = ResourceSpans(
        resource=resource.resource, scope_spans=[ScopeSpans(scope=scope.scope, spans=[span])]
    ).SerializeToString()
    return document
