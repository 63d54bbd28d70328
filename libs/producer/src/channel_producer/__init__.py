"""Publish `catalog.updated` from another system: right key, right headers, acknowledged or raised.

    async with CatalogPublisher("kafka:9092", source="/erp") as publisher:
        await publisher.publish(
            [upsert("acme", "main", "P-1", {"title": "Mug", "price": "9.90"}, version=7)]
        )

`publish` returns once the brokers have every event on disk, in the order given per product. It
raises `NotPublished` naming the events that were not acknowledged: publish those again, the same
version twice does no harm. An event that cannot be right is refused before anything is sent.
"""

from channel_producer.publisher import (
    CatalogPublisher,
    EventRefused,
    NotPublished,
    delete,
    upsert,
)
from common.contracts.signature import ProducerKey, ProducerKeyUnusable
from common.kafka_access import KafkaAccess, KafkaAccessUnusable
from common.kafka_refusals import IdentityRefused

__all__ = [
    "CatalogPublisher",
    "EventRefused",
    "IdentityRefused",
    "KafkaAccess",
    "KafkaAccessUnusable",
    "NotPublished",
    "ProducerKey",
    "ProducerKeyUnusable",
    "delete",
    "upsert",
]
