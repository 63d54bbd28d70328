"""The services' routes of one SKU as typed calls; each raises `Problem`, but for what it says."""

from channel_cli.client import route_of
from channel_cli.session import Problem, Session
from channel_cli.settings import CATALOG, PUBLISHER
from channel_cli.sku_answers import PublishedSku, WantedSku


class FeedSkus:
    """The SKUs of one feed."""

    def __init__(self, session: Session, merchant: str, feed: str) -> None:
        self._session = session
        self._of = (merchant, "feeds", feed, "skus")

    async def wanted(self, sku: str) -> WantedSku:
        """From its source row to what is wanted of it."""
        return await self._session.get(CATALOG, route_of(*self._of, sku), WantedSku)

    async def published(self, sku: str, family: str | None, *, is_live: bool) -> PublishedSku:
        """From what is desired to what AliExpress shows, read just now where `is_live`."""
        query = {"family_id": family, "live": is_live}
        return await self._session.get(PUBLISHER, route_of(*self._of, sku), PublishedSku, query)

    async def both(
        self, sku: str, *, is_live: bool
    ) -> tuple[WantedSku | None, PublishedSku | None]:
        """Both parts; None where a service does not know the SKU, or is not up to it yet.

        Raises the first service's `Problem` where neither knows it: that names the nearest.
        """
        unknown: Problem | None = None
        wanted: WantedSku | None = None
        published: PublishedSku | None = None
        try:
            wanted = await self.wanted(sku)
        except Problem as problem:
            unknown = _unless_unknown(problem)
        try:
            family = wanted.family_id if wanted else None
            published = await self.published(sku, family, is_live=is_live)
        except Problem as problem:
            _unless_unknown(problem)
        if wanted is None and published is None and unknown is not None:
            raise unknown
        return wanted, published


def _unless_unknown(problem: Problem) -> Problem:
    """The problem, if it is that nothing of that name is known; any other is raised."""
    if problem.details.status != 404:
        raise problem
    return problem
