"""A running system that Prometheus watches, and what a fault on it is."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import asyncpg
from deploy.observability.prometheus import Prometheus

from channel_demo.consent import agree
from channel_demo.session import Session
from common.contracts.catalog import CatalogUpdated
from stack.kafka import EmbeddedKafka
from stack.run import Stack
from stack.testing import Marketplace

from ..command_line import ChannelCommand
from ..passing_time import let_time_pass

SOURCE = "/careless"


@dataclass(frozen=True)
class Watched:
    """A running system, what watches it, and a merchant with a connected shop."""

    system: Stack
    prometheus: Prometheus
    session: Session
    command: ChannelCommand

    @property
    def kafka(self) -> EmbeddedKafka:
        """The system's own."""
        kafka = self.system.kafka
        if not isinstance(kafka, EmbeddedKafka):
            raise TypeError("the alerts need a Kafka that can be suspended")
        return kafka

    @property
    def marketplace(self) -> Marketplace:
        """The marketplace, as the seller sees it."""
        return Marketplace(self.session.sandbox.http, self.session.sandbox.seller_id)

    async def channel(self, *words: str) -> None:
        """A command of the operator's, which must succeed."""
        result = await self.command(*words)
        assert result.code == 0, result.err

    async def passes(self, time: timedelta) -> None:
        """Business time goes on by so much."""
        await let_time_pass(self.session, time.total_seconds())

    async def import_orders(self) -> None:
        """The merchant asks for an import, which calls AliExpress."""
        await self.session.channel.import_orders(self.session.merchant, self.session.shop)

    async def connect_again(self) -> None:
        """The merchant agrees on AliExpress's pages."""
        session = self.session
        link = await session.channel.connect_shop(session.merchant, session.shop)
        await agree(link.start_url, seller_id=session.sandbox.seller_id)

    def products(self, catalogue: str, count: int) -> list[CatalogUpdated]:
        """New products of a catalogue."""
        return [
            CatalogUpdated(
                merchant_id=self.session.merchant,
                catalogue_id=catalogue,
                product_id=f"p{number}",
                action="upsert",
                version=1,
                fields={"title": "A product among others"},
            )
            for number in range(count)
        ]

    async def publish(self, catalogue: str, count: int) -> None:
        """Send new products of a catalogue."""
        async with self.session.publisher(SOURCE) as publisher:
            await publisher.publish(self.products(catalogue, count))

    @asynccontextmanager
    async def database(self, service: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
        """A service's database, as its owner."""
        connection = await asyncpg.connect(self.system.database_url(service))
        try:
            yield connection
        finally:
            await connection.close()


@dataclass(frozen=True)
class Fault:
    """A fault for the block; leaving it does what the runbook's entry says."""

    alert: str
    what: str
    remedy: str
    begin: Callable[[Watched], AbstractAsyncContextManager[None]]
    within: float = 60.0
