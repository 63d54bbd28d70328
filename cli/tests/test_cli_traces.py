"""`channel trace` reads Tempo's, the local store's and Jaeger's forms alike."""

import base64
from typing import Any

import msgspec
import pytest

from channel_cli.traces import Span, spans_of, tree_of

TRACE, ROOT, CHILD, LINKED = "a" * 32, "1" * 16, "2" * 16, "c" * 32


def based(identifier: str) -> str:
    """As protobuf's JSON writes bytes."""
    return base64.b64encode(bytes.fromhex(identifier)).decode()


def otlp(*, is_hex: bool) -> list[dict[str, Any]]:
    write = str if is_hex else based
    return [
        {
            "resource": {
                "attributes": [{"key": "service.name", "value": {"stringValue": "feed-publisher"}}]
            },
            "scopeSpans": [
                {
                    "scope": {"name": "channel"},
                    "spans": [
                        {
                            "traceId": write(TRACE),
                            "spanId": write(CHILD),
                            "parentSpanId": write(ROOT),
                            "name": "publish create",
                            "kind": 1 if is_hex else "SPAN_KIND_INTERNAL",
                            "startTimeUnixNano": "5000",
                            "endTimeUnixNano": "9000",
                            "attributes": [
                                {"key": "channel.items", "value": {"intValue": "3"}},
                                {"key": "channel.outcome", "value": {"stringValue": "answered"}},
                            ],
                            "links": [{"traceId": write(LINKED), "spanId": write(ROOT)}],
                            "status": {"code": 2 if is_hex else "STATUS_CODE_ERROR"},
                        }
                    ],
                }
            ],
        }
    ]


JAEGER = {
    "data": [
        {
            "traceID": TRACE,
            "spans": [
                {
                    "traceID": TRACE,
                    "spanID": CHILD,
                    "operationName": "publish create",
                    "references": [
                        {"refType": "CHILD_OF", "traceID": TRACE, "spanID": ROOT},
                        {"refType": "FOLLOWS_FROM", "traceID": LINKED, "spanID": ROOT},
                    ],
                    "startTime": 5,
                    "duration": 4,
                    "tags": [
                        {"key": "channel.items", "type": "int64", "value": 3},
                        {"key": "channel.outcome", "type": "string", "value": "answered"},
                        {"key": "error", "type": "bool", "value": True},
                    ],
                    "processID": "p1",
                }
            ],
            "processes": {"p1": {"serviceName": "feed-publisher", "tags": []}},
        }
    ]
}


@pytest.mark.parametrize(
    "answer",
    [
        {"trace": {"resourceSpans": otlp(is_hex=True)}},
        {"trace": {"resourceSpans": otlp(is_hex=False)}},
        {"trace": {"batches": otlp(is_hex=False)}},
        {"batches": otlp(is_hex=False)},
        JAEGER,
    ],
    ids=["local store", "tempo", "tempo batches", "tempo version 1", "jaeger"],
)
def test_every_store_says_the_same(answer: Any) -> None:
    [span] = spans_of(msgspec.json.encode(answer))
    span.attributes.pop("error", None)
    assert span == Span(
        trace_id=TRACE,
        span_id=CHILD,
        parent_id=ROOT,
        service="feed-publisher",
        name="publish create",
        started_at=5000,
        ended_at=9000,
        is_error=True,
        attributes={"channel.items": 3, "channel.outcome": "answered"},
        linked_traces=[LINKED],
    )


def spanned(span_id: str, parent_id: str, started_at: int) -> Span:
    return Span(
        trace_id=TRACE,
        span_id=span_id,
        parent_id=parent_id,
        service="s",
        name=span_id,
        started_at=started_at,
        ended_at=started_at,
    )


def test_spans_stand_below_their_parents_by_time_and_orphans_at_the_top() -> None:
    spans = [
        spanned("late child", "root", 9),
        spanned("orphan", "elsewhere", 4),
        spanned("grandchild", "child", 3),
        spanned("root", "", 1),
        spanned("child", "root", 2),
    ]
    placed = [(one.span.span_id, one.depth) for one in tree_of(spans)]
    assert placed == [
        ("root", 0),
        ("child", 1),
        ("grandchild", 2),
        ("late child", 1),
        ("orphan", 0),
    ]
