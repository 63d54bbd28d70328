"""One way to run every service: `python -m <service> api | worker | all | migrate | replay`.

`api` serves REST, `worker` consumes and runs jobs (and serves probes and metrics), `all` does both
in one process; `positions reset` lets a group begin a topic anew. A service brings its settings,
its migrations and `build`, its composition root.
"""

import argparse
import asyncio
import gc
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Generic, TypeVar

import httpx2
import structlog
import uvicorn
import uvloop
from fastapi import APIRouter, FastAPI
from opentelemetry import trace

from common import clock_source
from common.jobs import Component, Job
from common.messaging.begin_anew import BeginRefused, begin_anew
from common.messaging.bulk import Stretch, replaying, settle_selected
from common.messaging.consumer import Consumer
from common.messaging.dead_letters import Selection
from common.messaging.observe import observe_backlog
from common.messaging.relay import Relay
from common.messaging.replay import Replayer
from common.postgres.leases import reclaim_leases
from common.postgres.pool import OUTAGE_ERRORS, Pool, open_pool
from common.postgres.unit_of_work import unit_of_work
from common.settings import ServiceSettings
from common.telemetry import setup as telemetry
from common.web.dead_letters import dead_letter_router
from common.web.health import health_router
from common.web.identity import Verifier
from common.web.problem import install_problems
from common.web.quarantines import quarantine_router

log = structlog.get_logger()

S = TypeVar("S", bound=ServiceSettings)

REPLAYED_AT_ONCE = 200


@dataclass(frozen=True)
class Parts:
    """What `build` makes: routes for the api, consumers and jobs for the worker."""

    routers: Sequence[APIRouter] = ()
    consumers: Sequence[Consumer] = ()
    jobs: Sequence[Component] = ()
    closers: Sequence[Callable[[], object]] = field(default=())
    """Coroutine functions called at the end, such as a client's `aclose`."""


@dataclass(frozen=True)
class Context(Generic[S]):
    """What a service's composition root is given."""

    settings: S
    pool: Pool
    verifier: Verifier


@dataclass(frozen=True)
class Service(Generic[S]):
    """A service as this module runs it. `build` does no I/O."""

    name: str
    settings: type[S]
    migrations: Path
    build: Callable[[Context[S]], Parts]


def main(service: Service[S], arguments: Sequence[str] | None = None) -> None:
    """The service's command line."""
    parser = argparse.ArgumentParser(prog=service.name)
    roles = parser.add_subparsers(dest="role", required=True)
    for role in ("api", "worker", "all", "migrate"):
        roles.add_parser(role)
    replay = roles.add_parser("replay", help="replay open dead letters")
    replay.add_argument("--reason")
    positions = roles.add_parser("positions", help="where consumer groups stand in the log")
    reset = positions.add_subparsers(dest="action", required=True).add_parser(
        "reset", help="begin a topic anew at its earliest record; stop the workers first"
    )
    reset.add_argument("--group", required=True)
    reset.add_argument("--topic", required=True)
    reset.add_argument("--force", action="store_true", help="even while the group has members")
    chosen = parser.parse_args(arguments)
    settings = service.settings()
    if chosen.role == "migrate":
        # half of a service's start would go into importing what only this role needs
        from common.postgres.migrate import upgrade  # noqa: PLC0415 - see above

        upgrade(service.migrations, settings.database_url.get_secret_value())
    elif chosen.role == "replay":
        asyncio.run(_replay(service, settings, chosen.reason))
    elif chosen.role == "positions":
        asyncio.run(_begin_anew(settings, chosen.group, chosen.topic, is_forced=chosen.force))
    else:
        collect_garbage_seldom()
        uvloop.run(serve(service, settings, chosen.role))


def collect_garbage_seldom() -> None:
    """Batches of decoded records are garbage that needs no cycle collector: by its defaults it
    takes a quarter of ingest's processor time (`bench/backbone.py`)."""
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)


def create_app(service: Service[S], context: Context[S], parts: Parts) -> FastAPI:
    """The REST edge of the service, without probes."""
    app = FastAPI(
        title=service.name,
        version="1",
        telemetry={"operation_spans": False, "auto_configure": False},
    )
    app.state.verifier = context.verifier
    install_problems(app)
    for router in parts.routers:
        app.include_router(router)
    app.include_router(dead_letter_router(context.pool, _replayer(context, parts)))
    app.include_router(quarantine_router(context.pool))
    return app


