"""Where acts are played: the system with a shop and a feed, and each act's own part of it."""

import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import msgspec
from mortal import WITHIN, Mortal

from channel_cli.following import RUN_ENDED
from channel_cli.progress import poll
from channel_demo import bring_in, sell
from channel_demo.consent import agree
from channel_demo.sources import Sources
from channel_demo.stage import Stage
from channel_producer import CatalogPublisher
from common.contracts.catalog import CatalogUpdated
from stack.system import CATALOG, PUBLISHER
from stack.testing import eventually

T = TypeVar("T")
Books = Mapping[str, Any]
Blow = Callable[[], AbstractAsyncContextManager[None]]
Act = Callable[["Scene", Blow], Awaitable[Books]]

SOLD = ("NOT-07", "TSH-01")
"""A product, and one with four variations, from the sample."""
CHANGED = "NOT-07"


@dataclass(frozen=True)
class Theatre:
    """The system with a connected shop and a feed whose first run was confirmed."""

    mortal: Mortal
    stage: Stage
    sources: Sources
    folder: Path
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1_000))

    def scene(self, tag: str) -> "Scene":
        """A place for an act; all it makes is named by the tag."""
        return Scene(self, tag)

    async def open(self, online: Sequence[str]) -> None:
        """Connect the shop, and have a product online for the act of each of these tags."""
        await bring_in.connect_shop(self.stage)
        await bring_in.apply_configuration(self.stage, self.sources)
        await publish(self, [event for tag in online for event in self.scene(tag).events(CHANGED)])
        await sell.publish_products(self.stage)
        await self.mortal.rest()


@dataclass(frozen=True)
class Scene:
    """Where one act is played."""

    theatre: Theatre
    tag: str

    @property
    def stage(self) -> Stage:
        """The running system and its merchant."""
        return self.theatre.stage

    @property
    def mortal(self) -> Mortal:
        """The system as one that can be killed."""
        return self.theatre.mortal

    @property
    def prefix(self) -> str:
        """What this act's products and SKU codes begin with."""
        return f"{self.tag}."

    @property
    def shop_key(self) -> str:
        """The shop's key in topics."""
        return f"{self.stage.merchant}/{self.stage.shop}"

    def events(self, *families: str, catalogue: str | None = None) -> list[CatalogUpdated]:
        """These families of the sample as this act's own."""
        chosen = [
            event
            for event in self.theatre.sources.events
            if (event.parent_id or event.product_id) in families
        ]
        return [self._own(event, catalogue or event.catalogue_id) for event in chosen]

    def newest(self, product: str, **changes: Any) -> CatalogUpdated:
        """The next version of a product of this act's."""
        known = [e for e in self.events(CHANGED) if e.product_id == self.prefix + product]
        event = max(known, key=lambda event: event.version or 0)
        fields = event.fields | changes
        return msgspec.structs.replace(event, version=(event.version or 0) + 1, fields=fields)

    def _own(self, event: CatalogUpdated, catalogue: str) -> CatalogUpdated:
        fields = dict(event.fields)
        if fields.get("sku"):
            fields["sku"] = f"{self.prefix}{fields['sku']}"
        return msgspec.structs.replace(
            event,
            catalogue_id=catalogue,
            product_id=self.prefix + event.product_id,
            parent_id=self.prefix + event.parent_id if event.parent_id else None,
            fields=fields,
        )


async def publish(theatre: Theatre, events: Sequence[CatalogUpdated]) -> None:
    """Send events as another system does; wait until feed-publisher works towards them."""
    stage = theatre.stage
    await send(stage, events)
    newest: dict[str, int] = {}
    for event in events:
        newest[event.product_id] = max(event.version or 0, newest.get(event.product_id, 0))
    families = {event.parent_id or event.product_id for event in events}
    catalog, publisher = (theatre.mortal.databases[s.name] for s in (CATALOG, PUBLISHER))

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


async def send(stage: Stage, events: Sequence[CatalogUpdated]) -> None:
    """Publish events as another system does."""
    async with CatalogPublisher(
        stage.kafka_bootstrap, source=bring_in.SOURCE, topic_prefix=stage.topic_prefix
    ) as publisher:
        await publisher.publish(list(events))


async def run(scene: Scene, kind: str) -> None:
    """A run of the feed, to its end."""
    channel, merchant, feed = scene.stage.channel, scene.stage.merchant, scene.stage.feed
    asked = await answer_of(lambda: channel.run_feed(merchant, feed, kind, is_dry_run=False))
    async for told in poll(
        lambda: channel.run(merchant, asked.run_id), within=WITHIN, what=f"the {kind} run"
    ):
        if told.state in RUN_ENDED:
            break
    assert told.state == "completed"


async def connect(stage: Stage) -> None:
    """Walk the pages to connect the shop or to renew it; once more where nobody answered."""

    async def is_connected() -> bool:
        link = await answer_of(lambda: stage.channel.connect_shop(stage.merchant, stage.shop))
        try:
            await agree(link.start_url, seller_id=stage.sandbox.seller_id)
        except httpx2.HTTPError:
            return False
        return True

    await eventually(is_connected, within=WITHIN)


async def answer_of(ask: Callable[[], Awaitable[T]]) -> T:
    """The answer of a service; one that does not answer now is asked again."""
    return await anext(poll(ask, within=WITHIN, what="an answer"))
