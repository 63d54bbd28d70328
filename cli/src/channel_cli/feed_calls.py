"""catalog-service's routes of feeds' configurations as typed calls; each raises `Problem`."""

from collections.abc import AsyncIterator
from typing import Any

from channel_cli.answers import AppliedFeed
from channel_cli.client import if_version, route_of
from channel_cli.feed_answers import (
    Diff,
    Draft,
    FamilyChange,
    FeedConfiguration,
    Version,
    WholeVersion,
)
from channel_cli.session import Session
from channel_cli.settings import CATALOG


class FeedConfigurations:
    """The configurations of one feed."""

    def __init__(self, session: Session, merchant: str, feed: str) -> None:
        self._session = session
        self._of = (merchant, "feeds", feed)

    async def present(self) -> FeedConfiguration:
        """The feed with its present configuration."""
        return await self._session.get(CATALOG, route_of(*self._of), FeedConfiguration)

    async def remove(self) -> None:
        """Remove the feed; its products are then deleted from the shop."""
        await self._session.send("DELETE", CATALOG, route_of(*self._of), type(None))

    def versions(self) -> AsyncIterator[Version]:
        """Every configuration it has had, the newest first."""
        return self._session.items(CATALOG, route_of(*self._of, "versions"), Version)

    async def version(self, number: int) -> WholeVersion:
        """One of them."""
        path = route_of(*self._of, "versions", str(number))
        return await self._session.get(CATALOG, path, WholeVersion)

    async def diff(self, number: int, against: int | None) -> Diff:
        """What tells a version apart from another, or from the one before."""
        path = route_of(*self._of, "versions", str(number), "diff")
        return await self._session.get(CATALOG, path, Diff, {"against": against})

    async def roll_back(
        self, number: int, *, note: str | None, version: int | None = None
    ) -> AppliedFeed:
        """Apply an earlier version again, as a new one; see `Channel.apply_feed`."""
        return await self._session.send(
            "POST",
            CATALOG,
            route_of(*self._of, "versions", str(number), "rollback"),
            AppliedFeed,
            query={"note": note},
            headers=if_version(version),
        )

    # ---- drafts

    async def begin_draft(self, configuration: dict[str, Any]) -> Draft:
        """Try a configuration on every product of the feed."""
        path = route_of(*self._of, "drafts")
        return await self._session.send("POST", CATALOG, path, Draft, body=configuration)

    def drafts(self) -> AsyncIterator[Draft]:
        """The feed's drafts, the newest first."""
        return self._session.items(CATALOG, route_of(*self._of, "drafts"), Draft)

    async def drop_draft(self, number: int) -> None:
        """Forget a draft."""
        path = route_of(*self._of, "drafts", str(number))
        await self._session.send("DELETE", CATALOG, path, type(None))

    async def draft(self, number: int) -> Draft:
        """How far a draft is, and what it would do."""
        path = route_of(*self._of, "drafts", str(number))
        return await self._session.get(CATALOG, path, Draft)

    def changes(self, number: int) -> AsyncIterator[FamilyChange]:
        """What would become of each product that does not stay as it is."""
        path = route_of(*self._of, "drafts", str(number), "changes")
        return self._session.items(CATALOG, path, FamilyChange)

    async def apply_draft(self, number: int, *, note: str | None) -> AppliedFeed:
        """Save the draft's configuration, if the feed is still what it was when it began."""
        path = route_of(*self._of, "drafts", str(number), "apply")
        return await self._session.send("POST", CATALOG, path, AppliedFeed, query={"note": note})
