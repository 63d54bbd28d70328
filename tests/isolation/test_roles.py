"""Every route of every service, with the token of each role: what its scopes say, and no more.

The routes come from the OpenAPI documents, so that a new one is tried by itself.
"""

import importlib
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fastapi import FastAPI
from schemas.access import operations, scope_of

from auth_service.clients.issue_jwt import sign_claims
from auth_service.clients.scopes import OPERATOR_SCOPES, SCOPES_OF_ROLE
from auth_service.clients.signing_keys import SigningKeys
from common.postgres.pool import open_pool
from common.service import Context, Service, create_app
from common.web.identity import OPERATOR, Identity, Verifier
from stack.system import SERVICES
from stack.throwaway import StoreAddresses

from .installations import FIRST, SECOND, TABLES, installed

MODULES = [service.module for service in SERVICES]
OF_A_CLIENT = "producer-keys"
"""Keys of an API client: its own, and operators'."""
CHANGED_BY = {"viewer": 0, "agent": 8}
"""How many routes that change something a role opens, over all services."""


@dataclass(frozen=True)
class Served:
    """A service's REST edge on an empty database."""

    app: FastAPI
    http: httpx2.AsyncClient
    routes: Mapping[str, str]
    """The scope of each route that takes tokens."""

    async def status(self, route: str, headers: Mapping[str, str], merchant: str) -> int:
        method, path = route.split()
        filled = re.sub(r"\{merchant_id\}", merchant, path)
        filled = re.sub(r"\{\w*(?:number|version|letter_id|draft_id|import_id)\}", "1", filled)
        filled = re.sub(r"\{[^}]+\}", "1", filled)
        answer = await self.http.request(method, filled, headers=headers)
        assert answer.status_code != 500, (route, answer.text)
        return answer.status_code


def _pem() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


PEM = _pem()
KEYS = SigningKeys.parse(PEM)


def bearer(identity: Identity) -> dict[str, str]:
    signed = sign_claims(KEYS, identity.subject, identity.merchant_id, sorted(identity.scopes))
    return {"authorization": f"Bearer {signed}"}


def _settings(service: Service[Any], url: str) -> Any:
    given = {
        "database_url": url,
        "kafka_bootstrap": "unused:9092",
        "marketplace_url": "http://127.0.0.1:1",
        "auth_url": "http://127.0.0.1:1",
        "app_key": "1",
        "app_secret": "s",
        "master_keys": "k1:" + "MTEx" * 10 + "MTE=",
        "signing_key": PEM,
    }
    return service.settings(
        **{name: value for name, value in given.items() if name in service.settings.model_fields}
    )


async def _empty(owner_url: str, module: str) -> None:
    """The rows of an installation mean nothing, and could not be shown."""
    connection = await asyncpg.connect(owner_url)
    await connection.execute(f"TRUNCATE {', '.join(table.name for table in TABLES[module])}")
    await connection.close()


@pytest.fixture(scope="module")
async def served(stack_addresses: StoreAddresses) -> AsyncIterator[Mapping[str, Served]]:
    async with AsyncExitStack() as stack:
        found = {}
        for module in MODULES:
            made = await stack.enter_async_context(installed(stack_addresses.admin_url, module))
            await _empty(made.owner_url, module)
            service: Service[Any] = importlib.import_module(f"{module}.app").SERVICE
            pool = await open_pool(made.service_url)
            stack.push_async_callback(pool.close)
            verifier = Verifier("http://127.0.0.1:1/never-asked")
            context = Context(_settings(service, made.service_url), pool, verifier)
            app = create_app(service, context, service.build(context))
            verifier.trust(KEYS.verifying())
            http = httpx2.AsyncClient(
                transport=httpx2.ASGITransport(app, raise_app_exceptions=False),
                base_url="http://service",
            )
            await stack.enter_async_context(http)
            routes = {
                route: scope_of(operation)
                for route, operation in operations(app.openapi())
                if any("token" in need for need in operation.get("security", []))
            }
            found[module] = Served(app, http, routes)
        yield found


every_service = pytest.mark.parametrize("module", MODULES)


@every_service
async def test_nobody_comes_in_without_a_token(served: Mapping[str, Served], module: str) -> None:
    service = served[module]
    assert len(service.routes) > 15
    for route in service.routes:
        assert await service.status(route, {}, FIRST) == 401, route


@every_service
@pytest.mark.parametrize("role", [*SCOPES_OF_ROLE, OPERATOR])
async def test_a_role_opens_what_its_scopes_say(
    served: Mapping[str, Served], module: str, role: str
) -> None:
    is_operator = role == OPERATOR
    scopes = OPERATOR_SCOPES if is_operator else SCOPES_OF_ROLE[role]
    person = Identity("person:1", None if is_operator else FIRST, scopes)
    headers = bearer(person)
    for route, scope in served[module].routes.items():
        is_open = is_operator or (
            "{merchant_id}" in route and person.may(scope) and OF_A_CLIENT not in route
        )
        if scope == "token:read":
            is_open = False
        status = await served[module].status(route, headers, FIRST)
        assert (status not in {401, 403}) is is_open, (route, status)


@every_service
@pytest.mark.parametrize("role", SCOPES_OF_ROLE)
async def test_what_is_another_merchants_is_not_there(
    served: Mapping[str, Served], module: str, role: str
) -> None:
    headers = bearer(Identity("person:2", SECOND, SCOPES_OF_ROLE[role]))
    for route, scope in served[module].routes.items():
        status = await served[module].status(route, headers, FIRST)
        is_of_merchant = "{merchant_id}" in route and scope not in {OPERATOR, "token:read"}
        assert status == (404 if is_of_merchant else 403), route


async def test_who_looks_changes_nothing_and_daily_work_is_a_few_routes(
    served: Mapping[str, Served],
) -> None:
    for role, most in CHANGED_BY.items():
        person = Identity("person:1", FIRST, SCOPES_OF_ROLE[role])
        opened = [
            route
            for service in served.values()
            for route, scope in service.routes.items()
            if not route.startswith("GET ") and person.may(scope)
        ]
        alerts = [route for route in opened if "alerts" in route or "troubles" in route]
        assert len(opened) - len(alerts) <= most, opened
