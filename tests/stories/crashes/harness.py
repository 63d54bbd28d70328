"""Where steps are taken: a system with a shop and a feed, and each scenario's own part of it."""

import itertools
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from channel_cli.following import RUN_ENDED
from channel_cli.progress import poll
from channel_demo import bring_in, sell
from channel_demo.consent import ConsentFailed, agree
from channel_demo.session import Session
from channel_demo.sources import Sources
from channel_producer import CatalogPublisher
from common.contracts.catalog import CatalogUpdated
from stack.system import CATALOG, PUBLISHER
from stack.testing import eventually

from ..sample import own_copy
from .crashable import WITHIN, CrashableSystem

T = TypeVar("T")
Snapshot = Mapping[str, Any]
"""What a step left at the marketplace, in our databases and in topics; comparable."""
Kill = Callable[[], AbstractAsyncContextManager[None]]
"""Kills services while its block runs, or does nothing."""
Step = Callable[["Scenario", Kill], Awaitable[Snapshot]]

SOLD = ("NOT-07", "TSH-01")
"""A product, and one with four variations, from the sample."""
CHANGED = ("NOT-07", "NOT-08", "NOT-09", "NOT-10")
"""Products to change, each in another way."""


@dataclass(frozen=True)
class Harness:
    """The system with a connected shop and a feed whose first run was confirmed."""

    crashable: CrashableSystem
    session: Session
    sources: Sources
    folder: Path
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1_000))

    def scenario(self, tag: str) -> "Scenario":
        """A place for a step; all it makes is named by the tag."""
        return Scenario(self, tag)

    async def prepare(self, online: Collection[str]) -> None:
        """Connect the shop, and have the changed products online for each of these tags."""
        await bring_in.connect_shop(self.session)
        await bring_in.apply_configuration(self.session, self.sources)
        await publish(
            self, [event for tag in online for event in self.scenario(tag).events(*CHANGED)]
        )
        await sell.publish_products(self.session)
        await self.crashable.wait_until_idle()


@dataclass(frozen=True)
class Scenario:
    """Where one step is taken."""

    harness: Harness
    tag: str

    @property
    def session(self) -> Session:
        """The running system and its merchant."""
        return self.harness.session

    @property
    def crashable(self) -> CrashableSystem:
        """The system as one that can be killed."""
        return self.harness.crashable

    @property
    def prefix(self) -> str:
        """What this scenario's products and SKU codes begin with."""
        return f"{self.tag}."

    @property
    def shop_key(self) -> str:
        """The shop's key in topics."""
        return f"{self.session.merchant}/{self.session.shop}"

    def events(self, *families: str, catalogue: str | None = None) -> list[CatalogUpdated]:
        """These families of the sample as this scenario's own."""
        chosen = [
            event
            for event in self.harness.sources.events
            if (event.parent_id or event.product_id) in families
        ]
        return [own_copy(event, catalogue or event.catalogue_id, self.prefix) for event in chosen]

    def newest(self, product: str, **changes: Any) -> CatalogUpdated:
        """The next version of a product of this scenario's."""
        known = [e for e in self.events(product) if e.product_id == self.prefix + product]
        event = max(known, key=lambda event: event.version or 0)
        fields = event.fields | changes
        return msgspec.structs.replace(event, version=(event.version or 0) + 1, fields=fields)


async def publish(harness: Harness, events: Sequence[CatalogUpdated]) -> None:
    """Send events as another system does; wait until feed-publisher works towards them."""
    session = harness.session
    await send(session, events)
    newest: dict[str, int] = {}
    for event in events:
        newest[event.product_id] = max(event.version or 0, newest.get(event.product_id, 0))
    families = {event.parent_id or event.product_id for event in events}
    catalog, publisher = (harness.crashable.databases[s.name] for s in (CATALOG, PUBLISHER))

    async def has_arrived() -> bool:
        versions = await catalog.fetch(
            "SELECT product_id, version FROM source_product WHERE product_id = ANY($1)",
            list(newest),
        )
        if {row["product_id"]: row["version"] for row in versions} != newest:
            return False
        if await catalog.fetchval(
            """SELECT EXISTS (SELECT FROM family_mark WHERE family_id = ANY($1))
                OR EXISTS (SELECT FROM family_wait WHERE family_id = ANY($1))""",
            list(families),
        ):
            return False
        wanted, known = [
            await pool.fetch(
                f"SELECT family_id, revision FROM {table} WHERE family_id = ANY($1)",
                list(families),
            )
            for pool, table in ((catalog, "normalized_product"), (publisher, "desired_product"))
        ]
        return len(wanted) == len(families) and set(wanted) == set(known)

    await eventually(has_arrived, within=WITHIN)


async def send(session: Session, events: Sequence[CatalogUpdated]) -> None:
    """Publish events as another system does."""
    async with CatalogPublisher(
        session.kafka_bootstrap, source=bring_in.SOURCE, topic_prefix=session.topic_prefix
    ) as publisher:
        await publisher.publish(list(events))


async def run(scenario: Scenario, kind: str) -> None:
    """A run of the feed, to its end."""
    channel, merchant, feed = (
        scenario.session.channel,
        scenario.session.merchant,
        scenario.session.feed,
    )
    asked = await answer_of(lambda: channel.run_feed(merchant, feed, kind, is_dry_run=False))
    async for state in poll(
        lambda: channel.run(merchant, asked.run_id), within=WITHIN, what=f"the {kind} run"
    ):
        if state.state in RUN_ENDED:
            break
    assert state.state in {"completed", "completed_with_errors"}


async def connect(session: Session) -> None:
    """Walk the pages to connect the shop or to renew it; once more where nobody answered."""

    async def is_connected() -> bool:
        link = await answer_of(lambda: session.channel.connect_shop(session.merchant, session.shop))
        try:
            await agree(link.start_url, seller_id=session.sandbox.seller_id)
        except ConsentFailed as failure:
            if "does not answer" not in str(failure):
                raise
            return False
        return True

    await eventually(is_connected, within=WITHIN)


async def answer_of(ask: Callable[[], Awaitable[T]]) -> T:
    """The answer of a service; one that does not answer now is asked again."""
    return await anext(poll(ask, within=WITHIN, what="an answer"))
