"""Query parameters: those a route does not have are refused; times are of one form."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Annotated, Any
from weakref import WeakKeyDictionary

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel, BeforeValidator

from common.errors import Refusal

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def _read_time(text: object) -> object:
    """What pydantic reads next. Raises `ValueError` in words that name the remedy."""
    if not isinstance(text, str):
        return text
    # in a query a plus sign that is not encoded stands for a blank
    written = text.replace(" ", "+")
    if not _TIME.fullmatch(written):
        raise ValueError("write the time with its zone, as 2026-11-26T12:30:00Z")
    try:
        return datetime.fromisoformat(written).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("there is no such time; write it as 2026-11-26T12:30:00Z") from None


Instant = Annotated[datetime, BeforeValidator(_read_time)]
"""A time of ISO 8601 with its zone, of any query parameter; read as UTC."""


async def _refuse_unknown(request: Request) -> None:
    if not request.query_params:
        return
    known = _known_by(request.scope["route"])
    for name in request.query_params:
        if name not in known:
            raise _unknown(name, known)


known_parameters_only = Depends(_refuse_unknown)
"""A dependency of routers: a parameter that the route does not have is refused with 422, since a
filter that is misspelt would answer more than was asked for."""


_known: WeakKeyDictionary[Callable[..., Any], list[str]] = WeakKeyDictionary()
"""What each endpoint that was asked with parameters takes."""


def _known_by(route: APIRoute) -> list[str]:
    known = _known.get(route.endpoint)
    if known is None:
        dependant = get_dependant(path=route.path_format, call=route.endpoint)
        known = _known[route.endpoint] = sorted(set(_parameters_of(dependant)))
    return known


def _parameters_of(dependant: Dependant) -> Iterator[str]:
    for parameter in dependant.query_params:
        form = parameter.field_info.annotation
        if isinstance(form, type) and issubclass(form, BaseModel):
            yield from (field.alias or name for name, field in form.model_fields.items())
        else:
            yield parameter.alias
    for dependency in dependant.dependencies:
        yield from _parameters_of(dependency)


def _unknown(name: str, known: list[str]) -> Refusal:
    near = get_close_matches(name, known, n=1)
    meant = f"Did you mean {near[0]}? " if near else ""
    there_are = f"Its parameters are {', '.join(known)}." if known else "It has none."
    return Refusal(
        "the route has no such parameter",
        status=422,
        slug="unknown-parameter",
        field=name[:100],
        remedy=meant + there_are,
    )
