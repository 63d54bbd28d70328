"""auth-service on a database of its own, called through its REST edge, and sellers to connect."""

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit

import asyncpg
import httpx2
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import SecretStr

from auth_service.app import SERVICE
from auth_service.clients.issue_jwt import sign_claims
from auth_service.clients.scopes import SCOPES_OF_ROLE
from auth_service.clients.signing_keys import SigningKeys
from auth_service.people.person import Person, Role
from auth_service.people.store import ensure_person, save_membership
from auth_service.sealing.token_vault import TokenVault
from auth_service.settings import AuthSettings
from common import clock, clock_source
from common.contracts.event import Event
from common.jobs import Job
from common.postgres.migrate import upgrade
from common.postgres.pool import Pool, open_pool
from common.postgres.unit_of_work import unit_of_work
from common.service import Context, Parts, create_app
from common.web.identity import OPERATOR, PERSON, Verifier
from stack.forkserver import ForkServer
from stack.sandbox import Sandbox, running_sandbox
from stack.testing import Databases, NewDatabase

E = TypeVar("E", bound=Event)

MASTER_KEY = "k1:" + base64.b64encode(b"1" * 32).decode()


async def migrate(url: str) -> None:
    await asyncio.to_thread(upgrade, SERVICE.migrations, url)


def new_signing_key() -> str:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@dataclass
class Auth:
    """The service under test, and ways to be this or that caller."""

    http: httpx2.AsyncClient
    pool: Pool
    settings: AuthSettings
    keys: SigningKeys
    parts: Parts

    @property
    def vault(self) -> TokenVault:
        return TokenVault.parse(self.settings.master_keys.get_secret_value())

    def bearer(
        self, *scopes: str, merchant_id: str | None = None, subject: str = "test"
    ) -> dict[str, str]:
        token = sign_claims(self.keys, subject, merchant_id, list(scopes))
        return {"authorization": f"Bearer {token}"}

    @property
    def operator(self) -> dict[str, str]:
        return self.bearer(OPERATOR)

    @property
    def service(self) -> dict[str, str]:
        return self.bearer("token:read")

    async def register(self, merchant_id: str = "shein", *, is_eligible: bool = True) -> None:
        answer = await self.http.put(
            f"/v1/merchants/{merchant_id}",
            json={"name": merchant_id.title(), "is_eligible": is_eligible},
            headers=self.operator,
        )
        assert answer.status_code == 200, answer.text

    async def connect(self, merchant_id: str = "shein", shop_id: str = "main") -> httpx2.Response:
        return await self.http.post(
            f"/v1/merchants/{merchant_id}/shops/{shop_id}/connect",
            headers=self.bearer("shops:write", merchant_id=merchant_id),
        )

    async def start(self, merchant_id: str = "shein", shop_id: str = "main") -> str:
        """Open the start link; the state that travels to AliExpress. The cookie stays in `http`."""
        started = await self.connect(merchant_id, shop_id)
        assert started.status_code == 201, started.text
        redirect = await self.go_on(started.json()["start_url"])
        assert redirect.status_code == 303, redirect.text
        return parse_qs(urlsplit(redirect.headers["location"]).query)["state"][0]

    async def go_on(self, start_url: str) -> httpx2.Response:
        """Open the link, and press the button of its page."""
        page = await self.http.get(start_url)
        return page if page.is_error else await self.http.post(start_url)

    async def callback(self, state: str | None, code: str | None) -> httpx2.Response:
        query = {"state": state, "code": code}
        return await self.http.get(
            "/v1/oauth/callback", params={k: v for k, v in query.items() if v is not None}
        )

    async def events(self, event: type[E]) -> list[E]:
        rows = await self.pool.fetch(
            "SELECT value FROM outbox WHERE topic = $1 ORDER BY id", event.topic
        )
        return [msgspec.json.decode(row["value"], type=event) for row in rows]

    async def run(self, *jobs: str) -> None:
        """Let these jobs take turns until they find nothing to do, in this order."""
        by_name = {job.name: job for job in self.parts.jobs if isinstance(job, Job)}
        for name in jobs:
            while await by_name[name]._run_once():
                pass

    async def member(
        self,
        role: Role = "owner",
        merchant_id: str = "shein",
        *,
        email: str | None = None,
        language: str = "en",
    ) -> Person:
        """Somebody who works for the merchant."""
        async with unit_of_work(self.pool) as connection:
            person = await ensure_person(
                connection, email or f"{role}@{merchant_id}.example", language=language
            )
            await save_membership(
                connection, merchant_id, person.person_id, role, accepted_at=clock.now()
            )
        return person

    def as_person(self, person: Person, role: Role, merchant_id: str = "shein") -> dict[str, str]:
        """The person's token for this merchant."""
        scopes = SCOPES_OF_ROLE[role]
        return self.bearer(*scopes, merchant_id=merchant_id, subject=PERSON + person.person_id)

    async def row(self, merchant_id: str = "shein", shop_id: str = "main") -> asyncpg.Record:
        found = await self.pool.fetchrow(
            "SELECT * FROM shop WHERE merchant_id = $1 AND shop_id = $2", merchant_id, shop_id
        )
        assert found is not None
        return found


