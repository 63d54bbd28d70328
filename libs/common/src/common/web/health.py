"""Probes and metrics: `/health/live`, `/health/ready`, `/metrics`."""

from collections.abc import Callable, Mapping

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

ReadinessCheck = Callable[[], Mapping[str, bool]]


def health_router(check: ReadinessCheck) -> APIRouter:
    """Live as soon as it answers; ready while every component is."""
    router = APIRouter(tags=["health"])

    @router.get("/health/live")
    async def live() -> dict[str, str]:
        """The process runs."""
        return {"status": "live"}

    @router.get("/health/ready")
    async def ready() -> JSONResponse:
        """Every component runs and progresses; else 503 naming those that do not."""
        parts = check()
        is_ready = all(parts.values())
        return JSONResponse(
            {"status": "ready" if is_ready else "not ready", "components": dict(parts)},
            status_code=200 if is_ready else 503,
        )

    @router.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """Metrics in the Prometheus text format."""
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router
