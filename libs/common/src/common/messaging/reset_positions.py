"""`positions reset`: a consumer group reads a topic again from its earliest record."""

import asyncio
import time
from datetime import timedelta

import structlog
from aiokafka.errors import KafkaError, for_code

from common.kafka_access import KafkaAccess
from common.messaging.clients import new_admin
from common.messaging.positions import forget_positions, list_topics_of_groups
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work

log = structlog.get_logger()

ASK_EVERY = timedelta(seconds=0.5)
ANSWERED_WITHIN = timedelta(seconds=10)


class ResetRefused(Exception):
    """Nothing was reset; the text says why and what to do first."""


async def reset_positions(
    pool: Pool,
    kafka: KafkaAccess | str,
    group: str,
    topic: str,
    *,
    topic_prefix: str,
    members_leave_within: timedelta | None,
) -> int:
    """Forget the group's positions on the topic; how many partitions they were.

    Kafka keeps a member that has stopped until its session times out: so long, and a little more,
    members may take to leave. None resets without looking. Raises `ResetRefused`.
    """
    stored_group, stored_topic = topic_prefix + group, topic_prefix + topic
    async with unit_of_work(pool) as connection:
        known = await list_topics_of_groups(connection)
    if stored_topic not in known.get(stored_group, []):
        held = "; ".join(
            f"{name.removeprefix(topic_prefix)}: "
            + ", ".join(held.removeprefix(topic_prefix) for held in topics)
            for name, topics in known.items()
        )
        raise ResetRefused(
            f"{group} has no position on {topic} in this service's database. It has: "
            + (held or "none")
        )
    if members_leave_within is not None:
        await _wait_for_leave(kafka, stored_group, members_leave_within)
    async with unit_of_work(pool) as connection:
        return await forget_positions(connection, stored_group, stored_topic)


async def _wait_for_leave(kafka: KafkaAccess | str, group: str, within: timedelta) -> None:
    deadline = time.monotonic() + within.total_seconds() + 3
    is_logged = False
    try:
        while members := await members_of(kafka, group):
            if time.monotonic() > deadline:
                raise ResetRefused(
                    f"{group} has members: {', '.join(members)}. Stop this service's workers, then"
                    " try again; --force resets all the same, and they start over at once"
                )
            if not is_logged:
                log.info("positions.members_leave", group=group, members=members)
                is_logged = True
            await asyncio.sleep(ASK_EVERY.total_seconds())
    except (KafkaError, OSError, TimeoutError) as error:
        raise ResetRefused(
            f"Kafka does not say whether {group} has members ({error!r}). Try again when it"
            " answers; --force resets without asking"
        ) from None


async def members_of(kafka: KafkaAccess | str, group: str) -> list[str]:
    """The members of a consumer group, as Kafka knows them: client and host of each."""
    admin = new_admin(kafka, answered_within=ANSWERED_WITHIN)
    await admin.start()
    try:
        answers = await admin.describe_consumer_groups([group])
    finally:
        await admin.close()
    found = []
    for answer in answers:
        for code, _name, _state, _kind, _protocol, members, *_ in answer.groups:
            if code:
                raise for_code(code)(group)
            found += [f"{client} at {host.lstrip('/')}" for _id, client, host, *_ in members]
    return sorted(found)
