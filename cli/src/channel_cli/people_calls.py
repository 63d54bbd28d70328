"""auth-service's routes of people and API clients as typed calls; each raises `Problem`."""

from collections.abc import AsyncIterator

from channel_cli.client import route_of
from channel_cli.people_answers import (
    AuditRow,
    EndedSessions,
    InvitedPerson,
    ListedClient,
    Member,
    Operators,
    Person,
    PersonSessions,
    RotatedClient,
)
from channel_cli.session import Query, Session
from channel_cli.settings import AUTH


class People:
    """Who works for a merchant, and who runs the installation."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def members(self, merchant: str) -> AsyncIterator[Member]:
        """The merchant's members, and who is invited."""
        return self._session.items(AUTH, route_of(merchant, "members"), Member)

    def everyone(self, email: str | None = None) -> AsyncIterator[Person]:
        """All people of the installation, or the one of an address."""
        return self._session.items(AUTH, "/v1/people", Person, {"email": email})

    async def operators(self) -> list[Person]:
        """Who runs the installation."""
        return (await self._session.get(AUTH, "/v1/operators", Operators)).items

    async def invite(
        self, merchant: str, email: str, role: str, *, language: str, time_zone: str
    ) -> InvitedPerson:
        """Invite somebody to work for the merchant."""
        body = {"email": email, "role": role, "language": language, "time_zone": time_zone}
        path = route_of(merchant, "members")
        return await self._session.send("POST", AUTH, path, InvitedPerson, body=body)

    async def invite_operator(self, email: str) -> InvitedPerson:
        """Invite somebody to run the installation."""
        return await self._session.send(
            "POST", AUTH, "/v1/operators", InvitedPerson, body={"email": email}
        )

    async def set_role(self, merchant: str, person_id: str, role: str) -> None:
        """Change what a member may do."""
        path = route_of(merchant, "members", person_id)
        await self._session.send("PUT", AUTH, path, type(None), body={"role": role})

    async def remove(self, merchant: str, person_id: str) -> None:
        """End a membership."""
        path = route_of(merchant, "members", person_id)
        await self._session.send("DELETE", AUTH, path, type(None))

    async def remove_operator(self, person_id: str) -> None:
        """Make somebody an operator no longer."""
        await self._session.send("DELETE", AUTH, f"/v1/operators/{person_id}", type(None))

    async def reset(self, email: str) -> InvitedPerson:
        """A link to set another password."""
        return await self._session.send(
            "POST", AUTH, "/v1/people/reset", InvitedPerson, body={"email": email}
        )

    async def sessions(self, person_id: str) -> PersonSessions:
        """Where somebody is signed in."""
        return await self._session.get(AUTH, f"/v1/people/{person_id}/sessions", PersonSessions)

    async def end_sessions(self, person_id: str) -> EndedSessions:
        """Sign somebody out everywhere."""
        path = f"/v1/people/{person_id}/sessions"
        return await self._session.send("DELETE", AUTH, path, EndedSessions)


class Clients:
    """The API clients of a merchant."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def of_merchant(self, merchant: str) -> AsyncIterator[ListedClient]:
        """The merchant's clients."""
        return self._session.items(AUTH, route_of(merchant, "api-clients"), ListedClient)

    def all(self) -> AsyncIterator[ListedClient]:
        """All clients, those of services and operators too."""
        return self._session.items(AUTH, "/v1/api-clients", ListedClient)

    async def rotate(self, merchant: str, client_id: str, overlap_hours: int) -> RotatedClient:
        """Another secret; the one so far is taken for the overlap."""
        path = route_of(merchant, "api-clients", client_id, "rotate")
        body = {"overlap_hours": overlap_hours}
        return await self._session.send("POST", AUTH, path, RotatedClient, body=body)

    async def revoke(self, merchant: str, client_id: str) -> None:
        """No token is given to the client any more."""
        path = route_of(merchant, "api-clients", client_id)
        await self._session.send("DELETE", AUTH, path, type(None))


def audit_of(
    session: Session, service: str, merchant: str | None, query: Query
) -> AsyncIterator[AuditRow]:
    """A service's audit of a merchant, or of everyone for operators; the newest first."""
    path = "/v1/audit" if merchant is None else route_of(merchant, "audit")
    return session.items(service, path, AuditRow, query, limit=50)
