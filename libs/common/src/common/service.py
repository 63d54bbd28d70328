"""One way to run every service: `python -m <service> api | worker | all | migrate | replay`.

`api` serves REST, `worker` consumes and runs jobs (and serves probes and metrics), `all` does both
in one process; `positions reset` lets a group read a topic again. A service brings its settings,
its migrations and `build`, its composition root.
"""

import argparse
import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Generic, Literal, TypeVar

import structlog
import uvloop
from fastapi import APIRouter, FastAPI
from pydantic import ValidationError
from starlette.types import Scope

from common import clock_source
from common.jobs import Job
from common.measuring import Measuring
from common.messaging.bulk import IdRange, replaying, settle_selected
from common.messaging.consumer import Consumer
from common.messaging.dead_letters import Selection
from common.messaging.records import Subscription
from common.messaging.relay import Relay
from common.messaging.replay import Replayer
from common.messaging.reset_positions import ResetRefused, reset_positions
from common.postgres.audit import PRUNED_EVERY, prune
from common.postgres.leases import reclaim_leases
from common.postgres.pool import OUTAGE_ERRORS, Pool, answers, is_bound, open_pool
from common.postgres.unit_of_work import unit_of_work
from common.settings import ServiceSettings
from common.supervision import CancelledUnasked, Component, abandon, bounded, close, result_of
from common.telemetry import setup as telemetry
from common.web.audit import audit_router
from common.web.dead_letters import dead_letter_router
from common.web.door import MAX_BODY_BYTES, Door
from common.web.health import health_router
from common.web.identity import Verifier
from common.web.parameters import known_parameters_only
from common.web.problem import ProblemApp
from common.web.quarantines import quarantine_router
from common.web.server import Server, make_servers
from common.web.set_aside import set_aside_router

log = structlog.get_logger()

S = TypeVar("S", bound=ServiceSettings)

Closer = Callable[[], object]
OPENED_AT_ONCE = 4
"""Connections of a new process's pool."""
REPLAYED_AT_ONCE = 200
CLOSED_WITHIN = timedelta(seconds=3)
"""What closing the server takes beyond the requests in progress."""
PROBED_WITHIN = timedelta(seconds=2)
_NO_ANSWER: tuple[type[BaseException], ...] = (TimeoutError, CancelledUnasked, *OUTAGE_ERRORS)
POLLED_APART = timedelta(seconds=1)
"""How often a worker looks for what the api, a process of its own, has made."""
POLLED_TOGETHER = timedelta(seconds=5)
"""The same in a process of all roles: what it made itself has woken its jobs."""
MEASURED_EVERY = timedelta(seconds=5)


@dataclass(frozen=True)
class Parts:
    """What `build` makes: routes for the api, consumers and jobs for the worker."""

    routers: Sequence[APIRouter] = ()
    consumers: Sequence[Consumer] = ()
    jobs: Sequence[Component] = ()
    public: Sequence[str] = ()
    """Paths that take a body of callers without a token."""
    closers: Sequence[Closer] = field(default=())
    """Coroutine functions called at the end, such as a client's `aclose`."""


@dataclass(frozen=True)
class Context(Generic[S]):
    """What a service's composition root is given."""

    settings: S
    pool: Pool
    verifier: Verifier
    poll: timedelta = POLLED_APART
    """How often a job looks for work that it is not woken for."""

    def consumer(self, group: str, *subscriptions: Subscription) -> Consumer:
        """A consumer of the service in this group (`<service>.<slice>`), by the settings."""
        settings = self.settings
        return Consumer(
            self.pool,
            settings.kafka,
            group,
            subscriptions,
            instance_id=settings.instance_id,
            topic_prefix=settings.topic_prefix,
            session_timeout=settings.session_timeout,
            max_batch_records=settings.max_batch_records,
        )


@dataclass(frozen=True)
class Service(Generic[S]):
    """A service as this module runs it. `build` does no I/O."""

    name: str
    settings: type[S]
    migrations: Path
    build: Callable[[Context[S]], Parts]
    knows_its_parameters: bool = False
    """Whether a query parameter that a route does not have is refused."""


