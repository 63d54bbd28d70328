"""The console as a process: it has no database and no Kafka, so it is no `common.service`."""

import asyncio
import signal
from datetime import timedelta

import httpx2
import structlog

from common.clock_source import Follower
from common.outbound.http_client import HttpClient
from common.supervision import close
from common.telemetry import setup as telemetry
from common.web.health import health_router
from common.web.server import make_servers
from console.app import create_app
from console.settings import ConsoleSettings

log = structlog.get_logger()

CLOSED_WITHIN = timedelta(seconds=3)
CONNECTIONS = httpx2.Limits(max_connections=200, max_keepalive_connections=50)


async def serve(settings: ConsoleSettings) -> int:
    """Serve until SIGTERM or SIGINT, then drain as the services do; returns an exit code."""
    telemetry.set_up("console", instance=settings.instance_id, level=settings.log_level)
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    follower = Follower(settings.clock_url) if settings.clock_url else None
    clocks = [follower] if follower else []
    if follower:
        await follower.begin()
    http = HttpClient(limits=CONNECTIONS)
    app = create_app(settings, http)
    app.include_router(
        health_router(
            liveness=lambda: {clock.name: clock.is_beating for clock in clocks},
            readiness=lambda: _readiness(stopping),
        )
    )
    servers = make_servers(app, settings, is_public=_is_public)
    for clock in clocks:
        clock.start()
    serving = [asyncio.create_task(server.serve(), name="pages") for server in servers]
    log.info("service.started", port=settings.port)
    asked = asyncio.create_task(stopping.wait(), name="asked to stop")
    await asyncio.wait([asked, *serving], return_when=asyncio.FIRST_COMPLETED)
    is_asked = stopping.is_set()
    stopping.set()  # unready from here on
    app.state.console.live.end()  # browsers that follow something connect elsewhere
    if is_asked and settings.drain_seconds:
        await asyncio.wait(serving, timeout=settings.drain_seconds)
    for server in servers:
        server.end()
    within = settings.request_grace + CLOSED_WITHIN
    await asyncio.gather(*(close(task, "pages", within=within) for task in serving))
    await asyncio.gather(*(clock.stop() for clock in clocks))
    await close(http.aclose(), "http", within=timedelta(seconds=1))
    if follower:
        await close(follower.aclose(), "clock", within=timedelta(seconds=1))
    await asyncio.to_thread(telemetry.flush)
    log.info("service.stopped")
    return 0 if is_asked else 1


async def _readiness(stopping: asyncio.Event) -> dict[str, bool]:
    """Pages are answered whatever else is away: each panel says what did not answer."""
    return {"serving": not stopping.is_set()}


def _is_public(path: str) -> bool:
    return not path.startswith("/health/") and path != "/metrics"
