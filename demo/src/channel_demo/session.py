"""Whose shop it is, and where the services are."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from channel_cli.client import Channel
from channel_cli.session import open_session
from channel_cli.settings import Access
from channel_demo.sandbox import SELLER_BY_CURRENCY, SandboxControl, open_sandbox
from channel_producer import CatalogPublisher, KafkaAccess
from stack.addresses import Addresses
from stack.system import SANDBOX

MERCHANT = "lumo"
OWNER = "owner@lumo.example"
"""Who works for the merchant, in the console."""
STRANGER = "stranger"
"""A merchant nobody knows as a seller: the channel must refuse it (M1.1)."""
SHOP_BY_CURRENCY = {"USD": "main", "EUR": "euro"}


@dataclass(frozen=True)
class Session:
    """One running system, one merchant, one feed."""

    channel: Channel
    sandbox: SandboxControl
    kafka: KafkaAccess
    topic_prefix: str
    shop: str
    catalogue: str
    feed: str
    merchant: str = MERCHANT

    @property
    def kafka_bootstrap(self) -> str:
        """Where Kafka is."""
        return self.kafka.bootstrap

    @asynccontextmanager
    async def publisher(self, source: str) -> AsyncIterator[CatalogPublisher]:
        """Publishes for the merchant as another system does: signed, where Kafka has users."""
        key = await self._new_signing_key(source) if self.kafka.logs_in else None
        async with CatalogPublisher(
            self.kafka, source=source, signing_key=key, topic_prefix=self.topic_prefix
        ) as publisher:
            yield publisher

    async def _new_signing_key(self, name: str) -> str:
        client = await self.channel.make_api_client(
            self.merchant, name=name, scopes=["catalogue:write"]
        )
        return (await self.channel.make_producer_key(self.merchant, client.client_id)).signing_key


@asynccontextmanager
async def open_demo(
    addresses: Addresses, *, currency: str, catalogue: str, feed: str
) -> AsyncIterator[Session]:
    """The session on a running stack; the seller is the one that sells in `currency`."""
    seller_id = SELLER_BY_CURRENCY.get(currency, SELLER_BY_CURRENCY["USD"])
    async with (
        open_session(Access.of_stack(addresses)) as session,
        open_sandbox(addresses.urls[SANDBOX], seller_id) as sandbox,
    ):
        yield Session(
            Channel(session),
            sandbox,
            addresses.kafka,
            addresses.topic_prefix,
            SHOP_BY_CURRENCY.get(currency, "main"),
            catalogue,
            feed,
        )