def main(service: Service[S], arguments: Sequence[str] | None = None) -> None:
    """The service's command line. Garbage is looked for from here on: see its `__main__`."""
    gc.enable()
    parser = argparse.ArgumentParser(prog=service.name)
    roles = parser.add_subparsers(dest="role", required=True)
    for role in ("api", "worker", "all", "migrate"):
        roles.add_parser(role)
    replay = roles.add_parser("replay", help="replay open dead letters")
    replay.add_argument("--reason")
    positions = roles.add_parser("positions", help="where consumer groups stand in the log")
    reset = positions.add_subparsers(dest="action", required=True).add_parser(
        "reset", help="read a topic again from its earliest record; stop the workers first"
    )
    reset.add_argument("--group", required=True)
    reset.add_argument("--topic", required=True)
    reset.add_argument("--force", action="store_true", help="even while the group has members")
    chosen = parser.parse_args(arguments)
    try:
        settings = service.settings()
    except ValidationError as error:
        raise SystemExit(f"{service.name} cannot start with these settings: {error}") from None
    if chosen.role == "migrate":
        _migrate(service, settings)
    elif chosen.role == "replay":
        asyncio.run(_replay(service, settings, chosen.reason))
    elif chosen.role == "positions":
        asyncio.run(_reset_positions(settings, chosen.group, chosen.topic, is_forced=chosen.force))
    else:
        tune_gc()
        uvloop.run(_run(service, settings, chosen.role))


def _migrate(service: Service[S], settings: S) -> None:
    # half of a service's start would go into importing what only this role needs
    from common.postgres.migrate import TablesInUse, upgrade  # noqa: PLC0415 - see above
    from common.postgres.roles import RoleMissing, role_of  # noqa: PLC0415 - see above

    used = settings.database_url.get_secret_value()
    owned = (settings.migration_database_url or settings.database_url).get_secret_value()
    user = role_of(used)
    try:
        upgrade(service.migrations, owned, service_role=user if user != role_of(owned) else None)
    except (RoleMissing, TablesInUse) as refusal:
        raise SystemExit(str(refusal)) from None


def tune_gc() -> None:
    """Batches of decoded records are garbage that needs no cycle collector: by its defaults it
    takes a quarter of ingest's processor time (`bench/backbone.py`)."""
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)


def create_app(service: Service[S], context: Context[S], parts: Parts) -> FastAPI:
    """The REST edge of the service, without probes."""
    app = ProblemApp(
        title=service.name,
        version="1",
        max_body_size=MAX_BODY_BYTES,
        openapi_url="/openapi.json" if context.settings.serves_documents else None,
        telemetry={
            "operation_spans": False,
            "auto_configure": False,
            "logs": False,  # ours are redacted
            "exclude": _is_probe,
        },
    )
    app.state.verifier = context.verifier
    app.add_middleware(Door, public=parts.public)
    checks = [known_parameters_only] if service.knows_its_parameters else []
    for router in (
        *parts.routers,
        dead_letter_router(context.pool, _replayer(context, parts)),
        quarantine_router(context.pool),
        set_aside_router(context.pool),
        audit_router(context.pool),
    ):
        app.include_router(router, dependencies=checks)
    return app


async def serve(service: Service[S], settings: S, role: str) -> int:
    """Run the role until SIGTERM or SIGINT, then drain: readiness falls first, REST is served on
    for `drain_seconds`, and requests in progress have `request_grace_seconds` more. By the
    defaults a process ends within ten seconds.

    The process's exit code: 0, or 1 when a part of it ended unasked, which ends the others too.
    """
    _set_up_telemetry(service, settings)
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    asked = asyncio.create_task(stopping.wait(), name="asked to stop")
    assembling = asyncio.create_task(_assemble(service, settings, role), name="assembling")
    await asyncio.wait([asked, assembling], return_when=asyncio.FIRST_COMPLETED)
    if not assembling.done():
        abandon(assembling)
        log.info("service.stopped", role=role)
        return 0
    process = result_of(assembling)
    for component in process.components:
        component.start()
    serving = [asyncio.create_task(server.serve(), name="rest") for server in process.servers]
    log.info("service.started", role=role, port=settings.port)
    ended = await _until_one_ends(asked, serving, process.components)
    process.draining.set()
    await asyncio.gather(
        _close_rest(process.servers, serving, settings, is_asked=not ended),
        *(component.stop() for component in process.components),
    )
    await _close(process.context, process.closers)
    log.info("service.stopped", role=role)
    return 1 if ended else 0


