"""The whole system as one thing that is started, watched and stopped.

    async with running_stack() as stack:
        stack.url("catalog-service")
        await stack.process("catalog-service").kill()     # comes back by itself
        await stack.kafka.restart()                        # same port, same data

Everything started is stopped when the block is left, however it is left.
"""

import asyncio
import fcntl
import json
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from common.kafka_access import KafkaAccess
from common.messaging.create_topics import create_topics
from stack.addresses import Addresses
from stack.failures import AlreadyRunning, StackFailure, StartFailed
from stack.kafka import Kafka
from stack.kafka_identity import ADMINISTRATOR, PRODUCER, KafkaIdentity
from stack.postgres import Postgres, create_database, create_role, database_url
from stack.private_files import make_private_folder, open_private, write_private
from stack.processes import Command, Process, Spawn, run_once, spawn_program
from stack.sandbox import answers
from stack.secrets import Secrets
from stack.settings import StackSettings
from stack.stores import Stores, running_stores, wipe_stores
from stack.system import (
    CONSOLE,
    OPERATOR_CLIENT,
    SANDBOX,
    SERVICES,
    TRACES,
    Ports,
    Service,
    Wiring,
    console_command,
    console_environment,
    migrate_command,
    migrate_environment,
    sandbox_command,
    sandbox_environment,
    service_command,
    service_environment,
    traces_command,
    traces_environment,
)

READY_WITHIN = timedelta(minutes=2)  # seconds on an idle machine, but tests keep it busy
MIGRATE_WITHIN = timedelta(minutes=5)

OnProgress = Callable[[str], None]
"""Called with what is being started, in words for a person."""


class Stack:
    """A running system. `run.running_stack` makes it."""

    def __init__(self, stores: Stores, wiring: Wiring, processes: Mapping[str, Process]) -> None:
        self._stores = stores
        self._wiring = wiring
        self._processes = processes

    @property
    def postgres(self) -> Postgres:
        """Postgres: `restart()`, and `kill()`, `pid`, `process` of an embedded one."""
        return self._stores.postgres

    @property
    def kafka(self) -> Kafka:
        """Kafka: the same."""
        return self._stores.kafka

    @property
    def addresses(self) -> Addresses:
        """Where everything is."""
        return Addresses(
            {name: self.url(name) for name in self._processes},
            self._wiring.kafka_bootstrap,
            self._wiring.topic_prefix,
            OPERATOR_CLIENT,
            self._wiring.secrets.of(OPERATOR_CLIENT),
            *self._kafka_producer(),
        )

    def kafka_access(self, user: str = PRODUCER) -> KafkaAccess:
        """How a user reaches Kafka: anybody, without a name, where it is not secure."""
        bootstrap, identity = self._wiring.kafka_bootstrap, self._wiring.kafka_identity
        return KafkaAccess(bootstrap) if identity is None else identity.access(bootstrap, user)

    def _kafka_producer(self) -> tuple[str, str, str]:
        access = self.kafka_access()
        return str(access.ca_file or ""), access.user, access.password

    @property
    def logs(self) -> Path:
        """The folder with a log per process."""
        return self._wiring.state / "logs"

    def process(self, name: str) -> Process:
        """A service or the sandbox: `pid`, `kill()`, `stop()`, `restart()`, `suspend()`, …."""
        return self._processes[name]

    def url(self, name: str) -> str:
        """Base address of a service or of the sandbox."""
        return self._wiring.url(name)

    def environment(self, service: Service) -> dict[str, str]:
        """The variables `service` was started with, for another process of it."""
        return service_environment(service, self._wiring)

    def database_url(self, name: str) -> str:
        """The database of a service, as its owner, whom no policy binds."""
        return self._wiring.owner_urls[name]


@asynccontextmanager
async def running_stack(
    settings: StackSettings | None = None,
    *,
    ports: Ports | None = None,
    services: Sequence[Service] = SERVICES,
    environment: Mapping[str, Mapping[str, str]] | None = None,
    spawn: Spawn = spawn_program,
    on_progress: OnProgress = lambda _step: None,
) -> AsyncIterator[Stack]:
    """Start stores, sandbox and services in order; stop them all at the end.

    `environment` adds variables by process name; `spawn` starts all but the stores. Raises
    `StackFailure` when something does not start; what had started is stopped then.
    """
    settings = settings or StackSettings()
    state = settings.state_dir.resolve()
    make_private_folder(state)
    async with AsyncExitStack() as cleaning:
        cleaning.enter_context(_alone_in(state))
        chosen = (ports or Ports()).choose()
        secrets = Secrets.load(state / "secrets.json")
        on_progress("Postgres and Kafka")
        identity = (
            KafkaIdentity.of(state / "kafka" / "tls", secrets) if settings.kafka_secure else None
        )
        secrets.keep(state / "secrets.json")  # before a store is made that only they open
        stores = await cleaning.enter_async_context(
            running_stores(settings, postgres_password=secrets.postgres, kafka_identity=identity)
        )
        on_progress("databases and topics")
        databases = await _make_databases(stores.postgres.admin_url, settings, services, secrets)
        await _make_topics(stores.kafka.bootstrap, settings.topic_prefix, identity)
        wiring = Wiring(
            chosen,
            stores.kafka.bootstrap,
            settings.topic_prefix,
            *databases,
            secrets,
            state,
            identity,
            has_traces=keeps_traces(settings),
            has_console=settings.console,
        )
        processes = _processes(services, wiring, environment or {}, spawn)
        secrets.keep(state / "secrets.json")
        cleaning.push_async_callback(_stop, processes)
        on_progress("sandbox and migrations")
        await _together(
            processes[SANDBOX].start(),
            *([processes[TRACES].start()] if TRACES in processes else []),
            _migrate(services, wiring, spawn),
        )
        on_progress("services")
        await _together(
            *(processes[service.name].start() for service in services),
            *([processes[CONSOLE].start()] if CONSOLE in processes else []),
        )
        stack = Stack(stores, wiring, processes)
        write_private(state / "addresses.json", json.dumps(asdict(stack.addresses), indent=1))
        cleaning.callback((state / "addresses.json").unlink, missing_ok=True)
        yield stack


