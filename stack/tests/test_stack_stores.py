import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from stack import kafka_release
from stack.accounts import Account, is_reachable, remove_owned_folder
from stack.failures import ReleaseBroken, StackFailure, ToolMissing
from stack.kafka import EmbeddedKafka, RemoteKafka
from stack.ports import free_port
from stack.postgres import (
    EmbeddedPostgres,
    RemotePostgres,
    create_database,
    create_role,
    database_url,
)
from stack.testing import ThrowawayStores, eventually
from stack.throwaway import StoreAddresses

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
async def postgres(tmp_path: Path) -> AsyncIterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(
        tmp_path / "postgres",
        tmp_path / "postgres.log",
        port=free_port(),
        password="p@ss/word'",
        is_durable=False,
    )
    await server.start()
    yield server
    await server.stop()
    remove_owned_folder(tmp_path / "postgres")


@pytest.fixture
async def kafka(tmp_path: Path) -> AsyncIterator[EmbeddedKafka]:
    broker = EmbeddedKafka(tmp_path / "kafka", tmp_path / "kafka.log", port=free_port())
    await broker.start()
    yield broker
    await broker.stop()


async def value(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_postgres_keeps_its_data_and_port_over_restart_and_kill(
    postgres: EmbeddedPostgres,
) -> None:
    url = postgres.admin_url
    await value(url, "CREATE TABLE kept AS SELECT 1 AS number")
    first = postgres.pid
    await postgres.restart()
    assert postgres.pid != first
    await value(url, "INSERT INTO kept VALUES (2)")
    await postgres.kill()
    await postgres.process.wait_until_ready()
    assert await value(url, "SELECT sum(number) FROM kept") == 3


async def test_postgres_asks_for_the_password_and_is_not_root(postgres: EmbeddedPostgres) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(postgres.admin_url, password="guess")
    assert Path(f"/proc/{postgres.pid}").stat().st_uid != 0


async def test_a_service_owns_its_database_and_cannot_enter_another(
    postgres: EmbeddedPostgres,
) -> None:
    for role in ("one", "two", "two"):  # making what exists changes nothing
        await create_role(postgres.admin_url, role, f"it's {role}")
        await create_database(postgres.admin_url, role, owner=role)
    own, foreign = (
        database_url(postgres.admin_url, database=name, user="one", password="it's one")
        for name in ("one", "two")
    )
    await value(own, "CREATE EXTENSION pg_trgm")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(foreign)


async def test_kafka_keeps_records_and_port_over_restart_and_kill(kafka: EmbeddedKafka) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic("kept", 1, 1)])
    await admin.close()
    for number in range(3):
        async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
            await producer.send_and_wait("kept", str(number).encode())
        if number == 0:
            await kafka.restart()
        if number == 1:
            await kafka.kill()
            await kafka.process.wait_until_ready()

    async with AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap) as consumer:
        partition = TopicPartition("kept", 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        values = [(await consumer.getone()).value for _ in range(3)]
    assert values == [b"0", b"1", b"2"]


async def test_servers_given_by_address_are_checked_and_never_touched() -> None:
    port = free_port()
    with pytest.raises(StackFailure, match="STACK_DATABASE_URL"):
        await RemotePostgres(f"postgresql://a:b@127.0.0.1:{port}/postgres").start()
    with pytest.raises(StackFailure, match="STACK_KAFKA_BOOTSTRAP"):
        await RemoteKafka(f"127.0.0.1:{port}").start()
    with pytest.raises(StackFailure, match="not ours"):
        await RemoteKafka(f"127.0.0.1:{port}").restart()


def test_a_jar_that_is_not_the_pinned_one_is_fetched_again_or_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Maven of ours stands in: it 'fetches' whatever lies in a folder."""
    genuine = kafka_release.jars()
    served = tmp_path / "served"
    shutil.copytree(genuine, served, ignore=shutil.ignore_patterns("*.aot", "formatted*"))
    programs = tmp_path / "programs"
    programs.mkdir()
    maven = programs / "mvn"
    maven.write_text(
        "#!/bin/sh\nfor word; do case $word in -DoutputDirectory=*)"
        f" cp {served}/*.jar ${{word#*=}};; esac; done\n"
    )
    maven.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    folder = kafka_release.jars()
    assert folder.is_relative_to(tmp_path)
    (folder / "lz4-java-1.10.2.jar").write_bytes(b"not a jar")
    kafka_release.jars()
    assert (folder / "lz4-java-1.10.2.jar").stat().st_size > 100

    for tampered in (folder, served):
        (tampered / "lz4-java-1.10.2.jar").write_bytes(b"not a jar")
    with pytest.raises(ReleaseBroken, match="SHA256SUMS"):
        kafka_release.jars()


def test_a_missing_maven_says_what_to_type(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(ToolMissing, match="sudo apt-get install maven"):
        kafka_release.jars()


async def test_throwaway_stores_end_with_the_run_and_leave_nothing() -> None:
    folder = Path(tempfile.mkdtemp())
    stores = ThrowawayStores(folder)
    stores.start()
    try:
        addresses = stores.addresses()
        assert await value(addresses.admin_url, "SELECT 1") == 1
        assert len(processes_of(folder)) >= 3  # their host, Postgres and Kafka
    finally:
        stores.stop()
    await eventually(lambda: not processes_of(folder))
    assert not folder.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a plain user")
async def test_both_stores_run_as_a_plain_user() -> None:
    python = Path(f"/usr/bin/python3.{sys.version_info.minor}")
    if not (python.exists() and is_reachable(CHECKOUT, Account(65534, 65534))):
        pytest.skip("no Python of this version, or no checkout, that a plain user can reach")
    nobody = 65534
    home = Path("/var/tmp") / f"aliexpress-channel-plain-{os.getpid()}"
    cache = home / "cache" / "aliexpress-channel"
    shutil.copytree(kafka_release.jars(), cache / f"kafka-{kafka_release.KAFKA_VERSION}")
    state = home / "state"
    state.mkdir()
    for path in (home, *home.rglob("*")):
        os.chown(path, nobody, nobody)
    try:
        with subprocess.Popen(
            [str(python), "-m", "stack.throwaway", str(state), "0"],
            stdin=subprocess.PIPE,
            env={
                "HOME": str(home),
                "PATH": os.defpath,
                "XDG_CACHE_HOME": str(home / "cache"),
                "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            },
            user=nobody,
            group=nobody,
            extra_groups=[],
        ) as host:
            await eventually(
                lambda: (state / "addresses.json").exists() or host.poll() is not None, within=60
            )
            assert host.poll() is None, (state / "failure.txt").read_text()
            addresses = StoreAddresses.read(state / "addresses.json")
            assert await value(addresses.admin_url, "SELECT 1") == 1
            owners = [Path(f"/proc/{pid}").stat().st_uid for pid in processes_of(state)]
            assert len(owners) >= 3
            assert set(owners) == {nobody}
        await eventually(lambda: not processes_of(state))
    finally:
        shutil.rmtree(home)


def processes_of(folder: Path) -> list[int]:
    """Every process whose command line names `folder`."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and str(folder).encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found
