"""Postgres and Kafka in containers, by testcontainers; imported only where Docker may be.

Nothing is pulled: a machine without the images takes the embedded servers, and without the image of
testcontainers' reaper, which removes the containers of a killed runner, the next start does that.
Data lies in a named volume per state folder.
"""

import asyncio
import hashlib
import threading
import time
from collections.abc import Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import asyncpg
from docker import DockerClient as Engine
from docker.errors import DockerException, NotFound
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.docker_client import DockerClient

from stack.failures import StartFailed
from stack.kafka import serves
from stack.ports import LOOPBACK
from stack.postgres import ADMINISTRATOR, database_url

ANSWERS_WITHIN = timedelta(seconds=2)
WORKS_WITHIN = timedelta(minutes=2)
READY_WITHIN = timedelta(minutes=2)  # seconds on an idle machine, but tests keep it busy

_one_at_a_time = threading.Lock()
"""Two first containers at once would each start a reaper."""


def has_image(image: str) -> bool:
    """Whether Docker answers within two seconds and holds `image`."""
    try:
        with closing(_engine(ANSWERS_WITHIN)) as engine:
            engine.images.get(testcontainers_config.hub_image_name_prefix + image)
    except (DockerException, OSError):
        return False
    return True


class _Container:
    """One container on one port of the loopback address."""

    def __init__(
        self,
        image: str,
        state: Path,
        *,
        port: int,
        inner_port: int,
        data: str,
        environment: Mapping[str, str],
    ) -> None:
        self.port = port
        self._image = image
        self._inner_port = inner_port
        self._data = data
        self._environment = environment
        self._name = volume_name(state, image)
        self._running: DockerContainer | None = None

    async def start(self) -> None:
        """Run it until `stop`; data of an earlier run is found again."""
        await asyncio.to_thread(self._run)
        await self._wait_until_ready()

    async def stop(self) -> None:
        """Stop and remove it; the data stays in its volume."""
        if self._running is not None:
            await asyncio.to_thread(_stop, self._running)
            self._running = None

    async def restart(self) -> None:
        """Stop and start on the same port with the same data."""
        await asyncio.to_thread(self._restart)
        await self._wait_until_ready()

    async def takes_connections(self) -> bool:
        """Whether a client is served now; a port that Docker opened by itself says nothing."""
        raise NotImplementedError

    def _run(self) -> None:
        _remove_container(self._name)  # one that a killed runner left
        container = DockerContainer(
            self._image,
            docker_client_kw={"timeout": WORKS_WITHIN.total_seconds()},
            name=self._name,
            env=dict(self._environment),
            volumes=[(self._name, self._data, "rw")],
        )
        # with_bind_ports would open the port on every address of the machine
        container.ports = {f"{self._inner_port}/tcp": (LOOPBACK, self.port)}  # type: ignore[dict-item]  # Docker takes an address too
        try:
            with _one_at_a_time:
                turn_reaper_off_where_it_is_not()
                self._running = container.start()
        except (DockerException, OSError) as error:
            raise StartFailed(f"no container of {self._image} could be started: {error}") from error

    def _restart(self) -> None:
        with closing(_engine()) as engine:
            engine.containers.get(self._name).restart()

    async def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_WITHIN.total_seconds()
        while not await self.takes_connections():
            if time.monotonic() > deadline:
                raise StartFailed(f"the container {self._name} was not ready in time")
            await asyncio.sleep(0.1)


class ContainerPostgres(_Container):
    """PostgreSQL in a container."""

    def __init__(self, image: str, state: Path, *, port: int, password: str) -> None:
        super().__init__(
            image,
            state,
            port=port,
            inner_port=5432,
            data="/var/lib/postgresql",
            environment={
                "POSTGRES_USER": ADMINISTRATOR,
                "POSTGRES_PASSWORD": password,
                "POSTGRES_DB": "postgres",
            },
        )
        self._password = password

    @property
    def admin_url(self) -> str:
        """Where an administrator connects."""
        return database_url(
            f"postgresql://{LOOPBACK}:{self.port}/postgres",
            database="postgres",
            user=ADMINISTRATOR,
            password=self._password,
        )

    async def takes_connections(self) -> bool:
        """Whether the administrator can log in."""
        try:
            connection = await asyncpg.connect(self.admin_url, timeout=2)
        except (OSError, TimeoutError, asyncpg.PostgresError):
            return False
        await connection.close()
        return True


class ContainerKafka(_Container):
    """Apache Kafka in a container: KRaft, one node."""

    def __init__(self, image: str, state: Path, *, port: int) -> None:
        properties = {
            "node.id": "1",
            "process.roles": "broker,controller",
            "controller.quorum.voters": "1@localhost:9093",
            "controller.listener.names": "CONTROLLER",
            "listeners": "PLAINTEXT://:9092,CONTROLLER://:9093",
            "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{port}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": "/var/lib/kafka/data",
            "auto.create.topics.enable": "false",
            "group.initial.rebalance.delay.ms": "0",
            "group.min.session.timeout.ms": "1000",
            "broker.session.timeout.ms": "6000",
            "broker.heartbeat.interval.ms": "500",
            "offsets.topic.replication.factor": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
        }
        super().__init__(
            image,
            state,
            port=port,
            inner_port=9092,
            data="/var/lib/kafka/data",
            environment={
                f"KAFKA_{name.replace('.', '_').upper()}": value
                for name, value in properties.items()
            },
        )

    @property
    def bootstrap(self) -> str:
        """Where clients connect."""
        return f"{LOOPBACK}:{self.port}"

    async def takes_connections(self) -> bool:
        """Whether the broker answers."""
        return await serves(LOOPBACK, self.port)


def turn_reaper_off_where_it_is_not() -> None:
    """Let testcontainers do without its reaper unless the image of that is there: it would pull."""
    if not has_image(testcontainers_config.ryuk_image):
        testcontainers_config.ryuk_disabled = True


def volume_name(state: Path, image: str) -> str:
    """The name of the container, and of its volume, of one state folder."""
    place = hashlib.sha256(str(state.resolve()).encode()).hexdigest()[:12]
    return f"aliexpress-channel-{place}-{image.partition(':')[0].rpartition('/')[2]}"


def remove_volume(state: Path, image: str) -> None:
    """Remove the volume of a state folder, and what runs on it."""
    name = volume_name(state, image)
    _remove_container(name)
    with closing(_engine()) as engine:
        try:
            engine.volumes.get(name).remove()
        except NotFound:
            return


def _engine(timeout: timedelta = WORKS_WITHIN) -> Engine:
    return DockerClient(timeout=timeout.total_seconds()).client


def _stop(container: DockerContainer) -> None:
    """Let the server end in good order first: testcontainers kills."""
    container.get_wrapped_container().stop()
    container.stop()


def _remove_container(name: str) -> None:
    with closing(_engine()) as engine:
        try:
            found = engine.containers.get(name)
        except NotFound:
            return
        found.stop()
        found.remove(force=True)
