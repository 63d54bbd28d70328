"""RFC 9457 problem details: every error names what, where, why and the next step."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from common.errors import Outage, Refusal
from common.postgres.pool import OUTAGE_ERRORS

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
TYPE_BASE = "urn:aliexpress-channel:problem:"


_TOO_LARGE = HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
MOST_FIELDS = 100
"""Fields that one answer names; who sent a million wrong ones corrects these first."""
MOST_SHOWN = 200
"""Characters of a field's name."""


class FieldProblem(BaseModel):
    """What is wrong with one field of the request."""

    field: str
    message: str


class Problem(BaseModel):
    """An RFC 9457 problem; `remedy` is the next step in plain words."""

    type: str
    title: str
    status: int
    remedy: str
    detail: str | None = None
    field: str | None = None
    rule: str | None = None
    errors: list[FieldProblem] | None = None


PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": Problem, "content": {MEDIA_TYPE: {}}, "description": "A problem to correct"},
    "5XX": {"model": Problem, "content": {MEDIA_TYPE: {}}, "description": "Try again later"},
}
"""For every router, so that OpenAPI tells of them."""


def answer(problem: Problem, headers: dict[str, str] | None = None) -> JSONResponse:
    """The problem as a response."""
    return JSONResponse(
        problem.model_dump(exclude_none=True),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers=headers,
    )


def answer_refusal(refusal: Refusal) -> JSONResponse:
    """The refusal as a response."""
    return answer(
        Problem(
            type=TYPE_BASE + refusal.slug,
            title=refusal.title,
            status=refusal.status,
            remedy=refusal.remedy,
            field=refusal.field,
            rule=refusal.rule,
        ),
        None if refusal.retry_after is None else _retry(refusal.retry_after),
    )


class ProblemApp(FastAPI):
    """An app whose every failure is a problem, that of a body declared longer than its route takes
    too: the framework answers that one outside of all handlers, in plain text."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.add_exception_handler(Refusal, _on_refusal)
        self.add_exception_handler(RequestValidationError, _on_invalid)
        self.add_exception_handler(HTTPException, _on_http)
        self.add_exception_handler(Exception, _on_bug)
        for outage in (Outage, *OUTAGE_ERRORS):
            self.add_exception_handler(outage, _on_outage)  # type: ignore[arg-type]  # Exceptions

    def build_middleware_stack(self) -> ASGIApp:
        """The framework's, and around it what speaks for it."""
        inner = super().build_middleware_stack()

        async def outer(scope: Scope, receive: Receive, send: Send) -> None:
            is_replaced = False

            async def send_problem(message: Message) -> None:
                nonlocal is_replaced
                if _is_plain_too_large(message):
                    is_replaced = True
                    await answer(_http_problem(_TOO_LARGE))(scope, receive, send)
                elif not is_replaced:
                    await send(message)

            await inner(scope, receive, send_problem)

        return outer


def _is_plain_too_large(message: Message) -> bool:
    return (
        message["type"] == "http.response.start"
        and message["status"] == _TOO_LARGE.status_code
        and not Headers(raw=message["headers"]).get("content-type", "").startswith(MEDIA_TYPE)
    )


async def _on_refusal(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refusal)  # noqa: S101 - registered for this class
    return answer_refusal(error)


async def _on_invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class
    named: dict[str, FieldProblem] = {}  # of a union's members each says why it does not fit
    for item in error.errors():
        field = _field_of(item, error.body)[:MOST_SHOWN]
        named.setdefault(field, FieldProblem(field=field, message=in_words(item)))
        if len(named) == MOST_FIELDS:
            break
    fields = list(named.values())
    malformed = any(item["type"] == "json_invalid" for item in error.errors())
    return answer(
        Problem(
            type=TYPE_BASE + ("malformed" if malformed else "invalid-request"),
            title="The request is not of the documented form",
            status=400 if malformed else 422,
            remedy="Correct the named fields; the form is in the service's OpenAPI document.",
            field=fields[0].field if fields else None,
            errors=fields,
        )
    )


def in_words(error: Mapping[str, Any]) -> str:
    """What pydantic says of a value, in words that a merchant reads."""
    if error["type"] == "missing":
        return "it is required, and missing"
    if error["type"] == "string_pattern_mismatch":
        return f"it should match the pattern {error['ctx']['pattern']}"
    return str(error["msg"]).removeprefix("Value error, ")


def _field_of(item: Mapping[str, Any], body: object) -> str:
    """The field as its sender wrote it: pydantic puts the names of a union's members in between."""
    place, *parts = item["loc"]
    if place != "body":
        return ".".join(map(str, parts or [place]))
    names = place_in(body, parts, is_missing=item["type"] == "missing")
    return ".".join(map(str, names)) or str(place)


def place_in(
    body: object, parts: Sequence[str | int], *, is_missing: bool
) -> tuple[str | int, ...]:
    """The path in `body` that pydantic's location `parts` means, without the names of a union's
    members; the last part is no key of the body's where it `is_missing`."""
    path: list[str | int] = []
    here = body
    for number, part in enumerate(parts, 1):
        if _has(here, part):
            here = here[part]  # type: ignore[index]  # `_has` looked
            path.append(part)
        elif is_missing and number == len(parts):
            path.append(part)
    return tuple(path)


def _has(value: object, part: object) -> bool:
    if isinstance(value, list):
        return isinstance(part, int) and 0 <= part < len(value)
    return isinstance(value, Mapping) and part in value


async def _on_http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    return answer(_http_problem(error), dict(error.headers or {}))


def _http_problem(error: HTTPException) -> Problem:
    remedy = "Compare the path and method with the service's OpenAPI document."
    if error.status_code == _TOO_LARGE.status_code:
        remedy = "Send less at once."
    return Problem(
        type="about:blank", title=str(error.detail), status=error.status_code, remedy=remedy
    )


def answer_outage(error: Exception) -> JSONResponse:
    """What is not now, as a response: of an `Outage` its text and when to come again."""
    retry = error.retry_after if isinstance(error, Outage) else None
    headers = _retry(retry or timedelta(seconds=5))
    title = str(error) if isinstance(error, Outage) else "Something this needs does not answer now"
    return answer(
        Problem(
            type=TYPE_BASE + "outage",
            title=title,
            status=503,
            remedy=f"Repeat the request after {headers['Retry-After']} seconds.",
        ),
        headers,
    )


def _retry(after: timedelta) -> dict[str, str]:
    return {"Retry-After": str(max(1, int(after.total_seconds())))}


async def _on_outage(_request: Request, error: Exception) -> JSONResponse:
    log.warning("request.outage", reason=repr(error))
    return answer_outage(error)


async def _on_bug(_request: Request, error: Exception) -> JSONResponse:
    log.error("request.failed", exc_info=error)
    return answer(
        Problem(
            type=TYPE_BASE + "internal",
            title="The service failed on this request",
            status=500,
            remedy="Repeat it once; if it fails again, tell the operator the time and the path.",
        )
    )
