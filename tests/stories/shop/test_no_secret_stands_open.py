"""Every secret of people and systems is given once, to whom it is for: it stands in no log, at any
level, in no table, record or mail afterwards (X5, X6)."""

from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx2

from channel_cli.people_calls import People
from channel_cli.settings import AUTH
from stack.run import Stack
from stack.testing import eventually

from ..sample import Sold
from .test_erased_buyers import records, services_tables_with, topics_of

APP_SECRET = "sandbox-app-secret-not-for-production"


async def test_what_was_shown_once_is_found_nowhere(system: Stack, sold: Sold) -> None:
    session = sold.session
    password = f"canary {uuid4().hex}"
    email = f"canary-{uuid4().hex[:8]}@lumo.example"
    people = People(session.channel.session)
    invited = await people.invite(
        session.merchant, email, "owner", language="fr", time_zone="Europe/Paris"
    )
    assert invited.link is not None
    link = parse_qs(urlsplit(invited.link).query)["link"][0]
    await eventually(lambda: _is_mailed(sold, email))

    url = session.channel.session.url(AUTH)
    async with httpx2.AsyncClient(base_url=url) as http:
        accepted = {"link": link, "password": password, "display_name": "Canary"}
        await _asked(http, "/v1/invitations/accept", accepted)
        begun = await _asked(http, "/v1/sessions", {"email": email, "password": password})
        held = {"authorization": f"Bearer {begun['session']}"}
        factor = await _asked(http, "/v1/me/second-factor", {"password": password}, held)
        token = await _asked(http, "/v1/sessions/token", {"merchant_id": session.merchant}, held)
        bearer = {"authorization": f"Bearer {token['access_token']}"}
        merchant = f"/v1/merchants/{session.merchant}"
        endpoint = await _asked(
            http, f"{merchant}/webhooks", {"url": "https://receiver.example/hook"}, bearer
        )
        test = {"channel": "webhook", "endpoint_id": endpoint["endpoint_id"]}
        await _asked(http, f"{merchant}/alerts/test", test, bearer)
        wrong = {"email": email, "password": f"{password}!"}
        assert (await http.post("/v1/sessions", json=wrong)).status_code == 401
    client = await session.channel.make_api_client(
        session.merchant, name="canary", scopes=["catalogue:write"]
    )
    key = await session.channel.make_producer_key(session.merchant, client.client_id)
    secrets = {
        "link": link,
        "password": password,
        "session": begun["session"],
        "second factor": factor["secret"],
        "token": token["access_token"].rpartition(".")[2],
        "webhook": endpoint["secret"].removeprefix("whsec_"),
        "client": client.client_secret,
        "producer's key": key.signing_key.partition(":")[2],
        "app": APP_SECRET,
    }
    assert await _places(system, secrets) == []
    written_down = await _places(system, {"address": email, "client": client.client_id})
    assert {table for _, table in written_down} >= {"person", "api_client", "audit"}


async def _asked(
    http: httpx2.AsyncClient, path: str, body: dict[str, Any], headers: dict[str, str] | None = None
) -> dict[str, Any]:
    answer = await http.post(path, json=body, headers=headers)
    assert answer.is_success, answer.text
    return dict(answer.json()) if answer.content else {}


async def _is_mailed(sold: Sold, email: str) -> bool:
    page = await sold.session.sandbox.http.get("/mails")
    return email in page.text


async def _places(system: Stack, secrets: dict[str, str]) -> list[tuple[str, str]]:
    """Where any of these stands: logs, tables, records."""
    found = []
    for log in system.logs.iterdir():
        if log.name != "sandbox.log":
            text = log.read_text(errors="replace")
            found += [(name, log.name) for name, secret in secrets.items() if secret in text]
    for name, secret in secrets.items():
        found += [(name, table) for table in await services_tables_with(system, secret)]
    async for record in records(system, topics_of(system.addresses.topic_prefix)):
        body = (record.value or b"") + (record.key or b"")
        found += [
            (name, record.topic) for name, secret in secrets.items() if secret.encode() in body
        ]
    return found
