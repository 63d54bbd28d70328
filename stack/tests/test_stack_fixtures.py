import asyncpg
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from stack.testing import Databases, NewDatabase
from stack.testing.poison import refusing


async def migrate(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE seed AS SELECT 7 AS number")
    await connection.close()


async def numbers(url: str) -> list[int]:
    connection = await asyncpg.connect(url)
    try:
        return [row["number"] for row in await connection.fetch("SELECT number FROM seed")]
    finally:
        await connection.close()


async def test_a_database_is_a_copy_of_the_prepared_one_and_shares_nothing(
    database: NewDatabase,
) -> None:
    first, second = await database(migrate), await database(migrate)
    connection = await asyncpg.connect(first)
    await connection.execute("INSERT INTO seed VALUES (8)")
    await connection.close()

    assert await numbers(first) == [7, 8]
    assert await numbers(second) == [7]


async def test_an_emptied_database_has_no_rows_and_refuses_none(
    database: NewDatabase, databases: Databases
) -> None:
    url = await database(migrate)
    await databases.execute_as_owner(url, "ALTER TABLE seed ADD id serial")
    await databases.execute_as_owner(url, refusing("seed", "INSERT", "NEW.number = 9"))
    insert = "INSERT INTO seed (number) VALUES (9)"
    with pytest.raises(asyncpg.DataError, match="poisoned"):
        await databases.execute_as_owner(url, insert)

    await databases.empty(url, kept=["seed"])
    assert await numbers(url) == [7]
    await databases.empty(url)
    await databases.execute_as_owner(url, insert)
    assert await numbers(url) == [9]


async def test_kafka_takes_a_record_and_makes_no_topic_by_itself(
    kafka_bootstrap: str, topic_prefix: str
) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(f"{topic_prefix}known", 1, 1)])
        async with AIOKafkaProducer(
            bootstrap_servers=kafka_bootstrap, enable_idempotence=True
        ) as producer:
            sent = await producer.send_and_wait(f"{topic_prefix}known", b"value", key=b"key")
        topics = await admin.list_topics()
    finally:
        await admin.close()

    assert sent.offset == 0
    assert [topic for topic in topics if topic.startswith(topic_prefix)] == [f"{topic_prefix}known"]