@dataclass(frozen=True)
class _Process(Generic[S]):
    """What one process runs, not yet started."""

    context: Context[S]
    components: Sequence[Component]
    servers: Sequence[Server]
    draining: asyncio.Event
    closers: Sequence[Closer]


async def _assemble(service: Service[S], settings: S, role: str) -> _Process[S]:
    """Wait for what the role needs, and build it."""
    follower = await _follow_clock(settings.clock_url)
    pool = await _open_pool_with_retry(service, settings)
    if not await is_bound(pool):
        log.warning("postgres.row_security_off", remedy="Let the service log in as its own role.")
    verifier = Verifier(f"{settings.auth_url}/v1/jwks.json")
    poll = POLLED_TOGETHER if role == "all" else POLLED_APART
    context = Context(settings, pool, verifier, poll)
    parts = service.build(context)
    working: list[Component] = []
    if role != "api":
        async with unit_of_work(pool) as connection:
            await reclaim_leases(connection, settings.instance_id)
        working = _components(service, context, parts)
    if follower is not None:
        follower.wake_by_moves([part for part in working if isinstance(part, Job)])
    components = [*working, *([follower] if follower else [])]
    draining = asyncio.Event()
    app = create_app(service, context, parts if role != "worker" else Parts())
    app.include_router(
        health_router(
            liveness=lambda: {component.name: component.is_beating for component in components},
            readiness=lambda: _readiness(context, role, working, draining),
        )
    )
    closers = [*parts.closers, *([follower.aclose] if follower else [])]
    return _Process(context, components, make_servers(app, settings), draining, closers)


async def _until_one_ends(
    asked: asyncio.Task[Literal[True]],
    serving: Sequence[asyncio.Task[None]],
    components: Sequence[Component],
) -> list[str]:
    """The parts that ended unasked; none when the process is asked to stop."""
    working = [component.task for component in components if component.task is not None]
    await asyncio.wait([asked, *serving, *working], return_when=asyncio.FIRST_COMPLETED)
    if asked.done():
        return []
    ended = [task.get_name() for task in (*serving, *working) if task.done()]
    log.critical("service.part_ended", parts=ended)
    return ended


async def _run(service: Service[S], settings: S, role: str) -> None:
    """Serve, then end the process even if a task of somebody else's does not let itself be
    cancelled: the event loop would wait for it without end."""
    try:
        code = await serve(service, settings, role)
    except Exception:
        log.exception("service.failed", role=role)
        code = 1
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    stuck = (await asyncio.wait(left, timeout=1))[1] if left else set()
    if stuck:
        log.error("service.tasks_stuck", tasks=sorted(task.get_name() for task in stuck))
        logging.shutdown()
        os._exit(code)
    sys.exit(code)


def _replayer(context: Context[S], parts: Parts) -> Replayer:
    return Replayer(context.pool, [consumer.applier for consumer in parts.consumers])


def _components(service: Service[S], context: Context[S], parts: Parts) -> list[Component]:
    settings = context.settings
    relay = Relay(
        settings.database_url.get_secret_value(),
        settings.kafka,
        service=service.name,
        topic_prefix=settings.topic_prefix,
    )
    jobs = [job for job in parts.jobs if isinstance(job, Job)]
    measuring = Measuring(context.pool, parts.consumers, jobs)
    return [
        relay,
        *parts.consumers,
        *parts.jobs,
        Job("measuring", measuring.run, every=MEASURED_EVERY),
        Job("prune-audit", lambda: prune(context.pool, settings.audit_kept), every=PRUNED_EVERY),
    ]


async def _readiness(
    context: Context[S], role: str, working: Sequence[Component], draining: asyncio.Event
) -> dict[str, bool]:
    """What the role needs: REST the database and the keys that tokens are verified with, and not
    Kafka; the worker its consumers and jobs."""
    ready = {"serving": not draining.is_set()} | {
        component.name: component.is_ready
        for component in working
        if isinstance(component, Consumer | Job)
    }
    if role != "worker":
        database, keys = await asyncio.gather(
            _is_true(answers(context.pool)), _is_true(context.verifier.has_keys())
        )
        ready |= {"database": database, "signing-keys": keys}
    return ready


