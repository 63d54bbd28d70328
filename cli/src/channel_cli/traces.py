"""A trace as its store has it: Tempo's and the local stack's OTLP JSON, or Jaeger's own form."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

import httpx2
import msgspec

from channel_cli.session import Problem, ProblemDetails, Session, Unreachable
from stack.system import TRACES

MESSAGE_ID = "messaging.message.id"
_HEX_LENGTHS = (16, 32)
_ERROR = 2

Value = str | int | float | bool


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A span of a trace; times in nanoseconds since 1970."""

    trace_id: str
    span_id: str
    parent_id: str
    service: str
    name: str
    started_at: int
    ended_at: int
    is_error: bool = False
    attributes: dict[str, Value] = msgspec.field(default_factory=dict)
    linked_traces: list[str] = msgspec.field(default_factory=list)


@dataclass(frozen=True)
class Placed:
    """A span in its trace's tree, and how deep."""

    span: Span
    depth: int


class TraceStore:
    """Asks the store of traces, without the services' bearer."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def trace(self, trace_id: str) -> list[Span]:
        """Its spans; none where the store has none. Raises `Unreachable` and `Problem`."""
        answer = await self._get(f"/api/v2/traces/{trace_id}")
        if answer is None:
            answer = await self._get(f"/api/traces/{trace_id}")
        return [] if answer is None else spans_of(answer)

    async def traces_of_event(self, event_id: str) -> list[str]:
        """The traces that the event was processed in. Raises as `trace`."""
        answer = await self._get("/api/search?tags=" + quote(f"{MESSAGE_ID}={event_id}"))
        if answer is None:
            return []
        return [found.trace_id for found in msgspec.json.decode(answer, type=_Search).traces]

    async def _get(self, path: str) -> bytes | None:
        base = self._session.url(TRACES).rstrip("/")
        try:
            answer = await self._session.http.get(
                base + path, headers={"Accept": "application/json"}
            )
        except httpx2.HTTPError as error:
            raise Unreachable(TRACES, base, type(error).__name__) from None
        if answer.status_code == 404:
            return None
        if answer.is_error:
            raise Problem(
                ProblemDetails(
                    title=f"the store of traces answered HTTP {answer.status_code}",
                    status=answer.status_code,
                    remedy="Check CHANNEL_TRACES_URL: it is the base address of Tempo, or of"
                    " Jaeger's query service.",
                )
            )
        return answer.content


def tree_of(spans: Sequence[Span]) -> list[Placed]:
    """The spans, each below its parent, by the time they began. One whose parent is not there
    stands at the top."""
    known = {span.span_id for span in spans}
    children: dict[str, list[Span]] = {}
    for span in sorted(spans, key=lambda span: (span.started_at, span.span_id)):
        parent = span.parent_id if span.parent_id in known else ""
        children.setdefault(parent, []).append(span)
    placed: list[Placed] = []
    waiting = [Placed(span, 0) for span in reversed(children.get("", []))]
    while waiting:
        here = waiting.pop()
        placed.append(here)
        below = children.get(here.span.span_id, [])
        waiting += [Placed(span, here.depth + 1) for span in reversed(below)]
    return placed


# ---- the stores' forms


class _Value(msgspec.Struct, rename="camel"):
    string_value: str | None = None
    int_value: str | int | None = None
    double_value: float | None = None
    bool_value: bool | None = None

    def plain(self) -> Value:
        if self.int_value is not None:
            return int(self.int_value)
        if self.double_value is not None:
            return self.double_value
        return self.bool_value if self.bool_value is not None else self.string_value or ""


class _Attribute(msgspec.Struct):
    key: str
    value: _Value = msgspec.field(default_factory=_Value)


class _Link(msgspec.Struct, rename="camel"):
    trace_id: str = ""


class _Status(msgspec.Struct):
    code: int | str = 0


class _OtlpSpan(msgspec.Struct, rename="camel"):
    trace_id: str
    span_id: str
    name: str
    start_time_unix_nano: str | int
    end_time_unix_nano: str | int
    parent_span_id: str = ""
    attributes: list[_Attribute] = msgspec.field(default_factory=list)
    links: list[_Link] = msgspec.field(default_factory=list)
    status: _Status = msgspec.field(default_factory=_Status)


class _Scope(msgspec.Struct):
    spans: list[_OtlpSpan] = msgspec.field(default_factory=list)


class _Resource(msgspec.Struct):
    attributes: list[_Attribute] = msgspec.field(default_factory=list)


class _ResourceSpans(msgspec.Struct, rename="camel"):
    resource: _Resource = msgspec.field(default_factory=_Resource)
    scope_spans: list[_Scope] = msgspec.field(default_factory=list)


class _Otlp(msgspec.Struct, rename="camel"):
    resource_spans: list[_ResourceSpans] = msgspec.field(default_factory=list)
    batches: list[_ResourceSpans] = msgspec.field(default_factory=list)
    """Tempo's name for the same, in its first version."""


