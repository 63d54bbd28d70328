"""Probes and metrics: `/health/live`, `/health/ready`, `/metrics`."""

from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from common.web.routing import IncludedRoute

Check = Callable[[], Mapping[str, bool]]
"""Whether each component is well, by its name."""
Asked = Callable[[], Awaitable[Mapping[str, bool]]]
"""The same, of what has to be asked first: a database, another service."""


def health_router(*, liveness: Check, readiness: Asked) -> APIRouter:
    """Live while every component is looked after; ready while every one progresses."""
    router = APIRouter(tags=["health"], route_class=IncludedRoute)

    @router.get("/health/live")
    async def live() -> JSONResponse:
        """Each component was looked after within the last minute, and no job's turn hangs; else 503
        naming those that are not well: end the process, its successor begins where it stood."""
        return _answer("live", liveness())

    @router.get("/health/ready")
    async def ready() -> JSONResponse:
        """All that the role needs answers and progresses, and the process was not asked to end;
        else 503 naming what does not."""
        return _answer("ready", await readiness())

    @router.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """Metrics in the Prometheus text format."""
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router


def _answer(what: str, components: Mapping[str, bool]) -> JSONResponse:
    is_well = all(components.values())
    return JSONResponse(
        {"status": what if is_well else f"not {what}", "components": dict(components)},
        status_code=200 if is_well else 503,
    )
