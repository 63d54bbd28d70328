"""catalog-service's routes of a feed's suggestions as typed calls; each raises `Problem`."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from channel_cli.answers import Answer, AppliedFeed
from channel_cli.client import if_version, route_of
from channel_cli.session import Session
from channel_cli.settings import CATALOG


class Candidate(Answer, frozen=True, kw_only=True):
    """What may be taken, how well it fits (0 to 1), and why."""

    take: str
    name: str
    score: float
    why: str


class Suggestion(Answer, frozen=True, kw_only=True):
    """What waits for a decision: a category path, an attribute or a value of an attribute."""

    kind: str
    of: str
    products: int
    candidates: list[Candidate]
    attribute: str | None = None
    section: str | None = None
    is_awaited: bool = False


class Suggestions:
    """The suggestions of one feed."""

    def __init__(self, session: Session, merchant: str, feed: str) -> None:
        self._session = session
        self._of = (merchant, "feeds", feed, "suggestions")

    def of_kind(self, kind: str, *, attribute: str | None = None) -> AsyncIterator[Suggestion]:
        """What the feed lacks of a kind, that on which the most products wait first."""
        query = {"kind": kind, "attribute": attribute}
        return self._session.items(CATALOG, route_of(*self._of), Suggestion, query, limit=50)

    async def accept(
        self, accepted: Sequence[dict[str, Any]], *, note: str | None, version: int | None
    ) -> AppliedFeed:
        """Save the configuration with these in it; see `Channel.apply_feed`."""
        return await self._session.send(
            "POST",
            CATALOG,
            route_of(*self._of, "accept"),
            AppliedFeed,
            body={"accepted": list(accepted)},
            query={"note": note},
            headers=if_version(version),
        )
