"""OTLP's JSON form of spans. Pure."""

from collections.abc import Iterable

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

Json = dict[str, object]


def resource_spans(received: ResourceSpans) -> Json:
    """As the specification of OTLP has it: ids in hexadecimal, 64-bit integers as text."""
    return {
        "resource": {"attributes": _attributes(received.resource.attributes)},
        "scopeSpans": [
            {"scope": {"name": scope.scope.name}, "spans": [_span(span) for span in scope.spans]}
            for scope in received.scope_spans
        ],
    }


def _span(span: Span) -> Json:
    return {
        "traceId": span.trace_id.hex(),
        "spanId": span.span_id.hex(),
        "parentSpanId": span.parent_span_id.hex(),
        "name": span.name,
        "kind": span.kind,
        "startTimeUnixNano": str(span.start_time_unix_nano),
        "endTimeUnixNano": str(span.end_time_unix_nano),
        "attributes": _attributes(span.attributes),
        "links": [
            {"traceId": link.trace_id.hex(), "spanId": link.span_id.hex()} for link in span.links
        ],
        "status": {"code": span.status.code},
    }


def _attributes(attributes: Iterable[KeyValue]) -> list[Json]:
    return [{"key": one.key, "value": _value(one.value)} for one in attributes]


def _value(value: AnyValue) -> Json:
    match value.WhichOneof("value"):
        case "bool_value":
            return {"boolValue": value.bool_value}
        case "int_value":
            return {"intValue": str(value.int_value)}
        case "double_value":
            return {"doubleValue": value.double_value}
        case "array_value":
            return {"arrayValue": {"values": [_value(one) for one in value.array_value.values]}}
        case _:
            return {"stringValue": value.string_value}
