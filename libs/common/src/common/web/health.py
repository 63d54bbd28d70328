"""Probes and metrics: `/health/live`, `/health/ready`, `/metrics`."""

from collections.abc import Callable, Mapping

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

Check = Callable[[], Mapping[str, bool]]
"""Whether each component is well, by its name."""


def health_router(*, liveness: Check, readiness: Check) -> APIRouter:
    """Live while every component is looked after; ready while every one progresses."""
    router = APIRouter(tags=["health"])

    @router.get("/health/live")
    async def live() -> JSONResponse:
        """Each component was looked after within the last minute; else 503 naming those that were
        not: end the process, its successor begins where it stood."""
        return _answer("live", liveness())

    @router.get("/health/ready")
    async def ready() -> JSONResponse:
        """Every component runs and progresses; else 503 naming those that do not."""
        return _answer("ready", readiness())

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