async def serve(service: Service[S], settings: S, role: str) -> None:
    """Run the role until SIGTERM or SIGINT, then drain in at most ten seconds."""
    telemetry.set_up(service.name, instance=settings.instance_id, level=settings.log_level)
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    follower = await _follow_clock(settings.clock_url)
    pool = await _open_pool_patiently(service, settings)
    context = Context(settings, pool, Verifier(f"{settings.auth_url}/v1/jwks.json"))
    parts = service.build(context)
    components: list[Component] = []
    if role != "api":
        async with unit_of_work(pool) as connection:
            await reclaim_leases(connection, settings.instance_id)
        components = _components(context, parts)
    app = create_app(service, context, parts if role != "worker" else Parts())
    app.include_router(health_router(lambda: _readiness(components)))
    server = _Server(
        uvicorn.Config(
            app,
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=3,
            server_header=False,
        )
    )
    for component in components:
        component.start()
    serving = asyncio.create_task(server.serve(), name="rest")
    log.info("service.started", role=role, port=settings.port)
    await asyncio.wait(
        [serving, asyncio.create_task(stopping.wait())], return_when=asyncio.FIRST_COMPLETED
    )
    server.should_exit = True
    await asyncio.gather(serving, *(component.stop() for component in components))
    await _close(context, parts, follower)
    log.info("service.stopped", role=role)


def _replayer(context: Context[S], parts: Parts) -> Replayer:
    return Replayer(context.pool, [consumer.applier for consumer in parts.consumers])


def _components(context: Context[S], parts: Parts) -> list[Component]:
    settings = context.settings
    relay = Relay(
        settings.database_url.get_secret_value(),
        settings.kafka_bootstrap,
        topic_prefix=settings.topic_prefix,
    )
    backlog = Job("backlog", lambda: observe_backlog(context.pool), every=timedelta(seconds=5))
    return [relay, *parts.consumers, *parts.jobs, backlog]


def _readiness(components: Sequence[Component]) -> dict[str, bool]:
    return {
        component.name: component.is_ready
        for component in components
        if isinstance(component, Consumer | Job)
    }


async def _follow_clock(url: str | None) -> asyncio.Task[None] | None:
    """Take the installation's clock before anything reads the time, then stay on it."""
    if url is None:
        return None
    async with httpx2.AsyncClient(timeout=2.0) as client:
        for attempt in range(20):
            try:
                await clock_source.adopt(client, url)
                break
            except httpx2.HTTPError:
                log.warning("clock.unreachable", attempt=attempt)
                await asyncio.sleep(0.25)
    return asyncio.create_task(clock_source.follow(url), name="clock")


async def _open_pool_patiently(service: Service[S], settings: S) -> Pool:
    delay = 0.2
    while True:
        try:
            return await open_pool(
                settings.database_url.get_secret_value(),
                max_size=settings.database_pool_size,
                name=service.name,
            )
        except OUTAGE_ERRORS as error:
            log.warning("postgres.unreachable", reason=type(error).__name__)
            await asyncio.sleep(delay)
            delay = min(delay * 2, 5.0)


async def _close(context: Context[S], parts: Parts, follower: asyncio.Task[None] | None) -> None:
    if follower is not None:
        follower.cancel()
    for closer in parts.closers:
        outcome = closer()
        if asyncio.iscoroutine(outcome):
            with suppress(Exception):
                await asyncio.wait_for(outcome, 1)
    try:  # a connection still in use by now waits for an answer that does not come
        await asyncio.wait_for(context.pool.close(), 0.5)
    except TimeoutError:
        context.pool.terminate()
    provider = trace.get_tracer_provider()
    flush = getattr(provider, "force_flush", None)
    if flush is not None:
        await asyncio.to_thread(flush, 1_000)


class _Server(uvicorn.Server):
    """Uvicorn without its own signal handlers: `serve` above decides when to end."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _replay(service: Service[S], settings: S, reason: str | None) -> None:
    telemetry.set_up(service.name, instance=settings.instance_id, level=settings.log_level)
    pool = await _open_pool_patiently(service, settings)
    context = Context(settings, pool, Verifier(f"{settings.auth_url}/v1/jwks.json"))
    parts = service.build(context)
    act = replaying(_replayer(context, parts), merchant_id=None, actor="operator")
    rest: Stretch | None = Stretch()
    while rest is not None:
        part = await settle_selected(
            pool, Selection(reason=reason), act, stretch=rest, limit=REPLAYED_AT_ONCE
        )
        for outcome in part.bulk.outcomes:
            log.info("replay", dead_letter=outcome.id, outcome=outcome.fate)
        rest = part.rest
    await _close(context, parts, None)


async def _begin_anew(
    settings: ServiceSettings, group: str, topic: str, *, is_forced: bool
) -> None:
    pool = await open_pool(settings.database_url.get_secret_value(), max_size=1)
    try:
        forgotten = await begin_anew(
            pool,
            settings.kafka_bootstrap,
            group.removeprefix(settings.topic_prefix),
            topic.removeprefix(settings.topic_prefix),
            topic_prefix=settings.topic_prefix,
            members_leave_within=None if is_forced else settings.session_timeout,
        )
    except BeginRefused as refused:
        raise SystemExit(str(refused)) from None
    finally:
        await pool.close()
    log.info("positions.reset", group=group, topic=topic, partitions=forgotten)
