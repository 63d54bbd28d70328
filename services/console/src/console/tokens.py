"""Sessions exchanged for JWTs, and who they are of: kept in memory for at most a minute."""

import hashlib

import msgspec
from cachetools import TTLCache

from console.services import AUTH, Services

KEPT_SECONDS = 60
KEPT_AT_MOST = 10_000
_Key = tuple[bytes, str | None]
"""A session's digest and the merchant of a token; empty: an operator's, None: who it is."""


class Membership(msgspec.Struct, frozen=True):
    """What a person is to a merchant: owner, agent or viewer."""

    merchant_id: str
    role: str


class Me(msgspec.Struct, frozen=True):
    """Who is signed in."""

    person_id: str
    email: str
    display_name: str
    language: str
    time_zone: str
    is_operator: bool
    has_second_factor: bool
    memberships: list[Membership]


class Grant(msgspec.Struct, frozen=True):
    """A token for a merchant, or an operator's; `scopes` is what may be done with it."""

    access_token: str
    role: str
    scopes: list[str]


class Tokens:
    """What sessions are worth. A session that has ended elsewhere is known so within a minute."""

    def __init__(self, services: Services, *, within: float) -> None:
        self._services = services
        self._within = within
        self._known: TTLCache[_Key, Grant | Me] = TTLCache(KEPT_AT_MOST, KEPT_SECONDS)

    async def me(self, session: str) -> Me:
        """Who holds the session. Raises `Refused` (401) when it has ended, and `Away`."""
        key: _Key = (digest(session), None)
        found = self._known.get(key)
        if not isinstance(found, Me):
            found = await self._services.send(
                "GET", AUTH, "/v1/me", Me, within=self._within, bearer=session
            )
            self._known[key] = found
        return found

    async def grant(self, session: str, merchant_id: str | None) -> Grant:
        """A token for the merchant, None: an operator's. Raises `Refused` and `Away`."""
        key: _Key = (digest(session), merchant_id or "")
        found = self._known.get(key)
        if not isinstance(found, Grant):
            found = await self._services.send(
                "POST",
                AUTH,
                "/v1/sessions/token",
                Grant,
                within=self._within,
                bearer=session,
                body={"merchant_id": merchant_id},
            )
            self._known[key] = found
        return found

    def forget(self, session: str) -> None:
        """Ask again next time: the session was ended, or its person changed."""
        found = digest(session)
        for key in [key for key in self._known if key[0] == found]:
            self._known.pop(key, None)


def digest(session: str) -> bytes:
    """By what a session is known here, which is not kept itself."""
    return hashlib.sha256(session.encode()).digest()
