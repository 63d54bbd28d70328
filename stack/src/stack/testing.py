"""Pytest plugin: real Postgres, real Kafka and the sandbox, as fixtures for every member's tests.

One pair of stores serves a whole run, xdist's workers included; a test has a database and a prefix
for its topics of its own. README.md of this member shows how to use them.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from pydantic import SecretStr

from stack.failures import StackFailure
from stack.postgres import create_database, database_url, drop_database
from stack.sandbox import Sandbox, running_sandbox
from stack.stores import wipe_stores
from stack.throwaway import StoreAddresses

if TYPE_CHECKING:
    from stack.run import Stack

START_SECONDS = 600  # the first start on a machine downloads Kafka
STOP_SECONDS = 45

Prepare = Callable[[str], Awaitable[None]]
NewDatabase = Callable[..., Awaitable[str]]


async def eventually(
    condition: Callable[[], bool | Awaitable[bool]], *, within: float = 10.0
) -> None:
    """Wait until `condition` holds; fail the test when it does not within so many seconds."""
    deadline = time.monotonic() + within
    while True:
        holds = condition()
        if await holds if isinstance(holds, Awaitable) else holds:
            return
        if time.monotonic() > deadline:
            pytest.fail(f"not so within {within} s: {condition!r}")
        await asyncio.sleep(0.02)


class ThrowawayStores:
    """The stores of this run, started by whoever asks first, stopped by pytest's main process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._host: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin to start them; `addresses` waits until they serve."""
        if self._host is None:
            self.folder.chmod(0o711)  # Postgres's unprivileged user has to reach its part
            with (self.folder / "host.log").open("wb") as log:
                self._host = subprocess.Popen(
                    [sys.executable, "-m", "stack.throwaway", str(self.folder)],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )

    def addresses(self) -> StoreAddresses:
        """Where they are, once both serve. Raises `StackFailure` when one does not start."""
        deadline = time.monotonic() + START_SECONDS
        while not (self.folder / "addresses.json").exists():
            if (self.folder / "failure.txt").exists():
                raise StackFailure((self.folder / "failure.txt").read_text())
            has_ended = self._host is not None and self._host.poll() is not None
            if has_ended or time.monotonic() > deadline:
                raise StackFailure((self.folder / "host.log").read_text())
            time.sleep(0.05)
        return StoreAddresses.read(self.folder / "addresses.json")

    def stop(self) -> None:
        """End them and forget their data."""
        if self._host is not None and self._host.stdin is not None:
            self._host.stdin.close()
            try:
                self._host.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(self._host.pid, signal.SIGKILL)
                self._host.wait()
        if self.folder.exists():  # nothing was started, or it did not end well
            wipe_stores(self.folder)
            shutil.rmtree(self.folder, ignore_errors=True)


_STORES = pytest.StashKey[ThrowawayStores]()


