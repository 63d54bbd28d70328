"""auth-service's routes of troubles, subscriptions and webhooks as typed calls; each raises
`Problem`."""

from collections.abc import AsyncIterator, Mapping, Sequence

from channel_cli.alert_answers import (
    Delivery,
    Endpoint,
    NewSecret,
    Subscriptions,
    TestSent,
    Trouble,
)
from channel_cli.client import route_of
from channel_cli.session import Query, Session
from channel_cli.settings import AUTH


class Alerts:
    """What is wrong at a merchant, and who is told of it."""

    def __init__(self, session: Session, merchant: str) -> None:
        self._session = session
        self._merchant = merchant

    def troubles(self, query: Query) -> AsyncIterator[Trouble]:
        """The merchant's troubles, the newest first."""
        return self._session.items(AUTH, self._path("troubles"), Trouble, query)

    async def acknowledge(self, trouble_id: str) -> Trouble:
        """Say that somebody takes care."""
        path = self._path("troubles", trouble_id, "acknowledge")
        return await self._session.send("POST", AUTH, path, Trouble)

    async def subscriptions(self, person_id: str) -> Subscriptions:
        """What the person is told of."""
        path = self._path("alerts", "subscriptions", person_id)
        return await self._session.get(AUTH, path, Subscriptions)

    async def subscribe(
        self, person_id: str, choices: Mapping[tuple[str, str], bool]
    ) -> Subscriptions:
        """Choose what the person is told of; what is not named follows from the role."""
        body = {
            "choices": [
                {"kind": kind, "channel": channel, "is_on": value}
                for (kind, channel), value in choices.items()
            ]
        }
        path = self._path("alerts", "subscriptions", person_id)
        return await self._session.send("PUT", AUTH, path, Subscriptions, body=body)

    async def try_mail(self, person_id: str) -> TestSent:
        """Send the person a test mail."""
        body = {"channel": "mail", "person_id": person_id}
        return await self._try(body)

    async def try_webhook(self, endpoint_id: str) -> TestSent:
        """Send the endpoint a test event."""
        return await self._try({"channel": "webhook", "endpoint_id": endpoint_id})

    async def _try(self, body: Mapping[str, str]) -> TestSent:
        return await self._session.send(
            "POST", AUTH, self._path("alerts", "test"), TestSent, body=dict(body)
        )

    # ---- webhooks

    def endpoints(self) -> AsyncIterator[Endpoint]:
        """The merchant's endpoints."""
        return self._session.items(AUTH, self._path("webhooks"), Endpoint)

    async def add_endpoint(self, url: str, *, description: str, kinds: Sequence[str]) -> Endpoint:
        """A new endpoint, with its secret."""
        body = {"url": url, "description": description, "kinds": list(kinds)}
        return await self._session.send("POST", AUTH, self._path("webhooks"), Endpoint, body=body)

    async def remove_endpoint(self, endpoint_id: str) -> None:
        """Forget an endpoint."""
        await self._session.send("DELETE", AUTH, self._path("webhooks", endpoint_id), type(None))

    async def enable_endpoint(self, endpoint_id: str) -> Endpoint:
        """Deliver to it again."""
        path = self._path("webhooks", endpoint_id, "enable")
        return await self._session.send("POST", AUTH, path, Endpoint)

    async def rotate_secret(self, endpoint_id: str) -> NewSecret:
        """A new secret beside the present one."""
        path = self._path("webhooks", endpoint_id, "secret")
        return await self._session.send("POST", AUTH, path, NewSecret)

    def deliveries(self, endpoint_id: str, state: str | None) -> AsyncIterator[Delivery]:
        """What was delivered to it, the newest first."""
        path = self._path("webhooks", endpoint_id, "deliveries")
        return self._session.items(AUTH, path, Delivery, {"state": state})

    async def replay(self, endpoint_id: str, delivery_id: str) -> Delivery:
        """Deliver it again."""
        path = self._path("webhooks", endpoint_id, "deliveries", delivery_id, "replay")
        return await self._session.send("POST", AUTH, path, Delivery)

    def _path(self, *parts: str) -> str:
        return route_of(self._merchant, *parts)