class _Reference(
    msgspec.Struct, rename={"kind": "refType", "trace_id": "traceID", "span_id": "spanID"}
):
    kind: str
    trace_id: str
    span_id: str


class _Tag(msgspec.Struct):
    key: str
    value: Value


_JAEGER_NAMES = {
    "trace_id": "traceID",
    "span_id": "spanID",
    "name": "operationName",
    "started_at": "startTime",
    "process_id": "processID",
}


class _JaegerSpan(msgspec.Struct, rename=_JAEGER_NAMES):
    """Times in microseconds."""

    trace_id: str
    span_id: str
    name: str
    started_at: int
    duration: int
    process_id: str
    references: list[_Reference] = msgspec.field(default_factory=list)
    tags: list[_Tag] = msgspec.field(default_factory=list)


class _Process(msgspec.Struct, rename="camel"):
    service_name: str


class _JaegerTrace(msgspec.Struct):
    spans: list[_JaegerSpan]
    processes: dict[str, _Process]


class _Answer(msgspec.Struct):
    trace: _Otlp | None = None
    batches: list[_ResourceSpans] = msgspec.field(default_factory=list)
    data: list[_JaegerTrace] = msgspec.field(default_factory=list)


class _Found(msgspec.Struct, rename={"trace_id": "traceID"}):
    trace_id: str


class _Search(msgspec.Struct):
    traces: list[_Found] = msgspec.field(default_factory=list)


def spans_of(answer: bytes) -> list[Span]:
    """The spans of a store's answer."""
    found = msgspec.json.decode(answer, type=_Answer)
    received = [*found.batches]
    if found.trace is not None:
        received += [*found.trace.resource_spans, *found.trace.batches]
    spans = [
        _of_otlp(span, _service_of(resource.resource))
        for resource in received
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    spans += [_of_jaeger(span, one.processes) for one in found.data for span in one.spans]
    return list({span.span_id: span for span in spans}.values())


def _service_of(resource: _Resource) -> str:
    names = (str(a.value.plain()) for a in resource.attributes if a.key == "service.name")
    return next(names, "")


def _of_otlp(span: _OtlpSpan, service: str) -> Span:
    return Span(
        trace_id=_hex(span.trace_id),
        span_id=_hex(span.span_id),
        parent_id=_hex(span.parent_span_id),
        service=service,
        name=span.name,
        started_at=int(span.start_time_unix_nano),
        ended_at=int(span.end_time_unix_nano),
        is_error=span.status.code in (_ERROR, "STATUS_CODE_ERROR"),
        attributes={one.key: one.value.plain() for one in span.attributes},
        linked_traces=list(dict.fromkeys(_hex(link.trace_id) for link in span.links)),
    )


def _of_jaeger(span: _JaegerSpan, processes: Mapping[str, _Process]) -> Span:
    parents = [r.span_id for r in span.references if r.kind == "CHILD_OF"]
    attributes = {tag.key: tag.value for tag in span.tags}
    linked = (r.trace_id for r in span.references if r.trace_id != span.trace_id)
    return Span(
        trace_id=span.trace_id.zfill(32),
        span_id=span.span_id.zfill(16),
        parent_id=parents[0].zfill(16) if parents else "",
        service=processes[span.process_id].service_name,
        name=span.name,
        started_at=span.started_at * 1_000,
        ended_at=(span.started_at + span.duration) * 1_000,
        is_error=attributes.get("error") is True,
        attributes=attributes,
        linked_traces=list(dict.fromkeys(linked)),
    )


def _hex(identifier: str) -> str:
    """An id in hexadecimal: OTLP's JSON has it so, and protobuf's, as Tempo sends it, in base64."""
    if not identifier or len(identifier) in _HEX_LENGTHS:
        return identifier
    return base64.b64decode(identifier).hex()
