"""feed-publisher's routes of adoption as typed calls; each raises `Problem`."""

from collections.abc import AsyncIterator, Sequence

from channel_cli.adoption_answers import Adopted, AdoptedPage, AdoptionOutcome, Candidate
from channel_cli.client import route_of
from channel_cli.session import Session
from channel_cli.settings import PUBLISHER

AT_ONCE = 25
"""The most that a request may name."""


class FeedAdoptions:
    """The products that were online before and that one feed could take over."""

    def __init__(self, session: Session, merchant: str, feed: str) -> None:
        self._session = session
        self._of = (merchant, "feeds", feed)

    def candidates(self) -> AsyncIterator[Candidate]:
        """All of them, by product of the feed."""
        return self._session.items(PUBLISHER, route_of(*self._of, "adoptions"), Candidate)

    async def adopt(self, chosen: Sequence[Candidate]) -> Adopted:
        """Adopt these; each is refused or adopted by itself."""
        items: list[AdoptionOutcome] = []
        for start in range(0, len(chosen), AT_ONCE):
            body = {
                "items": [
                    {
                        "family_id": one.family_id,
                        "marketplace_product_id": one.marketplace_product_id,
                    }
                    for one in chosen[start : start + AT_ONCE]
                ]
            }
            page = await self._session.send(
                "POST", PUBLISHER, route_of(*self._of, "adoptions"), AdoptedPage, body=body
            )
            items += page.items
            if page.stopped:
                return Adopted(items=items, stopped=page.stopped)
        return Adopted(items=items)

    async def adopt_all(self) -> Adopted:
        """Adopt all that are not ambiguous."""
        items: list[AdoptionOutcome] = []
        cursor: str | None = None
        while True:
            page = await self._session.send(
                "POST",
                PUBLISHER,
                route_of(*self._of, "adopt-all"),
                AdoptedPage,
                query={"cursor": cursor},
            )
            items += page.items
            cursor = page.next_cursor
            if page.stopped or cursor is None:
                return Adopted(items=items, stopped=page.stopped)
