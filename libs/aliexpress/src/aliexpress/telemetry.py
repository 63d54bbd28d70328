"""One span, one count and one duration per call; never a token, secret, signature or content."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, StatusCode

from aliexpress.errors import MarketplaceFailure
from common.telemetry.names import MARKETPLACE_CALLS, MARKETPLACE_DURATION
from common.telemetry.setup import counter, histogram

_tracer = trace.get_tracer("aliexpress")
_calls = counter(MARKETPLACE_CALLS)
_duration = histogram(MARKETPLACE_DURATION)


@contextmanager
def observed_call(operation: str, seller_id: str | None) -> Iterator[Span]:
    """Observe the enclosed call; its outcome is `ok` or the failure's kind."""
    started = time.perf_counter()
    outcome = "bug"
    with _tracer.start_as_current_span(
        f"aliexpress {operation}",
        kind=SpanKind.CLIENT,
        record_exception=False,
        set_status_on_exception=False,
        attributes={"channel.operation": operation}
        | ({"channel.seller": seller_id} if seller_id else {}),
    ) as span:
        try:
            yield span
            outcome = "ok"
        except MarketplaceFailure as failure:
            outcome = _outcome_name(failure)
            if failure.request_id is not None:
                note_request_id(span, failure.request_id)
            span.set_status(StatusCode.ERROR, outcome)
            span.set_attribute("error.type", outcome)
            raise
        finally:
            span.set_attribute("channel.outcome", outcome)
            seen = {"operation": operation, "outcome": outcome}
            _calls.add(1, seen)
            _duration.record(time.perf_counter() - started, seen)


def note_request(span: Span, url: str) -> None:
    """What is sent where, as the conventions of HTTP clients have it; not the query."""
    parts = urlsplit(url)
    span.set_attributes(
        {
            "http.request.method": "POST",
            "url.full": parts._replace(query="", fragment="").geturl(),
            "server.address": parts.hostname or "",
            "server.port": parts.port or (80 if parts.scheme == "http" else 443),
        }
    )


def note_status(span: Span, status: int) -> None:
    """The status of the answer."""
    span.set_attribute("http.response.status_code", status)


def note_request_id(span: Span, request_id: str) -> None:
    """AliExpress's own id of the call, which its support asks for."""
    span.set_attribute("channel.request_id", request_id)


def _outcome_name(failure: MarketplaceFailure) -> str:
    """The class name in snake case: `limit_reached`."""
    name = type(failure).__name__
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)[1:]
