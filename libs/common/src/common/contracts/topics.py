"""THE registry of topics: name, key, kind, who writes and who reads.

*State* topics are compacted and say how things are; *fact* topics say that something happened.
Every topic of a consumer group has a dead-letter twin.
"""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError, for_code

from common.contracts.catalog import CatalogUpdated
from common.contracts.event import Event
from common.contracts.feed import FeedCompleted, FeedState
from common.contracts.order import OrderReceived, OrderShipped, OrderUpdated
from common.contracts.product import ProductNormalized, ProductReported
from common.contracts.shop import ShopState
from common.contracts.token import TokenExpired, TokenExpiring, TokenRenewed

MAX_RECORD_BYTES = 1_000_000
"""The largest value we write; the broker's own limit is a little above."""


@dataclass(frozen=True)
class Topic:
    """One topic of the channel. `key` names the parts of its record key."""

    event: type[Event]
    kind: Literal["state", "fact"]
    key: str
    producer: str
    consumers: tuple[str, ...]
    retention: timedelta = timedelta(days=14)
    stamps_append_time: bool = False

    @property
    def name(self) -> str:
        """The topic's name without the installation's prefix."""
        return self.event.topic

    @property
    def dead_letter_name(self) -> str:
        """Where records this topic's consumers cannot take are shown to operators."""
        return f"{self.name}.dead-letter"


OTHERS = "other systems"

TOPICS: tuple[Topic, ...] = (
    Topic(
        CatalogUpdated,
        "fact",
        "merchant/catalogue/product",
        OTHERS,
        ("catalog-service",),
        stamps_append_time=True,
    ),
    Topic(
        ShopState,
        "state",
        "merchant/shop",
        "auth-service",
        ("catalog-service", "feed-publisher", "order-importer"),
    ),
    Topic(FeedState, "state", "merchant/feed", "catalog-service", ("feed-publisher",)),
    Topic(
        ProductNormalized, "state", "merchant/feed/family", "catalog-service", ("feed-publisher",)
    ),
    Topic(
        ProductReported,
        "state",
        "merchant/feed/family",
        "feed-publisher",
        ("catalog-service", OTHERS),
    ),
    Topic(TokenExpiring, "fact", "merchant/shop", "auth-service", (OTHERS,)),
    Topic(TokenExpired, "fact", "merchant/shop", "auth-service", (OTHERS,)),
    Topic(TokenRenewed, "fact", "merchant/shop", "auth-service", (OTHERS,)),
    Topic(FeedCompleted, "fact", "merchant/feed", "feed-publisher", ("auth-service", OTHERS)),
    Topic(OrderReceived, "fact", "merchant/shop/order", "order-importer", (OTHERS,)),
    Topic(OrderUpdated, "fact", "merchant/shop/order", "order-importer", (OTHERS,)),
    Topic(OrderShipped, "fact", "merchant/shop/order", "order-importer", (OTHERS,)),
)

BY_NAME: dict[str, Topic] = {topic.name: topic for topic in TOPICS}


def _configuration(topic: Topic) -> dict[str, str]:
    settings = {"max.message.bytes": str(MAX_RECORD_BYTES + 50_000)}
    if topic.kind == "state":
        settings["cleanup.policy"] = "compact"
    else:
        settings["cleanup.policy"] = "delete"
        settings["retention.ms"] = str(int(topic.retention.total_seconds() * 1000))
    if topic.stamps_append_time:
        settings["message.timestamp.type"] = "LogAppendTime"
    return settings


def new_topics(prefix: str, *, partitions: int, replication_factor: int) -> list[NewTopic]:
    """What to ask of Kafka so that every topic and its dead-letter twin exist."""
    wanted = []
    for topic in TOPICS:
        wanted.append(
            NewTopic(
                name=prefix + topic.name,
                num_partitions=partitions,
                replication_factor=replication_factor,
                topic_configs=_configuration(topic),
            )
        )
        if any(consumer != OTHERS for consumer in topic.consumers):
            wanted.append(
                NewTopic(
                    name=prefix + topic.dead_letter_name,
                    num_partitions=1,
                    replication_factor=replication_factor,
                    topic_configs={"retention.ms": str(30 * 86_400_000)},
                )
            )
    return wanted


async def create_topics(
    bootstrap: str, prefix: str = "", *, partitions: int = 6, replication_factor: int = 1
) -> None:
    """Create every topic that is missing; existing ones are left as they are.

    Raises aiokafka's errors when the broker refuses or does not answer.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=20_000)
    await admin.start()
    try:
        answer = await admin.create_topics(
            new_topics(prefix, partitions=partitions, replication_factor=replication_factor)
        )
    finally:
        await admin.close()
    for name, code, *_ in answer.topic_errors:
        error = for_code(code)
        if code and error is not TopicAlreadyExistsError:
            raise error(name)


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser(description="Create the channel's topics.")
    parser.add_argument("bootstrap")
    parser.add_argument("--prefix", default="")
    parser.add_argument("--partitions", type=int, default=6)
    parser.add_argument("--replication-factor", type=int, default=1)
    chosen = parser.parse_args()
    asyncio.run(
        create_topics(
            chosen.bootstrap,
            chosen.prefix,
            partitions=chosen.partitions,
            replication_factor=chosen.replication_factor,
        )
    )
