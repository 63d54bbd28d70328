"""Every secret is pushed through the whole path, at debug level: it stands in no log, span, topic,
table, answer or mail but where it belongs (X5, X6)."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx2
import pytest

from channel_cli.people_calls import People
from channel_cli.settings import AUTH
from channel_demo import bring_in, trade
from channel_demo.sandbox import ShopOrder
from channel_demo.session import Session
from stack.run import Stack
from stack.testing import Marketplace, eventually

from ..shop.test_erased_buyers import records, services_tables_with, topics_of
from .spans import Spans

APP_SECRET = "sandbox-app-secret-not-for-production"
HOOK = "https://receiver.example/hook"
OF_A_BUYER = frozenset({"marketplace_order", "order_change", "outbox"})


@dataclass(frozen=True)
class Person:
    """Somebody new, and what they were shown once."""

    email: str
    secrets: Mapping[str, str]


@pytest.fixture
async def person(session: Session) -> AsyncIterator[Person]:
    """An owner who joins, signs in, enrols a second factor and makes a webhook."""
    email, password = f"canary-{uuid4().hex[:8]}@lumo.example", f"canary {uuid4().hex}"
    people = People(session.channel.session)
    invited = await people.invite(
        session.merchant, email, "owner", language="fr", time_zone="Europe/Paris"
    )
    link = parse_qs(urlsplit(invited.link or "").query)["link"][0]
    async with httpx2.AsyncClient(base_url=session.channel.session.url(AUTH)) as http:
        accepted = {"link": link, "password": password, "display_name": "Canary"}
        await _asked(http, "/v1/invitations/accept", accepted)
        begun = await _asked(http, "/v1/sessions", {"email": email, "password": password})
        held = {"authorization": f"Bearer {begun['session']}"}
        factor = await _asked(http, "/v1/me/second-factor", {"password": password}, held)
        token = await _asked(http, "/v1/sessions/token", {"merchant_id": session.merchant}, held)
        bearer = {"authorization": f"Bearer {token['access_token']}"}
        merchant = f"/v1/merchants/{session.merchant}"
        endpoint = await _asked(http, f"{merchant}/webhooks", {"url": HOOK}, bearer)
        where = f"{merchant}/webhooks/{endpoint['endpoint_id']}"
        test = {"channel": "webhook", "endpoint_id": endpoint["endpoint_id"]}
        await _asked(http, f"{merchant}/alerts/test", test, bearer)
        wrong = {"email": email, "password": f"{password}!"}
        assert (await http.post("/v1/sessions", json=wrong)).status_code == 401
        yield Person(
            email,
            {
                "link": link,
                "password": password,
                "session": begun["session"],
                "second factor": factor["secret"],
                "token": token["access_token"].rpartition(".")[2],
                "webhook": endpoint["secret"].removeprefix("whsec_"),
            },
        )
        (await http.delete(where, headers=bearer)).raise_for_status()


async def test_what_was_shown_once_is_found_nowhere(
    system: Stack, session: Session, spans: Spans, person: Person
) -> None:
    await bring_in.connect_shop(session)
    order = await _order_for(session, "FOR-ANYBODY")
    await trade.import_orders(session)  # calls with the seller's token
    await _ship(session, order)
    client = await session.channel.make_api_client(
        session.merchant, name="canary", scopes=["catalogue:write"]
    )
    key = await session.channel.make_producer_key(session.merchant, client.client_id)
    secrets = {
        **person.secrets,
        **await _of_the_seller(session),
        "client": client.client_secret,
        "producer's key": key.signing_key.partition(":")[2],
        "app": APP_SECRET,
    }

    async def is_mailed() -> bool:
        return bool(await _mailed(session, person.email))

    await eventually(is_mailed)
    assert await _places(system, spans, secrets) == []
    mails = await _mailed(session, person.email)
    assert [name for name, secret in secrets.items() if secret in mails] == ["link"]
    # and what is no secret is found, by the same search
    known = {
        "client": client.client_id,
        "order": order.order_id,
    }
    found = {place for _, place in await _places(system, spans, known)}
    assert found >= {"api_client", "audit", "marketplace_order", "spans", "order-importer.log"}


async def test_a_buyers_name_stands_with_the_order_alone(
    system: Stack, session: Session, spans: Spans
) -> None:
    canary = f"Canary{uuid4().hex[:12]}"
    await bring_in.connect_shop(session)
    order = await _order_for(session, "FOR-A-BUYER")
    marketplace = Marketplace(session.sandbox.http, session.sandbox.seller_id)
    await marketplace.control(f"orders/{order.order_id}/address", name=f"{canary} Doe")
    await trade.import_orders(session)
    await _ship(session, order)
    places = {place for _, place in await _places(system, spans, {"buyer": canary})}
    topics = {place for place in places if "." in place}
    assert places - topics <= OF_A_BUYER
    assert "marketplace_order" in places
    prefix = system.addresses.topic_prefix
    assert {topic.removeprefix(prefix) for topic in topics} <= {
        "order.received",
        "order.updated",
        "order.shipped",
    }
    assert canary not in await _mailed(session)


async def _order_for(session: Session, sku_code: str) -> ShopOrder:
    """An order of a product that the shop has."""
    seller_id = session.sandbox.seller_id
    marketplace = Marketplace(session.sandbox.http, seller_id)
    await marketplace.control("products", seller_id=seller_id, sku_codes=[sku_code])
    return await session.sandbox.place_order(
        [(sku_code, 1)], seed=8_121, status=trade.WAITS_FOR_SELLER
    )


async def _ship(session: Session, order: ShopOrder) -> None:
    """Its parcel, until AliExpress knows of it."""
    parcel = {"carrier": trade.CARRIER, "tracking_number": f"LP{order.order_id}"}
    address = (session.merchant, session.shop, order.order_id)
    await session.channel.ship(*address, parcel, f"canary-{order.order_id}")

    async def is_shipped() -> bool:
        shown = await session.channel.order(*address)
        return [one["state"] for one in shown["parcels"]] == ["confirmed"]

    await eventually(is_shipped)


async def _of_the_seller(session: Session) -> dict[str, str]:
    """Every token AliExpress ever gave for this shop."""
    query = {"seller": session.sandbox.seller_id}
    issued = (await session.sandbox.http.get("/control/tokens", params=query)).json()
    assert issued
    return {
        f"{kind} {number}": one[kind]
        for number, one in enumerate(issued)
        for kind in ("access_token", "refresh_token")
    }


async def _asked(
    http: httpx2.AsyncClient, path: str, body: dict[str, Any], headers: dict[str, str] | None = None
) -> dict[str, Any]:
    answer = await http.post(path, json=body, headers=headers)
    assert answer.is_success, answer.text
    return dict(answer.json()) if answer.content else {}


async def _mailed(session: Session, to: str = "") -> str:
    """All that was mailed, or what was mailed to one."""
    query = {"to": to} if to else {}
    answer = (await session.sandbox.http.get("/control/mails", params=query)).json()
    return str(answer["mails"] or "")


async def _places(system: Stack, spans: Spans, texts: Mapping[str, str]) -> list[tuple[str, str]]:
    """Where any of these stands: logs, what is exported of them, spans, tables, records."""
    found = []
    exported = b"".join(one.span.SerializeToString() for one in spans.by_id.values())
    logged = b"".join(record.SerializeToString() for record in spans.logs)
    for log in system.logs.iterdir():
        if log.name != "sandbox.log":
            written = log.read_text(errors="replace")
            found += [(name, log.name) for name, text in texts.items() if text in written]
    for name, text in texts.items():
        found += [(name, "spans")] if text.encode() in exported else []
        found += [(name, "exported logs")] if text.encode() in logged else []
        found += [(name, table) for table in await services_tables_with(system, text)]
    async for record in records(system, topics_of(system.addresses.topic_prefix)):
        body = (record.value or b"") + (record.key or b"")
        found += [(name, record.topic) for name, text in texts.items() if text.encode() in body]
    return found
