"""Postgres and Kafka in containers, where Docker answers at once and has their images already.

Nothing is pulled: a machine without the images takes the embedded servers. Data lies in a named
volume per state folder; the container is removed at the end and by the next start.
"""

import asyncio
import hashlib
import os
import time
from collections.abc import Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import asyncpg
import docker

from stack.failures import StartFailed
from stack.kafka import serves
from stack.ports import LOOPBACK
from stack.postgres import ADMINISTRATOR, database_url

POSTGRES_IMAGE = "postgres:18"
KAFKA_IMAGE = "apache/kafka:4.3.1"
ANSWERS_WITHIN = timedelta(seconds=2)
READY_WITHIN = timedelta(seconds=60)
SOCKET = Path("/var/run/docker.sock")


def has_image(image: str) -> bool:
    """Whether Docker answers within two seconds and holds `image`."""
    if not (os.environ.get("DOCKER_HOST") or SOCKET.exists()):
        return False
    try:
        with closing(_docker(ANSWERS_WITHIN)) as client:
            client.images.get(image)
    except (docker.errors.DockerException, OSError):
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

    async def start(self) -> None:
        """Run it until `stop`; data of an earlier run is found again."""
        await asyncio.to_thread(self._run)
        await self._wait_until_ready()

    async def stop(self) -> None:
        """Stop and remove it; the data stays in its volume."""
        await asyncio.to_thread(_remove_container, self._name)

    async def restart(self) -> None:
        """Stop and start on the same port with the same data."""
        await asyncio.to_thread(self._restart)
        await self._wait_until_ready()

    async def takes_connections(self) -> bool:
        """Whether a client is served now; a port that Docker opened by itself says nothing."""
        raise NotImplementedError

    def _run(self) -> None:
        _remove_container(self._name)  # one that a killed runner left
        with closing(_docker()) as client:
            client.containers.run(
                self._image,
                name=self._name,
                detach=True,
                environment=dict(self._environment),
                ports={f"{self._inner_port}/tcp": (LOOPBACK, self.port)},
                volumes={self._name: {"bind": self._data, "mode": "rw"}},
            )

    def _restart(self) -> None:
        with closing(_docker()) as client:
            client.containers.get(self._name).restart()

    async def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_WITHIN.total_seconds()
        while not await self.takes_connections():
            if time.monotonic() > deadline:
                raise StartFailed(f"the container {self._name} was not ready in time")
            await asyncio.sleep(0.1)


class ContainerPostgres(_Container):
    """PostgreSQL in a container."""

    def __init__(self, state: Path, *, port: int, password: str) -> None:
        super().__init__(
            POSTGRES_IMAGE,
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

    def __init__(self, state: Path, *, port: int) -> None:
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
            KAFKA_IMAGE,
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


def _docker(timeout: timedelta = timedelta(minutes=2)) -> docker.DockerClient:
    return docker.from_env(timeout=timeout.total_seconds())


def volume_name(state: Path, image: str) -> str:
    """The name of the container, and of its volume, of one state folder."""
    place = hashlib.sha256(str(state.resolve()).encode()).hexdigest()[:12]
    return f"aliexpress-channel-{place}-{image.partition(':')[0].rpartition('/')[2]}"


def wipe_volumes(state: Path) -> None:
    """Remove the volumes of a state folder, where Docker answers and has any."""
    for image in (POSTGRES_IMAGE, KAFKA_IMAGE):
        if has_image(image):
            name = volume_name(state, image)
            _remove_container(name)
            with closing(_docker()) as client:
                try:
                    client.volumes.get(name).remove()
                except docker.errors.NotFound:
                    continue


def _remove_container(name: str) -> None:
    with closing(_docker()) as client:
        try:
            found = client.containers.get(name)
        except docker.errors.NotFound:
            return
        found.stop()
        found.remove(force=True)
