"""What a service is about to publish: its outbox, read as typed events."""

from typing import Protocol, TypeVar

import asyncpg
import msgspec

from common.contracts.event import Event

E = TypeVar("E", bound=Event)


class Queries(Protocol):
    """A pool of connections, or one of them."""

    async def fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        """All rows."""


async def outbox_events(database: Queries, event: type[E]) -> list[E]:
    """The events of this type that wait in the outbox, oldest first; they stay there.

    A relay that runs takes them away: for services whose relay does not run.
    """
    rows = await database.fetch(
        "SELECT value FROM outbox WHERE topic = $1 ORDER BY id", event.topic
    )
    return [msgspec.json.decode(row["value"], type=event) for row in rows]
