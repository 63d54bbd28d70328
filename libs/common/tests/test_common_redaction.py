import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from common.telemetry.redaction import (
    REDACTED,
    RedactingSpanProcessor,
    redact_event,
    redact_text,
    without_query,
)

CANARY = "canary-4711"


@pytest.mark.parametrize(
    "attribute", ["url.query", "url.full", "http.url", "http.target", "url.original"]
)
def test_query_strings_never_reach_a_span(attribute: str) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(RedactingSpanProcessor())
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    query = f"code={CANARY}&sign={CANARY}"
    value = query if attribute == "url.query" else f"https://u:{CANARY}@host:1/callback?{query}"
    with provider.get_tracer("test").start_as_current_span("GET", attributes={attribute: value}):
        pass
    [span] = exporter.get_finished_spans()
    assert CANARY not in str(span.attributes)
    assert REDACTED in str(span.attributes)


@pytest.mark.parametrize(
    "text",
    [
        f"GET /cb?code={CANARY}&state=1",
        f"session={CANARY}",
        f"Authorization: Bearer {CANARY}",
        f"app_secret={CANARY} x",
    ],
)
def test_credentials_never_reach_a_log(text: str) -> None:
    assert CANARY not in redact_text(text)
    assert CANARY not in str(redact_event(None, "info", {"event": text}))


@pytest.mark.parametrize(
    "key", ["access_token", "client_secret", "buyer", "address", "phone", "Authorization", "sign"]
)
def test_secret_keys_lose_their_value(key: str) -> None:
    assert redact_event(None, "info", {"event": "x", key: CANARY})[key] == REDACTED


def test_what_is_no_secret_stays() -> None:
    assert redact_text("nothing to hide, code 7") == "nothing to hide, code 7"
    assert without_query("http://host:80/a/b") == "http://host:80/a/b"
