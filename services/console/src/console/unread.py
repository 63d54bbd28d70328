"""How many troubles a person has not read: it stands beside a tab of every page, so it is kept for
a moment, and no page waits for it for long."""

import asyncio

from cachetools import TTLCache

from console.answers.alerts import Unread
from console.services import AUTH, Away, Refused, Services, path
from console.tokens import Tokens, digest

KEPT_SECONDS = 15
KEPT_AT_MOST = 10_000
_Key = tuple[bytes, str]
"""A session's digest, and the merchant."""


class UnreadCounts:
    """The counts, by session and merchant. `within` is how long a page waits for one, in
    seconds."""

    def __init__(self, services: Services, tokens: Tokens, *, within: float) -> None:
        self._services = services
        self._tokens = tokens
        self._within = within
        self._known: TTLCache[_Key, int | None] = TTLCache(KEPT_AT_MOST, KEPT_SECONDS)

    async def count(self, session: str, merchant_id: str) -> int | None:
        """The member's count; None where it is not known: not in time, or not for them.

        That too is kept for a moment, so that a slow service holds up one page and not each.
        """
        key: _Key = (digest(session), merchant_id)
        if key not in self._known:
            self._known[key] = await self._asked(session, merchant_id)
        return self._known.get(key)

    async def _asked(self, session: str, merchant_id: str) -> int | None:
        try:
            async with asyncio.timeout(self._within):
                grant = await self._tokens.grant(session, merchant_id)
                found = await self._services.send(
                    "GET",
                    AUTH,
                    path("/v1/merchants/{}/alerts/unread", merchant_id),
                    Unread,
                    within=self._within,
                    bearer=grant.access_token,
                )
        except (TimeoutError, Refused, Away):
            return None
        return found.count

    def forget(self, session: str, merchant_id: str) -> None:
        """Ask again next time: something was read."""
        self._known.pop((digest(session), merchant_id), None)
