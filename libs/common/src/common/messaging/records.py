"""What a handler is given and what it may say of it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from common.contracts.envelope import (
    BadRecord,
    Envelope,
    claimed_merchant,
    claimed_source,
    raw_header,
)
from common.contracts.event import Event
from common.postgres.pool import Connection

E = TypeVar("E", bound=Event)

FULL_AT_BYTES = 32 * 1024 * 1024
"""A batch takes no more records once it holds so much: a whole one of the largest would be more
than Postgres takes in one statement."""


class Record(msgspec.Struct, frozen=True, gc=False):
    """A Kafka record as it came; `topic` is without the installation's prefix."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]

    @property
    def source(self) -> str:
        """The CloudEvents source its producer named; empty when it named none."""
        return claimed_source(raw_header(self.headers, "ce_source"))

    @property
    def merchant_id(self) -> str:
        """The merchant its key claims."""
        return claimed_merchant(self.key)


class Delivery(msgspec.Struct, Generic[E], frozen=True, gc=False):
    """A decoded event with the record it came in; replays keep the record's own coordinates."""

    envelope: Envelope[E]
    record: Record
    prepared: Any = None
    """What the subscription's `prepare` made of it."""
    continued: str | None = None
    """The span it is processed in, where that is traced."""

    @property
    def event(self) -> E:
        """The event's data."""
        return self.envelope.data

    @property
    def traceparent(self) -> str | None:
        """What causes whatever it leads to: the span it is processed in, or its producer's."""
        return self.continued or self.envelope.traceparent


@dataclass(frozen=True, slots=True)
class Rejected:
    """This record cannot be taken: it becomes a dead letter with this reason."""

    record: Record
    reason: str
    detail: str
    remedy: str
    blames_origin: bool = True
    """Whether whom the record names as its origin answers for it: a forged record's does not."""

    @classmethod
    def because(cls, record: Record, bad: BadRecord) -> "Rejected":
        """A dead letter for what decoding found."""
        return cls(record, bad.reason, bad.detail, bad.remedy)

    @classmethod
    def by_handler(cls, record: Record, error: Exception) -> "Rejected":
        """A dead letter for what its handler cannot take."""
        return cls(
            record,
            "handler-refused",
            f"{type(error).__name__}: {error}",
            "Correct the data and send the product again, or replay this dead letter after a fix.",
        )


@dataclass(frozen=True, slots=True)
class Parked:
    """This record needs something not yet there, named by `waits_for` (`catalogue:m/c`)."""

    record: Record
    waits_for: str


NotApplied = Rejected | Parked

Handle = Callable[[Connection, Sequence[Delivery[Any]]], Awaitable[Sequence[NotApplied]]]
"""Applies a batch of one topic inside the caller's transaction, in sets; the records it cannot
take are returned, the rest has taken effect. May raise: then nothing has."""


Prepare = Callable[[Any], Any]
"""What can be worked out from an event alone, before its batch's turn in the database. Pure."""


Verify = Callable[[Sequence[Record]], Awaitable[Sequence[Rejected]]]
"""Which of these records are not of whom they claim to be, before anything in them is believed.
Raises `Outage` while that cannot be found out."""


@dataclass(frozen=True)
class Subscription:
    """A topic, by its event, and what handles its batches."""

    event: type[Event]
    handle: Handle
    prepare: Prepare | None = None
    verify: Verify | None = None
