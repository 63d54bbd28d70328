"""Traces that tell one story each: a child where there is one cause, links where there are many.

What a batch, a run or a transaction does for one row continues the trace of that row's cause, the
W3C `traceparent` stored with it. So a row carries its trace through tables, outboxes and Kafka, and
whoever works on it adds a span (`Step`) there, linked to the span of the batch it was done in. A
row whose trace is not sampled costs a look at a text, nothing more.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from hashlib import blake2b

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
)
from opentelemetry.util.types import Attributes, AttributeValue

MAX_LINKS = 128
"""Span links kept on one span; a batch's other traces link to it themselves."""
FIRST_TRACES = 300
"""Traces that may begin at once, before their number a second counts."""

Attribute = AttributeValue
_TRACEPARENT_LENGTH = 55
_SAMPLED_DIGITS = frozenset("13579bdf")

_tracer = trace.get_tracer("channel")
_given_ids: ContextVar[SpanContext | None] = ContextVar("given_ids", default=None)


class Budget:
    """How many traces may begin of themselves: `per_second`, after a first `at_once`."""

    def __init__(self, per_second: float, at_once: int = FIRST_TRACES) -> None:
        self._per_second = per_second
        self._at_once = at_once if per_second > 0 else 0
        self._left = float(self._at_once)
        self._counted_at = time.monotonic()

    def take(self) -> bool:
        """Whether one more may begin now."""
        now = time.monotonic()
        earned = (now - self._counted_at) * self._per_second
        self._left = min(self._left + earned, self._at_once)
        self._counted_at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class _Export:
    """Whether spans of single rows are made, and how many traces may begin."""

    is_on = False
    budget = Budget(0)


def export_rows(*, is_on: bool, traces_per_second: float) -> None:
    """Make spans of single rows, while somebody receives them, or do not."""
    _Export.is_on = is_on
    _Export.budget = Budget(traces_per_second)


def exports_rows() -> bool:
    """Whether spans of single rows are made."""
    return _Export.is_on


def new_provider(provider: TracerProvider) -> TracerProvider:
    """The provider with our sampling (on top of `OTEL_TRACES_SAMPLER`) and our ids."""
    provider.sampler = _NoClientAlone(provider.sampler)
    provider.id_generator = _Ids()
    return provider


