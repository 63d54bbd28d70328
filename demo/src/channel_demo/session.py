"""Whose shop it is, and where the services are."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from channel_cli.client import Channel
from channel_cli.session import open_session
from channel_cli.settings import Access
from channel_demo.sandbox import SELLER_BY_CURRENCY, SandboxControl, open_sandbox
from stack.addresses import Addresses
from stack.system import SANDBOX

MERCHANT = "lumo"
STRANGER = "stranger"
"""A merchant nobody knows as a seller: the channel must refuse it (M1.1)."""
SHOP_BY_CURRENCY = {"USD": "main", "EUR": "euro"}


@dataclass(frozen=True)
class Session:
    """One running system, one merchant, one feed."""

    channel: Channel
    sandbox: SandboxControl
    kafka_bootstrap: str
    topic_prefix: str
    shop: str
    catalogue: str
    feed: str
    merchant: str = MERCHANT


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
            addresses.kafka_bootstrap,
            addresses.topic_prefix,
            SHOP_BY_CURRENCY.get(currency, "main"),
            catalogue,
            feed,
        )
