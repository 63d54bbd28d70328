"""Makes the channel's topics: `python -m common.messaging.create_topics BOOTSTRAP`.

Who asks, and over TLS, say the variables of `common.settings.KafkaSettings`: `KAFKA_USER` ...
"""

import argparse
import asyncio
from collections.abc import Sequence
from datetime import timedelta

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from common.contracts.topics import MAX_RECORD_BYTES, OTHERS, TOPICS, Topic
from common.kafka_access import KafkaAccess
from common.messaging.clients import new_admin
from common.settings import KafkaSettings

DEAD_LETTERS_SHOWN = timedelta(days=30)
ANSWERED_WITHIN = timedelta(seconds=20)


def _configuration(topic: Topic, replication_factor: int) -> dict[str, str]:
    settings = {"max.message.bytes": str(MAX_RECORD_BYTES + 50_000)} | _safety(replication_factor)
    if topic.kind == "state":
        settings["cleanup.policy"] = "compact"
    else:
        settings["cleanup.policy"] = "delete"
        settings["retention.ms"] = str(_milliseconds(topic.retention))
    if topic.stamps_append_time:
        settings["message.timestamp.type"] = "LogAppendTime"
    return settings


def _safety(replication_factor: int) -> dict[str, str]:
    """What an acknowledgement is worth: one copy may be away while we write, and none is lost."""
    return {"min.insync.replicas": str(max(1, replication_factor - 1))}


def _shown_for(topic: Topic) -> timedelta:
    """How long its dead letters are shown: where buyers' data are in them, no longer than it."""
    return topic.retention if topic.holds_buyers else DEAD_LETTERS_SHOWN


def _milliseconds(time: timedelta) -> int:
    return int(time / timedelta(milliseconds=1))


def new_topics(
    prefix: str,
    *,
    partitions: int,
    replication_factor: int,
    topics: Sequence[Topic] = TOPICS,
) -> list[NewTopic]:
    """What to ask of Kafka so that each of the topics and its dead-letter twin exist."""
    wanted = []
    for topic in topics:
        wanted.append(
            NewTopic(
                name=prefix + topic.name,
                num_partitions=partitions,
                replication_factor=replication_factor,
                topic_configs=_configuration(topic, replication_factor),
            )
        )
        if any(consumer != OTHERS for consumer in topic.consumers):
            wanted.append(
                NewTopic(
                    name=prefix + topic.dead_letter_name,
                    num_partitions=1,
                    replication_factor=replication_factor,
                    topic_configs={"retention.ms": str(_milliseconds(_shown_for(topic)))}
                    | _safety(replication_factor),
                )
            )
    return wanted


async def create_topics(
    kafka: KafkaAccess | str,
    prefix: str = "",
    *,
    partitions: int = 6,
    replication_factor: int = 1,
    topics: Sequence[Topic] = TOPICS,
) -> None:
    """Create each of the topics that is missing; existing ones are left as they are.

    Returns once the broker shows all of them. Raises aiokafka's errors when it refuses or does not
    answer, and `TimeoutError`.
    """
    wanted = new_topics(
        prefix, partitions=partitions, replication_factor=replication_factor, topics=topics
    )
    admin = new_admin(kafka, answered_within=ANSWERED_WITHIN)
    await admin.start()
    try:
        answer = await admin.create_topics(wanted)
        for name, code, *_ in answer.topic_errors:
            error = for_code(code)
            if code and error is not TopicAlreadyExistsError:
                raise error(name)
        await _are_shown(admin, [topic.name for topic in wanted])
    finally:
        await admin.close()


async def _are_shown(admin: AIOKafkaAdminClient, names: list[str]) -> None:
    """Wait for the topics: a broker hears a moment after its controller that they were made."""
    async with asyncio.timeout(ANSWERED_WITHIN.total_seconds()):
        shown = await admin.describe_topics(names)
        while any(topic["error_code"] for topic in shown):
            await asyncio.sleep(0.05)
            shown = await admin.describe_topics(names)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Create the channel's topics.")
    parser.add_argument("bootstrap")
    parser.add_argument("--prefix", default="")
    parser.add_argument("--partitions", type=int, default=6)
    parser.add_argument("--replication-factor", type=int, default=1)
    chosen = parser.parse_args()
    asyncio.run(
        create_topics(
            KafkaSettings(kafka_bootstrap=chosen.bootstrap).kafka,
            chosen.prefix,
            partitions=chosen.partitions,
            replication_factor=chosen.replication_factor,
        )
    )


if __name__ == "__main__":
    main()