def wipe(settings: StackSettings) -> None:
    """Forget all state: both stores, the sandbox's, secrets and logs. Raises `StackFailure`."""
    if settings.database_url is not None or settings.kafka_bootstrap is not None:
        raise StackFailure(
            "the stores are not ours (STACK_DATABASE_URL, STACK_KAFKA_BOOTSTRAP): empty them there"
        )
    state = settings.state_dir.resolve()
    if not state.exists():
        return
    with _alone_in(state):
        wipe_stores(state)
        shutil.rmtree(state)


def run_until_stopped(main: Coroutine[Any, Any, int]) -> int:
    """Run `main` with Ctrl-C, SIGTERM and SIGHUP ending it in good order; returns an exit code.

    A `StackFailure` is written to stderr in its own words.
    """

    async def cancellable() -> int:
        task = asyncio.ensure_future(main)
        loop = asyncio.get_running_loop()

        def end() -> None:
            if not task.cancelling():  # asked once is enough: stopping is bounded in time
                task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, end)
        try:
            return await task
        except asyncio.CancelledError:
            return 0

    try:
        return asyncio.run(cancellable())
    except StackFailure as failure:
        sys.stderr.write(f"{failure}\n")
        return 1


@contextmanager
def _alone_in(state: Path) -> Iterator[None]:
    with open(state / "lock", "a+", opener=open_private) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise AlreadyRunning(
                f"a stack already runs on {state} (process {lock.read().strip()}): stop it, or"
                " set STACK_STATE_DIR to another folder"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


async def _make_topics(bootstrap: str, prefix: str, identity: KafkaIdentity | None) -> None:
    if identity is None:
        await create_topics(bootstrap, prefix)
        return
    await create_topics(identity.access(bootstrap, ADMINISTRATOR), prefix)
    await identity.grant(bootstrap, prefix)


async def _make_databases(
    admin_url: str, settings: StackSettings, services: Sequence[Service], secrets: Secrets
) -> tuple[dict[str, str], dict[str, str]]:
    """Each service's database and its two roles, those of an earlier start kept; the URLs of the
    owners and of the services."""
    owners: dict[str, str] = {}
    urls: dict[str, str] = {}
    for service in services:
        name = settings.database_name(service.database)
        for role, made in ((name, owners), (settings.database_name(service.role), urls)):
            password = secrets.of(role)
            await create_role(admin_url, role, password)
            made[service.name] = database_url(
                admin_url, database=name, user=role, password=password
            )
        await create_database(admin_url, name, owner=name)
    return owners, urls


def _processes(
    services: Sequence[Service],
    wiring: Wiring,
    environment: Mapping[str, Mapping[str, str]],
    spawn: Spawn,
) -> dict[str, Process]:
    variables = {SANDBOX: sandbox_environment(wiring)}
    commands = {SANDBOX: sandbox_command()}
    probes = {SANDBOX: f"{wiring.url(SANDBOX)}/control/health"}
    if wiring.has_traces:
        variables[TRACES] = traces_environment(wiring)
        commands[TRACES] = traces_command()
        probes[TRACES] = f"{wiring.url(TRACES)}/health/ready"
    if wiring.has_console:
        variables[CONSOLE] = console_environment(wiring)
        commands[CONSOLE] = console_command()
        probes[CONSOLE] = f"{wiring.url(CONSOLE)}/health/ready"
    for service in services:
        variables[service.name] = service_environment(service, wiring)
        commands[service.name] = service_command(service)
        probes[service.name] = f"{wiring.url(service.name)}/health/ready"
    return {
        name: Process(
            Command(
                name,
                command,
                wiring.state / "logs" / f"{name}.log",
                environment={**variables[name], **environment.get(name, {})},
                stop_within=timedelta(seconds=15),
            ),
            is_ready=partial(_answers, probes[name]),
            ready_within=READY_WITHIN,
            spawn=spawn,
        )
        for name, command in commands.items()
    }


async def _stop(processes: Mapping[str, Process]) -> None:
    """The services first, all at once; then the others, to which they may still be talking."""
    others = (SANDBOX, TRACES)
    services = (process for name, process in processes.items() if name not in others)
    await asyncio.gather(*(process.stop() for process in services))
    await asyncio.gather(*(processes[name].stop() for name in others if name in processes))


def keeps_traces(settings: StackSettings) -> bool:
    """Whether the stack runs a store of traces: where it is wanted, and spans do not go elsewhere
    anyway."""
    return settings.traces and not any(
        os.environ.get(name)
        for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    )


async def _answers(url: str, _pid: int) -> bool:
    return await answers(url)


async def _migrate(services: Sequence[Service], wiring: Wiring, spawn: Spawn) -> None:
    if not services:
        return
    environment: dict[str, str] = {}
    for service in services:
        environment |= migrate_environment(service, wiring)
    command = Command(
        "migrations",
        migrate_command(services),
        wiring.state / "logs" / "migrations.log",
        environment=environment,
    )
    await run_once(command, within=MIGRATE_WITHIN, spawn=spawn)


async def _together(*starts: Coroutine[Any, Any, None]) -> None:
    """All of `starts` at once; the first failure is raised as itself."""
    try:
        async with asyncio.TaskGroup() as group:
            for start in starts:
                group.create_task(start)
    except* StartFailed as failures:
        raise failures.exceptions[0] from None
