"""Stored positions, moved by compare-and-set inside the batch's transaction: the fence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiokafka import TopicPartition

from common.postgres.pool import Connection


class PositionMoved(Exception):
    """Another owner has moved a position: this batch must roll back, reread and seek."""


class PositionLost(Exception):
    """A stored position lies outside the log; a person must decide (`positions reset`).

    The exception's text names the topic as Kafka has it, with the installation's prefix; the
    command takes it so, too. The group stands beside it in the log.
    """

    def __init__(self, partition: TopicPartition, position: int, begin: int, end: int) -> None:
        super().__init__(
            f"{partition.topic}/{partition.partition}: the stored position {position} lies outside"
            f" the log ({begin} to {end}). Kafka's and Postgres's data must be kept or wiped"
            " together; when this was intended, stop this service's workers and run `python -m"
            f" <service> positions reset --group <group> --topic {partition.topic}`"
        )


async def move_positions(
    connection: Connection, group: str, moves: Mapping[TopicPartition, tuple[int, int]]
) -> None:
    """Move each partition from its expected to its new offset. Raises `PositionMoved`."""
    ordered = sorted(moves.items())
    moved = await connection.fetch(
        """
        WITH wanted AS MATERIALIZED (
            SELECT p.topic, p.partition, w.new_offset
            FROM consumer_position AS p
            JOIN unnest($2::text[], $3::int[], $4::bigint[], $5::bigint[])
                AS w (topic, partition, expected, new_offset)
                ON p.topic = w.topic AND p.partition = w.partition
            WHERE p.consumer_group = $1 AND p.next_offset = w.expected
            ORDER BY p.topic, p.partition FOR UPDATE OF p
        )
        UPDATE consumer_position AS p SET next_offset = wanted.new_offset
        FROM wanted
        WHERE p.consumer_group = $1 AND p.topic = wanted.topic AND p.partition = wanted.partition
        RETURNING 1
        """,
        group,
        [partition.topic for partition, _ in ordered],
        [partition.partition for partition, _ in ordered],
        [expected for _, (expected, _) in ordered],
        [new for _, (_, new) in ordered],
    )
    if len(moved) != len(ordered):
        raise PositionMoved(group)


async def load_positions(
    connection: Connection, group: str, partitions: Sequence[TopicPartition]
) -> dict[TopicPartition, int]:
    """The stored positions of those partitions that have one."""
    rows = await connection.fetch(
        """
        SELECT p.topic, p.partition, p.next_offset FROM consumer_position AS p
        JOIN unnest($2::text[], $3::int[]) AS w (topic, partition) USING (topic, partition)
        WHERE p.consumer_group = $1
        """,
        group,
        [partition.topic for partition in partitions],
        [partition.partition for partition in partitions],
    )
    return {TopicPartition(row["topic"], row["partition"]): row["next_offset"] for row in rows}


async def store_first_positions(
    connection: Connection, group: str, positions: Mapping[TopicPartition, int]
) -> None:
    """Store where a group begins on partitions it sees for the first time."""
    await connection.executemany(
        """
        INSERT INTO consumer_position (consumer_group, topic, partition, next_offset)
        VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING
        """,
        [(group, p.topic, p.partition, offset) for p, offset in sorted(positions.items())],
    )


@dataclass(frozen=True)
class Position:
    """Where a group stands on one partition: the offset of the record it takes next."""

    group: str
    topic: str
    partition: int
    next_offset: int


async def list_positions(connection: Connection, topics: Sequence[str]) -> list[Position]:
    """The stored positions of all groups on these topics, named as Kafka has them."""
    rows = await connection.fetch(
        """
        SELECT consumer_group, topic, partition, next_offset FROM consumer_position
        WHERE topic = ANY($1)
        """,
        topics,
    )
    return [
        Position(row["consumer_group"], row["topic"], row["partition"], row["next_offset"])
        for row in rows
    ]


async def list_topics_of_groups(connection: Connection) -> dict[str, list[str]]:
    """The topics on which each group has stored a position."""
    rows = await connection.fetch(
        """
        SELECT consumer_group, array_agg(DISTINCT topic ORDER BY topic) AS topics
        FROM consumer_position GROUP BY consumer_group ORDER BY consumer_group
        """
    )
    return {row["consumer_group"]: row["topics"] for row in rows}


async def forget_positions(connection: Connection, group: str, topic: str) -> int:
    """Forget a group's positions on a topic: it starts over at the earliest record.

    Operators only, with the group's consumers stopped. How many partitions were forgotten.
    """
    rows = await connection.fetch(
        "DELETE FROM consumer_position WHERE consumer_group = $1 AND topic = $2 RETURNING 1",
        group,
        topic,
    )
    return len(rows)