async def _is_true(question: Awaitable[bool]) -> bool:
    """Whether the answer is yes, and comes soon."""
    try:
        return await bounded(question, PROBED_WITHIN)
    except _NO_ANSWER:
        return False


async def _close_rest(
    servers: Sequence[Server],
    serving: Sequence[asyncio.Task[None]],
    settings: ServiceSettings,
    *,
    is_asked: bool,
) -> None:
    """Serve on while load balancers take notice, then until the requests in progress have ended."""
    if is_asked:
        await asyncio.wait(serving, timeout=settings.drain_seconds)
    for server in servers:
        server.end()
    within = settings.request_grace + CLOSED_WITHIN
    await asyncio.gather(*(close(task, "rest", within=within) for task in serving))


async def _follow_clock(url: str | None) -> clock_source.Follower | None:
    """Take the installation's clock before anything reads the time."""
    if url is None:
        return None
    follower = clock_source.Follower(url)
    await follower.begin()
    return follower


async def _open_pool_with_retry(service: Service[S], settings: S) -> Pool:
    delay = 0.2
    while True:
        try:
            return await open_pool(
                settings.database_url.get_secret_value(),
                min_size=OPENED_AT_ONCE,
                max_size=settings.database_pool_size,
                name=service.name,
            )
        except OUTAGE_ERRORS as error:
            log.warning("postgres.unreachable", reason=type(error).__name__)
            await asyncio.sleep(delay)
            delay = min(delay * 2, 5.0)


async def _close(context: Context[S], closers: Sequence[Closer]) -> None:
    for closer in closers:
        outcome = closer()
        if asyncio.iscoroutine(outcome):
            await close(outcome, repr(closer), within=timedelta(seconds=1))
    # a connection still in use by now waits for an answer that does not come
    if not await close(context.pool.close(), "pool", within=timedelta(seconds=0.5)):
        context.pool.terminate()
    await asyncio.to_thread(telemetry.flush)


def _set_up_telemetry(service: Service[S], settings: S) -> None:
    telemetry.set_up(
        service.name,
        instance=settings.instance_id,
        level=settings.log_level,
        traces_per_second=settings.traces_per_second,
    )


def _is_probe(scope: Scope) -> bool:
    """Probes and scrapes come every few seconds and tell no story: they are not traced."""
    path: str = scope.get("path", "")
    return path.startswith("/health/") or path == "/metrics"


async def _replay(service: Service[S], settings: S, reason: str | None) -> None:
    _set_up_telemetry(service, settings)
    pool = await _open_pool_with_retry(service, settings)
    context = Context(settings, pool, Verifier(f"{settings.auth_url}/v1/jwks.json"))
    parts = service.build(context)
    action = replaying(
        _replayer(context, parts), merchant_id=None, actor="operator", trusts_unproven=True
    )
    remaining: IdRange | None = IdRange()
    while remaining is not None:
        part = await settle_selected(
            pool, Selection(reason=reason), action, id_range=remaining, limit=REPLAYED_AT_ONCE
        )
        for result in part.page.results:
            log.info("replay", dead_letter=result.id, outcome=result.outcome)
        remaining = part.remaining
    await _close(context, parts.closers)


async def _reset_positions(
    settings: ServiceSettings, group: str, topic: str, *, is_forced: bool
) -> None:
    pool = await open_pool(settings.database_url.get_secret_value(), max_size=1)
    try:
        forgotten = await reset_positions(
            pool,
            settings.kafka,
            group.removeprefix(settings.topic_prefix),
            topic.removeprefix(settings.topic_prefix),
            topic_prefix=settings.topic_prefix,
            members_leave_within=None if is_forced else settings.session_timeout,
        )
    except ResetRefused as refused:
        raise SystemExit(str(refused)) from None
    finally:
        await pool.close()
    log.info("positions.reset", group=group, topic=topic, partitions=forgotten)
