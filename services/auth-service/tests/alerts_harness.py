"""Conditions, the clock, caught mails and a webhook's receiver, for tests of alerts."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from auth_service.troubles.follow_conditions import follow_conditions
from common import clock
from common.contracts.condition import ConditionState
from common.contracts.envelope import EncodedEvent, decode, encode
from common.messaging.records import Delivery, Record
from common.postgres.unit_of_work import unit_of_work
from stack.sandbox import Sandbox
from stack.testing.serving import serving

from .auth_harness import Auth, migrate, running_auth

START = datetime(2026, 11, 2, 8, tzinfo=UTC)
TELLING = ("tend-troubles", "tell", "send-mails")


def delivered(state: ConditionState, offset: int = 0) -> Delivery[ConditionState]:
    """The condition as the consumer hands it to its handler."""
    encoded: EncodedEvent = encode(state, source="/test")
    headers = [(name, value) for name, value in encoded.headers]
    envelope = decode(ConditionState, headers=headers, key=encoded.key, value=encoded.value)
    record = Record("condition.state", 0, offset, 0, encoded.key, encoded.value, headers)
    return Delivery(envelope, record)


@dataclass
class Alerts:
    """auth-service with a clock that stands, and mails caught by the sandbox."""

    auth: Auth
    sandbox: Sandbox
    revision: int = 0
    sent_by: dict[str, Any] = field(default_factory=dict)

    async def condition(
        self,
        kind: str = "feed_idle",
        subject: str = "feed/summer",
        *,
        present: bool = True,
        merchant_id: str = "shein",
        revision: int | None = None,
        **more: Any,
    ) -> None:
        """Another service says that this is there, or over."""
        self.revision += 1
        state = ConditionState(
            merchant_id=merchant_id,
            kind=kind,
            subject=subject,
            present=present,
            since=clock.now(),
            ended_at=None if present else clock.now(),
            revision=self.revision if revision is None else revision,
            **more,
        )
        await self.apply(state)

    async def apply(self, *states: ConditionState) -> None:
        async with unit_of_work(self.auth.pool) as connection:
            assert not await follow_conditions(connection, [delivered(one) for one in states])

    def at(self, moment: datetime) -> None:
        """The clock stands at this time."""
        clock.set_to(moment, is_frozen=True)

    def after(self, **span: float) -> None:
        """So much later."""
        self.at(clock.now() + timedelta(**span))

    async def tell(self) -> None:
        """Everything that is due is told and sent."""
        await self.auth.run(*TELLING)

    async def mails(self, to: str = "") -> list[dict[str, Any]]:
        """The mails that were caught."""
        async with httpx2.AsyncClient(base_url=self.sandbox.url) as http:
            answer = await http.get("/control/mails", params={"to": to})
        found: list[dict[str, Any]] = answer.raise_for_status().json()["mails"]
        return found

    async def subjects(self, to: str = "") -> list[str]:
        return [mail["subject"] for mail in await self.mails(to)]

    async def refuse_mails(self, code: int, count: int) -> None:
        async with httpx2.AsyncClient(base_url=self.sandbox.url) as http:
            body = {"code": code, "count": count}
            (await http.post("/control/mails/refuse", json=body)).raise_for_status()


@asynccontextmanager
async def running_alerts(url: str, sandbox: Sandbox, **changes: object) -> AsyncIterator[Alerts]:
    """auth-service whose mails go to the sandbox, which has none yet."""
    async with httpx2.AsyncClient(base_url=sandbox.url) as http:
        (await http.delete("/control/mails")).raise_for_status()
    given: dict[str, object] = {
        "smtp_host": "127.0.0.1",
        "smtp_port": sandbox.smtp_port,
        "smtp_security": "none",
        "smtp_from": "Channel <channel@channel.example>",
        "alerts_gathered_seconds": 0,
        **changes,
    }
    async with asynccontextmanager(running_auth)(url, sandbox.url, **given) as auth:
        alerts = Alerts(auth, sandbox)
        alerts.at(START)
        await auth.register()
        yield alerts


@pytest.fixture
async def alerts(database: Any, sandbox: Sandbox, _own_clock: None) -> AsyncIterator[Alerts]:
    async with running_alerts(await database(migrate), sandbox) as running:
        yield running


@dataclass
class Receiver:
    """A webhook's receiver that verifies signatures; it answers with `status`."""

    url: str = ""
    status: int = 204
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    secret: str = ""
    taken: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Ids and bodies, in the order they came."""
    asked: int = 0
    forged: int = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.asked += 1
        try:
            Webhook(self.secret).verify(body, headers)
        except WebhookVerificationError:
            self.forged += 1
        if 200 <= self.status < 300:
            self.taken.append((headers["webhook-id"], json.loads(body)))
        start = {"type": "http.response.start", "status": self.status, "headers": self.headers}
        await send(start)
        await send({"type": "http.response.body", "body": b""})

    @property
    def types(self) -> list[str]:
        return [body["type"] for _, body in self.taken]


@asynccontextmanager
async def running_receiver() -> AsyncIterator[Receiver]:
    """A receiver on a port of this machine."""
    receiver = Receiver()
    async with serving(receiver) as url:  # type: ignore[arg-type]  # an ASGI app
        receiver.url = url
        yield receiver