def pytest_configure(config: pytest.Config) -> None:
    """Begin to start the stores where xdist's workers will want them."""
    worker_input = getattr(config, "workerinput", None)
    if worker_input is not None:
        config.stash[_STORES] = ThrowawayStores(Path(worker_input["stack_folder"]))
        return
    stores = ThrowawayStores(Path(tempfile.mkdtemp(prefix="aliexpress-channel-test-")))
    config.stash[_STORES] = stores
    if getattr(config.option, "dist", "no") != "no" and not config.option.collectonly:
        stores.start()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell one of xdist's workers where the stores are."""
    stores: ThrowawayStores = node.config.stash[_STORES]
    node.workerinput["stack_folder"] = str(stores.folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the stores with the run."""
    if not hasattr(config, "workerinput") and _STORES in config.stash:
        config.stash[_STORES].stop()


@pytest.fixture(scope="session")
def stack_addresses(pytestconfig: pytest.Config) -> StoreAddresses:
    """Where this run's Postgres and Kafka are."""
    stores = pytestconfig.stash[_STORES]
    if not hasattr(pytestconfig, "workerinput"):
        stores.start()
    return stores.addresses()


@pytest.fixture(scope="session")
def kafka_bootstrap(stack_addresses: StoreAddresses) -> str:
    """`host:port` of a real Kafka without any topics."""
    return stack_addresses.kafka_bootstrap


@pytest.fixture
async def topic_prefix(kafka_bootstrap: str) -> AsyncIterator[str]:
    """A prefix for topics (and consumer groups) that no other test has, such as `t5f0c3a1b.`.

    Topics so named are deleted after the test: a broker with all of them would end slow.
    """
    prefix = f"t{uuid.uuid4().hex[:8]}."
    yield prefix
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    try:
        topics = [topic for topic in await admin.list_topics() if topic.startswith(prefix)]
        if topics:
            await admin.delete_topics(topics)
    finally:
        await admin.close()


class Databases:
    """Makes databases on the run's Postgres, each empty or a copy of a prepared one."""

    def __init__(self, admin_url: str) -> None:
        self._admin_url = admin_url
        self._templates: dict[Prepare, str] = {}

    async def create(self, prepare: Prepare | None = None) -> str:
        """The URL of a new database, its user the owner.

        With `prepare` (called with a URL, once per worker, to migrate and seed) it is a copy of
        the prepared database, which costs some 50 ms.
        """
        template = await self._template(prepare) if prepare else None
        return await self._new(template)

    async def drop(self, url: str) -> None:
        """Drop a database, ending whatever is connected to it."""
        await drop_database(self._admin_url, url.rpartition("/")[2])

    async def _new(self, template: str | None = None) -> str:
        name = f"test_{uuid.uuid4().hex[:12]}"
        await create_database(self._admin_url, name, template=template)
        return database_url(self._admin_url, database=name)

    async def _template(self, prepare: Prepare) -> str:
        if prepare not in self._templates:
            url = await self._new()
            await prepare(url)
            name = url.rpartition("/")[2]
            await _close_to_sessions(self._admin_url, name)
            self._templates[prepare] = name
        return self._templates[prepare]


async def _close_to_sessions(admin_url: str, name: str) -> None:
    """A database can only be copied while nobody is connected to it."""
    connection = await asyncpg.connect(admin_url)
    try:
        await connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        await connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1", name
        )
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def databases(stack_addresses: StoreAddresses) -> Databases:
    """The maker of databases, for fixtures of any scope; what it makes ends with the run."""
    return Databases(stack_addresses.admin_url)


@pytest.fixture
async def database(databases: Databases) -> AsyncIterator[NewDatabase]:
    """The URL of a fresh database for this test: `await database()`, `await database(prepare)`."""
    urls: list[str] = []

    async def new(prepare: Prepare | None = None) -> str:
        urls.append(await databases.create(prepare))
        return urls[-1]

    yield new
    for url in urls:
        await databases.drop(url)


@pytest.fixture(scope="session")
async def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sandbox]:
    """The sandbox on a free port, one for this worker."""
    async with running_sandbox(tmp_path_factory.mktemp("sandbox")) as sandbox:
        yield sandbox


@pytest.fixture
async def sandbox(sandbox_process: Sandbox) -> Sandbox:
    """The sandbox as new: no products, no orders, no faults, an empty ledger."""
    await sandbox_process.reset()
    return sandbox_process


@pytest.fixture(scope="session")
async def system(
    stack_addresses: StoreAddresses, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator["Stack"]:
    """The whole system on free ports, one per worker, on the run's Postgres and Kafka.

    Its services may be killed and restarted; a test that restarts a store runs a stack of its own.
    """
    # imported when asked for: most tests need neither the services' map nor what it imports
    from stack.run import running_stack  # noqa: PLC0415 - see above
    from stack.settings import StackSettings  # noqa: PLC0415 - see above
    from stack.system import Ports  # noqa: PLC0415 - see above

    settings = StackSettings(
        state_dir=tmp_path_factory.mktemp("system"),
        database_url=SecretStr(stack_addresses.admin_url),
        kafka_bootstrap=stack_addresses.kafka_bootstrap,
        installation=f"t{uuid.uuid4().hex[:8]}",
    )
    async with running_stack(settings, ports=Ports.free()) as stack:
        yield stack
