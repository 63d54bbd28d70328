"""How far a consumer group is behind, measured against the store, also while Kafka is away.

The lag is the log's last-known end minus the stored position. How old that knowledge is says a
metric of its own: a lag of 0 that nobody could see for an hour is no good news.
"""

import time
from collections.abc import Callable, Mapping

from aiokafka import TopicPartition

from common.messaging.positions import load_positions
from common.postgres.pool import Connection


class Lag:
    """What a consumer knows of the ends of its partitions; it outlives Kafka clients."""

    def __init__(
        self, group: str, *, prefix: str = "", monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._group = prefix + group
        self._prefix = prefix
        self._monotonic = monotonic
        self._ends: Mapping[TopicPartition, int] = {}
        self._seen_at = monotonic()

    def see(self, ends: Mapping[TopicPartition, int]) -> None:
        """These are the ends of the partitions assigned now; all others are somebody else's."""
        self._ends = dict(ends)
        self._seen_at = self._monotonic()

    @property
    def end_age(self) -> float:
        """Seconds since the ends were seen; since the consumer was made where they never were."""
        return self._monotonic() - self._seen_at

    async def measure(self, connection: Connection) -> dict[tuple[str, int], int]:
        """Records between stored position and last-known end, by topic and partition."""
        ends = self._ends
        stored = await load_positions(connection, self._group, list(ends))
        return {
            (partition.topic.removeprefix(self._prefix), partition.partition): max(
                0, end - position
            )
            for partition, end in ends.items()
            if (position := stored.get(partition)) is not None
        }
