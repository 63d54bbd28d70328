"""The store's HTTP: OTLP in, Tempo's two questions out."""

import zlib
from http import HTTPStatus

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from stack.traces.otlp_json import resource_spans
from stack.traces.store import MESSAGE_ID, SpanStore

MOST_BYTES = 32 * 1024 * 1024
"""Of one export, as sent and as unpacked: exporters send 512 spans at once."""
_PROTOBUF = "application/x-protobuf"


def create_app(store: SpanStore) -> Starlette:
    """The application over this store."""

    async def take(request: Request) -> Response:
        try:
            received = _export_of(await _body(request))
        except (ValueError, zlib.error) as error:
            return _refused(f"this is no export of traces in protobuf ({error})")
        store.add(received.resource_spans)
        answer = ExportTraceServiceResponse().SerializeToString()
        return Response(answer, media_type=_PROTOBUF)

    async def show(request: Request) -> Response:
        try:
            trace_id = bytes.fromhex(request.path_params["trace_id"].zfill(32))
        except ValueError:
            return _refused("a trace's id has 32 hexadecimal digits")
        found = [resource_spans(one) for one in store.trace(trace_id)]
        if not found:
            return JSONResponse({"detail": "no span of this trace is kept"}, HTTPStatus.NOT_FOUND)
        return JSONResponse({"trace": {"resourceSpans": found}})

    async def search(request: Request) -> Response:
        name, _, value = request.query_params.get("tags", "").partition("=")
        if name != MESSAGE_ID:
            return _refused(f"only {MESSAGE_ID}=... is looked for here")
        traces = store.traces_of_message(value.strip('"'))
        return JSONResponse({"traces": [{"traceID": trace_id.hex()} for trace_id in traces]})

    async def ready(_request: Request) -> Response:
        return JSONResponse({"status": "ready"})

    return Starlette(
        routes=[
            Route("/v1/traces", take, methods=["POST"]),
            Route("/api/v2/traces/{trace_id}", show),
            Route("/api/search", search),
            Route("/health/ready", ready),
        ]
    )


async def _body(request: Request) -> bytes:
    """The request's body, unpacked. Raises `ValueError` for too large a one, and gzip's errors."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_BYTES:
            raise ValueError("too large")
    if request.headers.get("content-encoding") != "gzip":
        return bytes(body)
    unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    unpacked = unpacking.decompress(bytes(body), MOST_BYTES)
    if unpacking.unconsumed_tail:
        raise ValueError("too large")
    return unpacked


def _export_of(body: bytes) -> ExportTraceServiceRequest:
    """What was exported. Raises `ValueError`."""
    try:
        export: ExportTraceServiceRequest = ExportTraceServiceRequest.FromString(body)
    except Exception as error:  # protobuf's own, which only it names
        raise ValueError(str(error)) from error
    return export


def _refused(why: str) -> Response:
    return JSONResponse({"detail": why}, HTTPStatus.BAD_REQUEST)