class _NoClientAlone(Sampler):
    """Drops calls that nothing traced has asked for, as polls of a clock: roots tell stories."""

    def __init__(self, inner: Sampler) -> None:
        self._inner = inner

    def should_sample(  # noqa: PLR0917 - the SDK's signature
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        parent = trace.get_current_span(parent_context).get_span_context()
        if kind is SpanKind.CLIENT and not parent.is_valid:
            return SamplingResult(Decision.DROP)
        return self._inner.should_sample(
            parent_context, trace_id, name, kind, attributes, links, trace_state
        )

    def get_description(self) -> str:
        return f"NoClientAlone{{{self._inner.get_description()}}}"


class _Ids(RandomIdGenerator):
    """Random ids, but for a root whose ids follow from what its trace is about."""

    def generate_trace_id(self) -> int:
        given = _given_ids.get()
        return given.trace_id if given else super().generate_trace_id()

    def generate_span_id(self) -> int:
        given = _given_ids.get()
        return given.span_id if given else super().generate_span_id()


# -- traceparents ------------------------------------------------------------------------------


def current_traceparent() -> str | None:
    """The W3C header of the span now active, or None."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get("traceparent")


def traceparent_of(span: Span) -> str:
    """The W3C header of this span."""
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def span_context(traceparent: str | None) -> SpanContext | None:
    """The remote span a traceparent names, or None when it names none."""
    if not traceparent:
        return None
    context = propagate.extract({"traceparent": traceparent})
    found = trace.get_current_span(context).get_span_context()
    return found if found.is_valid else None


def trace_id_of(traceparent: str | None) -> str | None:
    """The id of the trace a traceparent belongs to, as 32 hexadecimal digits, or None."""
    found = span_context(traceparent)
    return None if found is None else trace.format_trace_id(found.trace_id)


def is_sampled(traceparent: str | None) -> bool:
    """Whether spans of that trace are kept."""
    return (
        traceparent is not None
        and len(traceparent) == _TRACEPARENT_LENGTH
        and traceparent[-1] in _SAMPLED_DIGITS
    )


def links_to(traceparents: Iterable[str | None]) -> list[Link]:
    """Span links to the distinct traces named, at most `MAX_LINKS`."""
    links = []
    for traceparent in dict.fromkeys(traceparents):
        found = span_context(traceparent)
        if found is not None:
            links.append(Link(found))
            if len(links) == MAX_LINKS:
                break
    return links


# -- spans -------------------------------------------------------------------------------------


@contextmanager
def span_of(
    name: str,
    causes: Sequence[str | None] = (),
    *,
    parent: str | None = None,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Mapping[str, Attribute] | None = None,
) -> Iterator[Span]:
    """The span of work for these causes: in the trace of a single one, linked to the span now
    active; else in the trace of `parent`, or of the span now active, with links to the causes.

    A failure leaves its kind on the span and never its text, which may hold what was worked on.
    """
    only = span_context(causes[0]) if len(causes) == 1 else None
    before = span_context(parent)
    here = trace.get_current_span().get_span_context()
    if only is not None:
        context: Context | None = _inside(only)
        links = [Link(other) for other in (before, here) if other and _is_other(other, only)]
    else:
        context = _inside(before) if before is not None else None
        links = links_to(causes)
    with _tracer.start_as_current_span(
        name,
        context=context,
        kind=kind,
        attributes=attributes,
        links=links,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except BaseException as error:
            mark_failed(span, error)
            raise


def mark_failed(span: Span, error: BaseException) -> None:
    """Give the span the error's kind."""
    span.set_attribute("error.type", type(error).__qualname__)
    span.set_status(Status(StatusCode.ERROR))


def open_step(
    name: str,
    cause: str | None,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Mapping[str, Attribute] | None = None,
    may_begin: bool = False,
) -> Span | None:
    """A span of what is done for one row, in the trace of its cause, linked to the span now active;
    None where that trace is not sampled. A row without a trace gets one where it `may_begin` and
    the budget allows. The caller ends it."""
    if not _Export.is_on:
        return None
    if cause is None:
        if not (may_begin and _Export.budget.take()):
            return None
        context = Context()
    else:
        parent = span_context(cause) if is_sampled(cause) else None
        if parent is None:
            return None
        context = _inside(parent)
    here = trace.get_current_span().get_span_context()
    before = trace.get_current_span(context).get_span_context()
    links = [Link(here)] if _is_other(here, before) else []
    return _tracer.start_span(name, context=context, kind=kind, attributes=attributes, links=links)


def step(
    name: str,
    cause: str | None,
    *,
    attributes: Mapping[str, Attribute] | None = None,
    may_begin: bool = False,
) -> str | None:
    """As `open_step`, and ended at once: the traceparent of what follows of it."""
    span = open_step(name, cause, attributes=attributes, may_begin=may_begin)
    if span is None:
        return cause
    span.end()
    return traceparent_of(span)


def _inside(parent: SpanContext) -> Context:
    return trace.set_span_in_context(NonRecordingSpan(parent), Context())


def _is_other(context: SpanContext, own: SpanContext) -> bool:
    """Whether it is a span, and of another trace."""
    return context.is_valid and context.trace_id != own.trace_id


# -- traces of things --------------------------------------------------------------------------


def trace_about(kind: str, *key: str) -> str:
    """The traceparent of the root of the trace that a thing has for itself, as an order: the same
    whenever, and by whichever process, it is asked for."""
    digest = blake2b("\n".join((kind, *key)).encode(), digest_size=24).digest()
    return f"00-{digest[:16].hex()}-{digest[16:].hex()}-01"


def begin_trace_about(
    name: str,
    kind: str,
    *key: str,
    lasted: timedelta = timedelta(),
    attributes: Mapping[str, Attribute] | None = None,
) -> str:
    """Make the root of that trace, which ends now, linked to the span now active; its
    traceparent."""
    root = trace_about(kind, *key)
    given = SpanContext(
        int(root[3:35], 16), int(root[36:52], 16), False, TraceFlags(TraceFlags.SAMPLED)
    )
    here = trace.get_current_span().get_span_context()
    token = _given_ids.set(given)
    try:
        span = _tracer.start_span(
            name,
            context=Context(),
            attributes=attributes,
            links=[Link(here)] if _is_other(here, given) else [],
            start_time=time.time_ns() - max(0, int(lasted.total_seconds() * 1e9)),
        )
    finally:
        _given_ids.reset(token)
    span.end()
    return root
