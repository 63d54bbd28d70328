"""CloudEvents 1.0 in the Kafka binary binding: headers say what the record is, the value is data.

Encoding refuses what Kafka would refuse later; decoding names the reason and the remedy for a
record that cannot be taken, so that its producer can correct it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from os import urandom
from typing import Generic, TypeVar

import msgspec

from common import clock
from common.contracts.event import Event
from common.contracts.topics import MAX_RECORD_BYTES

Headers = list[tuple[str, bytes]]
E = TypeVar("E", bound=Event)

_encoder = msgspec.json.Encoder()


class BadRecord(Exception):
    """A record that cannot be taken: `reason` is a stable slug, `detail` says what and where,
    `remedy` what its producer should do."""

    def __init__(self, reason: str, detail: str, remedy: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.remedy = remedy


class RecordTooLarge(Exception):
    """The event's data is larger than a record may be; refused when written."""

    def __init__(self, event: Event, size_bytes: int) -> None:
        super().__init__(
            f"{event.type_name()} {event.key()} has {size_bytes} bytes;"
            f" a record may have {MAX_RECORD_BYTES}"
        )
        self.size_bytes = size_bytes


class Envelope(msgspec.Struct, Generic[E], frozen=True, gc=False):
    """A decoded event with its record's headers, read when asked: few are, on the hot path."""

    data: E
    headers: Mapping[str, bytes]

    @property
    def id(self) -> str:
        """The event's CloudEvents id; empty when its producer gave none."""
        return _text(self.headers.get("ce_id")) or ""

    @property
    def source(self) -> str:
        """The system that published it; empty when it did not say."""
        return _text(self.headers.get("ce_source")) or ""

    @property
    def time(self) -> datetime | None:
        """When it happened, by its producer; None when not stated, or without a zone."""
        return _time(_text(self.headers.get("ce_time")))

    @property
    def traceparent(self) -> str | None:
        """The W3C trace it belongs to."""
        raw = self.headers.get("traceparent")
        return None if raw is None else _text(raw)


@dataclass(frozen=True)
class EncodedEvent:
    """An event ready for a record."""

    topic: str
    key: bytes
    value: bytes
    headers: Headers


def encode(event: Event, *, source: str, traceparent: str | None = None) -> EncodedEvent:
    """The record of this event. Raises `RecordTooLarge`."""
    value = _encoder.encode(event)
    if len(value) > MAX_RECORD_BYTES:
        raise RecordTooLarge(event, len(value))
    key = event.key().encode()
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", urandom(16).hex().encode()),
        ("ce_type", _type_header(type(event))),
        ("ce_source", source.encode()),
        ("ce_time", clock.now().isoformat().encode()),
        ("ce_subject", key),
        ("content-type", b"application/json"),
    ]
    if traceparent:
        headers.append(("traceparent", traceparent.encode()))
    return EncodedEvent(event.topic, key, value, headers)


def caused_by(record: EncodedEvent, traceparent: str | None) -> EncodedEvent:
    """The record with the trace that caused it, of one that was encoded without."""
    if traceparent is None:
        return record
    return replace(record, headers=[*record.headers, ("traceparent", traceparent.encode())])


@cache
def _decoder(event: type[E]) -> msgspec.json.Decoder[E]:
    return msgspec.json.Decoder(event)


_NUL_ESCAPE = re.compile(rb"\\u0000")


def raw_header(headers: Sequence[tuple[str, bytes]], name: str) -> bytes | None:
    """The first header of this name, or None."""
    for key, value in headers:
        if key == name:
            return value
    return None


def _text(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None


def decode(
    event: type[E], key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]]
) -> Envelope[E]:
    """The event in a record of its topic. Raises `BadRecord`."""
    named = dict(headers)
    _check_type(event, named.get("ce_type"))
    data = _decode_data(event, value)
    _check_key(data, key)
    return Envelope(data, named)


@cache
def _type_header(event: type[Event]) -> bytes:
    return event.type_name().encode()


def _check_type(event: type[Event], type_name: bytes | None) -> None:
    if type_name == _type_header(event):
        return
    expected = event.type_name()
    if type_name is None:
        raise BadRecord(
            "missing-type", "no ce_type header", f"Send the header ce_type: {expected}."
        )
    raise BadRecord(
        "unknown-type",
        f"ce_type is {type_name.decode(errors='replace')!r}, this topic carries {expected!r}",
        f"Send ce_type {expected} with data of that version.",
    )


def _decode_data(event: type[E], value: bytes | None) -> E:
    if value is None:
        raise BadRecord(
            "no-value",
            "the record has no value",
            "Send a delete as an event; a null record says nothing.",
        )
    if len(value) > MAX_RECORD_BYTES:
        raise BadRecord(
            "too-large",
            f"{len(value)} bytes, at most {MAX_RECORD_BYTES} are taken",
            "Shorten the product's fields.",
        )
    if b"\\u0000" in value and _NUL_ESCAPE.search(value.replace(rb"\\", b"")):
        raise BadRecord(
            "nul-character",
            "a text holds the character NUL",
            "Remove the character from the source data.",
        )
    try:
        data: E = _decoder(event).decode(value)
        data.check()
    except msgspec.ValidationError as error:
        raise BadRecord(
            "wrong-shape", str(error), "Compare the data with the event's JSON Schema."
        ) from None
    except msgspec.DecodeError as error:
        raise BadRecord("not-json", str(error), "Send the data as JSON in UTF-8.") from None
    except RecursionError:
        raise BadRecord(
            "too-deep", "the data is nested too deeply", "Send fields as a flat object."
        ) from None
    return data


def _check_key(data: Event, key: bytes | None) -> None:
    expected = data.key()
    if key != expected.encode():
        shown = None if key is None else key.decode(errors="replace")[:200]
        raise BadRecord(
            "foreign-key",
            f"the record's key is {shown!r}, its data says {expected!r}",
            "Derive the key from the data: one key is one order of events.",
        )


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else None


def claimed_source(source: bytes | None) -> str:
    """The CloudEvents source in a storable form; empty when none was named, or not in UTF-8."""
    return (_text(source) or "").replace("\x00", "")[:200]


def claimed_merchant(key: bytes | None) -> str:
    """Which merchant a record that cannot be decoded claims, by its key; empty when it does not."""
    if not key:
        return ""
    return key.split(b"/", 1)[0].decode(errors="replace").replace("\x00", "")[:64]


def headers_to_json(headers: Sequence[tuple[str, bytes]]) -> bytes:
    """Headers in a storable form, lossless: values as latin-1 text."""
    return _encoder.encode([[name, value.decode("latin-1")] for name, value in headers])


def headers_from_json(stored: bytes | str) -> Headers:
    """The reverse of `headers_to_json`."""
    pairs = msgspec.json.decode(stored, type=list[tuple[str, str]])
    return [(name, value.encode("latin-1")) for name, value in pairs]


def header_map(headers: Sequence[tuple[str, bytes]]) -> Mapping[str, str]:
    """Headers as text, for people."""
    return {name: value.decode(errors="replace") for name, value in headers}