async def running_auth(
    url: str, marketplace_url: str, shared: Pool | None = None, /, **changes: object
) -> AsyncIterator[Auth]:
    """auth-service on the database of this URL, by a pool of its own unless it is given one."""
    signing_key = new_signing_key()
    settings = AuthSettings(
        **{
            "database_url": SecretStr(url),
            "kafka_bootstrap": "unused:9092",
            "master_keys": SecretStr(MASTER_KEY),
            "signing_key": SecretStr(signing_key),
            "marketplace_url": marketplace_url,
            "app_key": "500100",
            "app_secret": SecretStr("sandbox-app-secret-not-for-production"),
            "eligibility_contact": "sellers@channel.example",
            # the least that argon2 takes
            "password_memory_kib": 8,
            "password_passes": 1,
            "password_lanes": 1,
            **changes,
        }  # type: ignore[arg-type]
    )
    pool = shared or await open_pool(url, max_size=4)
    context = Context(settings, pool, Verifier("http://127.0.0.1:1/never-asked"))
    parts = SERVICE.build(context)
    app = create_app(SERVICE, context, parts)
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app), base_url="http://127.0.0.1:8001"
    ) as http:
        yield Auth(http, pool, settings, SigningKeys.parse(signing_key), parts)
    for closer in parts.closers:
        closing = closer()
        if asyncio.iscoroutine(closing):
            await closing
    if shared is None:
        await pool.close()


@pytest.fixture(scope="session")
async def shared_pool(databases: Databases) -> AsyncIterator[tuple[str, Pool]]:
    """A database, by its URL, and connections to it, for all tests of this worker."""
    async with databases.shared(migrate) as shared:
        yield shared


@pytest.fixture
async def emptied(
    shared_pool: tuple[str, Pool], databases: Databases
) -> AsyncIterator[tuple[str, Pool]]:
    """The same, its tables empty."""
    url, _ = shared_pool
    await databases.empty(url)
    yield shared_pool
    await databases.replay_as_stranger(url)


@pytest.fixture
async def auth(emptied: tuple[str, Pool]) -> AsyncIterator[Auth]:
    """auth-service whose AliExpress never answers."""
    url, pool = emptied
    async for running in running_auth(url, "http://127.0.0.1:1", pool):
        yield running


class Seller:
    """Sellers at the sandbox, who agree without a page."""

    def __init__(self, sandbox: Sandbox, auth: Auth) -> None:
        self.sandbox = sandbox
        self._auth = auth
        self.http = httpx2.AsyncClient(base_url=sandbox.url, timeout=10)

    async def code(self, seller_id: str = "2200100001") -> str:
        answer = await self.http.post(
            "/control/codes",
            json={"seller_id": seller_id, "redirect_uri": self._auth.settings.redirect_uri},
        )
        return str(answer.raise_for_status().json()["code"])

    async def move_clock(self, **change: object) -> None:
        (await self.http.post("/control/clock", json=change)).raise_for_status()
        await clock_source.adopt(self.http, f"{self.sandbox.url}/control/clock")


@pytest.fixture
def _own_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock that a test moves is put back after it."""
    monkeypatch.setattr(clock, "_offset", clock._offset)
    monkeypatch.setattr(clock, "_frozen_at", clock._frozen_at)


@pytest.fixture
async def selling(
    emptied: tuple[str, Pool], sandbox: Sandbox, _own_clock: None
) -> AsyncIterator[tuple[Auth, Seller]]:
    """auth-service and the sandbox, on one clock."""
    url, pool = emptied
    async for both in _selling(url, sandbox, pool):
        yield both


@pytest.fixture
async def proving(
    database: NewDatabase, sandbox: Sandbox, _own_clock: None
) -> AsyncIterator[tuple[Auth, Seller]]:
    """The same, with codes bound to the browser that asked for them."""
    async for both in _selling(await database(migrate), sandbox, oauth_pkce=True):
        yield both


@pytest.fixture
async def refreshing_sandbox(tmp_path: Path, fork_server: ForkServer) -> AsyncIterator[Sandbox]:
    """A sandbox whose refresh tokens can be used."""
    async with running_sandbox(tmp_path, spawn=fork_server.spawn, refresh_tokens="true") as sandbox:
        yield sandbox


@pytest.fixture
async def refreshing(
    database: NewDatabase, refreshing_sandbox: Sandbox, _own_clock: None
) -> AsyncIterator[tuple[Auth, Seller]]:
    """auth-service that refreshes tokens, and such a sandbox."""
    url = await database(migrate)
    async for both in _selling(url, refreshing_sandbox, refreshes_tokens=True):
        yield both


@pytest.fixture
async def revoking(
    database: NewDatabase, tmp_path: Path, fork_server: ForkServer, _own_clock: None
) -> AsyncIterator[tuple[Auth, Seller]]:
    """auth-service that refreshes tokens, and a sandbox where a new pair ends the one before."""
    url = await database(migrate)
    async with running_sandbox(
        tmp_path,
        spawn=fork_server.spawn,
        refresh_tokens="true",
        reauthorisation_revokes="true",
    ) as sandbox:
        async for both in _selling(url, sandbox, refreshes_tokens=True):
            yield both


@pytest.fixture
async def not_refreshing(
    database: NewDatabase, refreshing_sandbox: Sandbox, _own_clock: None
) -> AsyncIterator[tuple[Auth, Seller]]:
    """The same sandbox, and auth-service as it is by default."""
    async for both in _selling(await database(migrate), refreshing_sandbox):
        yield both


async def _selling(
    url: str, sandbox: Sandbox, shared: Pool | None = None, **changes: object
) -> AsyncIterator[tuple[Auth, Seller]]:
    async for running in running_auth(url, sandbox.url, shared, **changes):
        seller = Seller(sandbox, running)
        await seller.move_clock()
        yield running, seller
        await seller.http.aclose()
