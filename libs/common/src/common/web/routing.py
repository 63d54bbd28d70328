"""Routers of a service: their routes are made when an app includes them, and only then."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from fastapi import APIRouter, params
from fastapi.datastructures import Default
from fastapi.routing import APIRoute

from common.web.problem import PROBLEM_RESPONSES

_BY_ANNOTATION = Default(None)


class IncludedRoute(APIRoute):
    """A route of a router that is included, never served by itself.

    FastAPI makes all of such a route twice: when it is declared, and again by what the including
    app adds. The first is not used, and took a twentieth of a service's start, and a fifth of what
    a test that makes an app takes: it is left out here.
    """

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        name: str | None = None,
        description: str | None = None,
        response_model: Any = _BY_ANNOTATION,
        responses: dict[int | str, dict[str, Any]] | None = None,
        dependencies: Sequence[params.Depends] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(
            path,
            _made_when_included,
            name=name or endpoint.__name__,
            description=description or inspect.cleandoc(endpoint.__doc__ or ""),
            response_model=None,
            **options,
        )
        self.endpoint = endpoint
        self.response_model = response_model
        self.responses = responses or {}
        self.dependencies = list(dependencies or [])


def new_router(*, route_class: type[APIRoute] = IncludedRoute, **options: Any) -> APIRouter:
    """A router whose OpenAPI tells of problems; `options` are those of `APIRouter`."""
    return APIRouter(responses=PROBLEM_RESPONSES, route_class=route_class, **options)


async def _made_when_included() -> None:
    """What an included route's endpoint stands in for."""
    raise NotImplementedError
