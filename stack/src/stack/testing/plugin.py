"""Pytest plugin: real Postgres, real Kafka, the sandbox and whole systems, as fixtures.

One pair of stores serves a whole run, xdist's workers included; a test has a database and a prefix
for its topics of its own. README.md of this member shows how to use them.
"""

import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from stack.forkserver import ForkServer, share_tls_context
from stack.sandbox import Sandbox, running_sandbox
from stack.testing.databases import Databases, NewDatabase, Prepare, open_administrators
from stack.testing.deferred_fields import defer_validators
from stack.testing.fault_proxy import ProxiedKafka, kafka_behind_proxy
from stack.testing.foreign_queries import ForeignQueries
from stack.testing.programs import Programs
from stack.testing.stores import ThrowawayStores, ground_of_stores
from stack.testing.systems import QUICK_JOBS, TREE_OF_SLICES, StartSystem, running_system
from stack.throwaway import StoreAddresses

foreign_queries = ForeignQueries()
"""What the tests of this process asked of their databases."""
foreign_queries.record_pools()
share_tls_context()
defer_validators()
# Each request to an app in this process looks for it, in all places in which modules may lie.
sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]  # None: it is not here

_STORES = pytest.StashKey[ThrowawayStores]()


def pytest_configure(config: pytest.Config) -> None:
    """Begin to start the stores where xdist's workers will want them."""
    worker_input = getattr(config, "workerinput", None)
    if worker_input is not None:
        config.stash[_STORES] = ThrowawayStores(Path(worker_input["stack_folder"]))
        return
    folder = Path(tempfile.mkdtemp(prefix="aliexpress-channel-test-", dir=ground_of_stores()))
    workers = getattr(config.option, "numprocesses", None) or 1
    stores = ThrowawayStores(folder, detours=workers)
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


# ---- the stores


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


@pytest.fixture(scope="module")
async def proxied_kafka(
    stack_addresses: StoreAddresses,
    pytestconfig: pytest.Config,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[ProxiedKafka]:
    """Kafka with a bad network before it: `proxied_kafka.proxy.cut()`, `freeze()`, and so on."""
    worker_input: dict[str, str] = getattr(pytestconfig, "workerinput", {})
    async with kafka_behind_proxy(
        stack_addresses,
        tmp_path_factory.mktemp("broker"),
        worker=int(worker_input.get("workerid", "gw0").removeprefix("gw")),
    ) as proxied:
        yield proxied


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


@pytest.fixture(scope="session")
async def databases(stack_addresses: StoreAddresses) -> AsyncIterator[Databases]:
    """The maker of databases, for fixtures of any scope; what it makes ends with the run."""
    admin_url = stack_addresses.admin_url
    async with open_administrators(admin_url) as administrators:
        yield Databases(admin_url, administrators, foreign_queries)


@pytest.fixture
async def database(databases: Databases) -> AsyncIterator[NewDatabase]:
    """The URL of a fresh database for this test: `await database()`, `await database(prepare)`."""
    urls: list[str] = []

    async def new(prepare: Prepare | None = None) -> str:
        urls.append(await databases.create(prepare))
        return urls[-1]

    yield new
    for url in urls:
        await databases.replay_as_stranger(url)
        await databases.drop(url)


# ---- processes


@pytest.fixture(scope="session")
def fork_server() -> Iterator[ForkServer]:
    """Starts Python programs quickly; one for this worker."""
    server = ForkServer()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def programs(fork_server: ForkServer) -> Programs:
    """Runs `python -m` programs to their end."""
    return Programs(fork_server)


@pytest.fixture(scope="session")
async def sandbox_process(
    tmp_path_factory: pytest.TempPathFactory, fork_server: ForkServer
) -> AsyncIterator[Sandbox]:
    """The sandbox on a free port, one for this worker: jobs are soon done, the tree is small."""
    folder = tmp_path_factory.mktemp("sandbox")
    async with running_sandbox(
        folder, spawn=fork_server.spawn, category_roots=TREE_OF_SLICES, **QUICK_JOBS
    ) as sandbox:
        yield sandbox


@pytest.fixture
async def sandbox(sandbox_process: Sandbox) -> Sandbox:
    """The sandbox as new: no products, no orders, no faults, an empty ledger."""
    await sandbox_process.reset()
    return sandbox_process


@pytest.fixture(scope="session")
def start_system(
    stack_addresses: StoreAddresses,
    fork_server: ForkServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> StartSystem:
    """`async with start_system() as stack`: the whole system, for the block."""

    def start(
        environment: Any = None,
        *,
        kafka_secure: bool = False,
        traces: bool = False,
        console: bool = False,
    ) -> Any:
        folder = tmp_path_factory.mktemp("system")
        return running_system(
            stack_addresses,
            folder,
            fork_server.spawn,
            environment,
            kafka_secure=kafka_secure,
            traces=traces,
            console=console,
        )

    return start
