"""order-importer on a database of its own, a real auth-service beside it, and the sandbox.

`shop.state` is given to the consumer's handler directly; jobs are run turn by turn, so that a test
decides what happens when.
"""

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

import httpx2
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import SecretStr

from aliexpress.client import Client
from aliexpress.gateway import new_gateway
from aliexpress.limits import BucketLimiter, Limits
from aliexpress.memory_limits import MemoryBuckets
from aliexpress.operation import AppCredentials
from aliexpress.transport import HttpTransport
from auth_service.app import SERVICE as AUTH
from auth_service.clients.bootstrap import bootstrap_clients
from auth_service.clients.issue_jwt import sign_claims
from auth_service.clients.signing_keys import SigningKeys
from auth_service.settings import AuthSettings, BootstrapClient
from common import clock, clock_source
from common.contracts.envelope import Envelope
from common.contracts.event import Event
from common.contracts.order import OrderReceived, OrderShipped, OrderUpdated
from common.contracts.shop import ShopState
from common.messaging.records import Delivery, Record
from common.postgres.migrate import upgrade
from common.postgres.pool import Pool, open_pool
from common.postgres.unit_of_work import unit_of_work
from common.service import Context, Parts, Service, create_app
from common.shop_tokens import ShopTokens
from common.web.identity import OPERATOR, Verifier
from order_importer.app import SERVICE
from order_importer.auditing.api import audit_router
from order_importer.carriers.api import carrier_router
from order_importer.changes.api import change_router
from order_importer.changes.keep_feed import place_changes
from order_importer.corrections.api import correction_router
from order_importer.corrections.send_correction import correct_next
from order_importer.deadlines.api import deadline_router
from order_importer.deadlines.publish_due import publish_due
from order_importer.erasure.api import erasure_router
from order_importer.importing.api import import_router
from order_importer.importing.import_orders import ImportOptions, import_next
from order_importer.importing.plan_imports import plan_imports
from order_importer.listing.api import listing_router
from order_importer.orders.api import order_router
from order_importer.overview.api import overview_router
from order_importer.settings import OrderSettings
from order_importer.shipment_files.api import shipment_file_router
from order_importer.shipping.api import shipment_router
from order_importer.shipping.send_shipment import send_next
from order_importer.shops.consumer import ShopStates
from order_importer.shops.shop_access import ShopAccess
from stack.sandbox import Sandbox
from stack.testing import Databases
from stack.testing.serving import serving

E = TypeVar("E", bound=Event)

SELLER = "2200100001"
MERCHANT, SHOP = "shein", "main"
PATH = f"/v1/merchants/{MERCHANT}/shops/{SHOP}"
SECRET = "orders-secret"


async def migrate_auth(url: str) -> None:
    await asyncio.to_thread(upgrade, AUTH.migrations, url)


async def migrate_orders(url: str) -> None:
    await asyncio.to_thread(upgrade, SERVICE.migrations, url)


@dataclass
class Harness:
    """The service under test and everything it stands on."""

    http: httpx2.AsyncClient
    database_url: str
    execute_as_owner: Callable[[str], Awaitable[None]]
    pool: Pool
    access: ShopAccess
    states: ShopStates
    auth_http: httpx2.AsyncClient
    auth_pool: Pool
    keys: SigningKeys
    sandbox: httpx2.AsyncClient
    options: ImportOptions = ImportOptions()  # noqa: RUF009 - frozen

    # -- who calls

    def bearer(self, *scopes: str, merchant_id: str | None = MERCHANT) -> dict[str, str]:
        token = sign_claims(self.keys, "test", merchant_id, list(scopes))
        return {"authorization": f"Bearer {token}"}

    async def call(
        self, method: str, path: str, *, merchant_id: str | None = MERCHANT, **options: Any
    ) -> httpx2.Response:
        headers = self.bearer("orders:read", "orders:write", merchant_id=merchant_id)
        headers |= options.pop("headers", {})
        return await self.http.request(method, path, headers=headers, **options)

    # -- the shop

    async def connect(self, shop: str = SHOP, seller_id: str = SELLER) -> None:
        """Connect or renew the shop at auth-service, and give this service its new state."""
        operator = self.bearer(OPERATOR, merchant_id=None)
        await self.auth_http.put(
            f"/v1/merchants/{MERCHANT}",
            json={"name": "Shein", "is_eligible": True},
            headers=operator,
        )
        path = f"/v1/merchants/{MERCHANT}/shops/{shop}/connect"
        started = await self.auth_http.post(path, headers=operator)
        start = urlsplit(started.json()["start_url"])
        link = f"{start.path}?{start.query}"
        await self.auth_http.get(link)
        redirect = await self.auth_http.post(link)
        state = parse_qs(urlsplit(redirect.headers["location"]).query)["state"][0]
        code = await self.control("codes", seller_id=seller_id, redirect_uri=REDIRECT)
        page = await self.auth_http.get(
            "/v1/oauth/callback", params={"state": state, "code": code["code"]}
        )
        assert page.status_code == 200, page.text
        await self.take_latest_state()

    async def is_connection(self, wanted: str) -> bool:
        """Whether auth-service has the shop's connection so."""
        query = "SELECT connection FROM shop WHERE merchant_id = $1 AND shop_id = $2"
        return bool(await self.auth_pool.fetchval(query, MERCHANT, SHOP) == wanted)

    async def take_latest_state(self) -> None:
        """Hand the latest `shop.state` of auth-service to this service."""
        value = await self.auth_pool.fetchval(
            "SELECT value FROM outbox WHERE topic = 'shop.state' ORDER BY id DESC LIMIT 1"
        )
        await self.take_states(msgspec.json.decode(value, type=ShopState))

    async def take_states(self, *states: ShopState) -> None:
        record = Record("shop.state", 0, 0, 0, None, None, [])
        deliveries = [Delivery(Envelope(state, {}), record) for state in states]
        async with unit_of_work(self.pool) as connection:
            await self.states.on_shop_state(connection, deliveries)

    async def let_nights_be_quiet(self) -> None:
        """No nightly reading: a test that moves the clock may pass any hour of the day."""
        await self.pool.execute("UPDATE schedule SET is_paused = true WHERE kind = 'order-reread'")

    async def let_a_night_be_due(self) -> None:
        """The nightly reading is due now."""
        await self.pool.execute(
            "UPDATE schedule SET is_paused = false, next_due_at = $1 WHERE kind = 'order-reread'",
            clock.now(),
        )

    # -- the jobs, by themselves or turn by turn

    def parts(self, sandbox: Sandbox, *, poll: timedelta) -> Parts:
        """The service as its composition root makes it, on what this harness stands on."""
        settings = OrderSettings(
            database_url=SecretStr(self.database_url),
            kafka_bootstrap="unused:9092",
            auth_url=str(self.auth_http.base_url),
            service_client_id="order-importer",
            service_client_secret=SecretStr(SECRET),
            marketplace_url=sandbox.url,
            app_key=sandbox.app_key,
            app_secret=SecretStr(sandbox.app_secret),
        )
        verifier = Verifier("http://127.0.0.1:1/never-asked")
        return SERVICE.build(Context(settings, self.pool, verifier, poll=poll))

    async def import_orders(self) -> None:
        """Let every import that is due run."""
        while await plan_imports(self.pool):
            pass
        while await import_next(self.pool, self.access, "test", self.options):
            pass

    async def import_now(self) -> None:
        asked = await self.call("POST", f"{PATH}/order-imports")
        assert asked.status_code == 202, asked.text
        await self.import_orders()

    async def send(self) -> bool:
        """One turn of the sender."""
        return await send_next(self.pool, self.access, "test")

    async def send_all(self, turns: int = 12) -> None:
        """Turns; where all that is left is to be looked at later, they are a second apart."""
        is_open = "SELECT EXISTS (SELECT FROM shipment WHERE state IN ('pending', 'sent'))"
        for _ in range(turns):
            if not await self.send() and await self.pool.fetchval(is_open):
                await self.move_clock(advance_seconds=1)

    async def correct(self) -> bool:
        """One turn of the sender of corrections."""
        return await correct_next(self.pool, self.access, "test")

    async def correct_all(self, turns: int = 6) -> None:
        """Turns far enough from each other for a further reading."""
        for _ in range(turns):
            await self.correct()
            await self.move_clock(advance_seconds=10)

    async def publish_due(self) -> None:
        """One turn of the deadline clock."""
        await publish_due(self.pool)

    async def changes(self, after: str | None = None, limit: int = 200) -> dict[str, Any]:
        """The changes feed, with everything committed in its place."""
        while await place_changes(self.pool):
            pass
        params = {"limit": limit} | ({} if after is None else {"after": after})
        answer = await self.call("GET", f"/v1/merchants/{MERCHANT}/orders/changes", params=params)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    # -- AliExpress

    async def control(self, path: str, **body: Any) -> Any:
        answer = await self.sandbox.post(f"/control/{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json()

    async def stock(self, *sku_codes: str) -> None:
        await self.control("products", seller_id=SELLER, sku_codes=list(sku_codes))

    async def place(self, count: int = 1, *, seed: int = 1, **options: Any) -> list[str]:
        made = await self.control(
            "orders", **{"seller_id": SELLER, "count": count, "seed": seed, **options}
        )
        return [str(order["order_id"]) for order in made]

    async def set_status(self, order_id: str, status: str) -> None:
        await self.control(f"orders/{order_id}/status", status=status)

    async def ledger(self, operation: str, outcome: str = "accepted") -> list[dict[str, Any]]:
        answer = await self.sandbox.get(
            "/control/ledger", params={"operation": operation, "outcome": outcome}
        )
        return [msgspec.json.decode(line) for line in answer.text.splitlines()]

    async def move_clock(self, **change: Any) -> datetime:
        await self.control("clock", **change)
        await clock_source.adopt(self.sandbox, "/control/clock")
        return clock.now()

    # -- what was written

    async def events(self, event: type[E]) -> list[E]:
        rows = await self.pool.fetch(
            "SELECT value FROM outbox WHERE topic = $1 ORDER BY id", event.topic
        )
        return [msgspec.json.decode(row["value"], type=event) for row in rows]

    async def order(self, order_id: str) -> dict[str, Any]:
        answer = await self.call("GET", f"{PATH}/orders/{order_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def imports(self) -> dict[str, Any]:
        answer = await self.call("GET", f"{PATH}/order-imports")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def ship(self, order_id: str, key: str = "key-1", **body: Any) -> httpx2.Response:
        parcel = {"carrier": "CAINIAO_STANDARD", "tracking_number": "LP00012345", **body}
        return await self.call(
            "POST",
            f"{PATH}/orders/{order_id}/shipments",
            json={name: value for name, value in parcel.items() if value is not None},
            headers={"Idempotency-Key": key} if key else {},
        )

    async def correct_tracking(
        self, order_id: str, shipment_id: str, key: str = "right-1", **body: Any
    ) -> httpx2.Response:
        return await self.call(
            "POST",
            f"{PATH}/orders/{order_id}/shipments/{shipment_id}/tracking",
            json={"tracking_number": "LP00099999", **body},
            headers={"Idempotency-Key": key} if key else {},
        )


REDIRECT = "http://127.0.0.1:8001/v1/oauth/callback"


@asynccontextmanager
async def _serving_auth(
    url: str, sandbox: Sandbox, signing_key: str
) -> AsyncIterator[tuple[str, Pool]]:
    """auth-service's REST on a free port; its address and its database."""
    settings = AuthSettings(
        database_url=SecretStr(url),
        kafka_bootstrap="unused:9092",
        master_keys=SecretStr("k1:" + base64.b64encode(b"1" * 32).decode()),
        signing_key=SecretStr(signing_key),
        marketplace_url=sandbox.url,
        app_key=sandbox.app_key,
        app_secret=SecretStr(sandbox.app_secret),
    )
    pool = await open_pool(url, max_size=4)
    client = BootstrapClient(
        client_id="order-importer", secret=SecretStr(SECRET), scopes=["token:read"]
    )
    await bootstrap_clients(pool, [client])
    context = Context(settings, pool, Verifier("http://127.0.0.1:1/never-asked"))
    async with _serving(AUTH, context) as address:
        yield address, pool
    await pool.close()


@asynccontextmanager
async def _serving(service: Service[Any], context: Context[Any]) -> AsyncIterator[str]:
    parts = service.build(context)
    async with serving(create_app(service, context, parts)) as url:
        yield url
    for closer in parts.closers:
        closing = closer()
        if asyncio.iscoroutine(closing):
            await closing


@pytest.fixture(scope="session")
async def shared_harness(sandbox_process: Sandbox, databases: Databases) -> AsyncIterator[Harness]:
    """Both services and their clients, made once for this worker."""
    sandbox = sandbox_process
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    keys = SigningKeys.parse(pem)
    urls = await databases.create(migrate_orders), await databases.create(migrate_auth)
    pool = await open_pool(urls[0], max_size=4)
    client = Client(
        AppCredentials(sandbox.app_key, sandbox.app_secret),
        new_gateway(sandbox.url),
        HttpTransport(),
        BucketLimiter(MemoryBuckets(), Limits(per_app={}, per_seller={})),
    )
    async with (
        httpx2.AsyncClient(base_url=sandbox.url, timeout=20) as sandbox_http,
        _serving_auth(urls[1], sandbox, pem) as (auth_url, auth_pool),
        httpx2.AsyncClient(base_url=auth_url) as auth_http,
    ):
        settings = OrderSettings(database_url=SecretStr(urls[0]), kafka_bootstrap="unused:9092")
        tokens = ShopTokens(auth_url, "order-importer", SecretStr(SECRET))
        access = ShopAccess(client, tokens)
        verifier = Verifier("http://127.0.0.1:1/never-asked")
        verifier.trust(keys.verifying())
        routers = [
            order_router(pool),
            overview_router(pool),
            listing_router(pool),
            change_router(pool),
            deadline_router(pool, settings.preparation),
            import_router(pool),
            shipment_router(pool, access),
            correction_router(pool, access),
            shipment_file_router(pool, access),
            carrier_router(pool, access),
            erasure_router(pool),
            audit_router(pool),
        ]
        app = create_app(SERVICE, Context(settings, pool, verifier), Parts(routers=routers))
        async with httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app), base_url="http://orders.test"
        ) as http:
            yield Harness(
                http=http,
                database_url=urls[0],
                execute_as_owner=partial(databases.execute_as_owner, urls[0]),
                pool=pool,
                access=access,
                states=ShopStates(tokens.forget, import_every=settings.import_every),
                auth_http=auth_http,
                auth_pool=auth_pool,
                keys=keys,
                sandbox=sandbox_http,
            )
        await tokens.aclose()
    await client.aclose()
    await pool.close()
    for url in urls:
        await databases.drop(url)


@pytest.fixture
async def harness(
    shared_harness: Harness,
    databases: Databases,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Harness]:
    """The service with empty tables, its shop newly connected, and nothing imported yet.

    Whatever a test does, what was published of orders stands in the changes feed in the end.
    """
    monkeypatch.setattr(clock, "_offset", clock._offset)
    monkeypatch.setattr(clock, "_frozen_at", clock._frozen_at)
    await databases.empty(shared_harness.database_url)
    await shared_harness.move_clock(is_frozen=False)
    await shared_harness.connect()
    await shared_harness.let_nights_be_quiet()
    yield shared_harness
    await databases.replay_as_stranger(shared_harness.database_url)
    assert await _published_changes(shared_harness) <= await _changes(shared_harness)


async def _published_changes(harness: Harness) -> set[tuple[str, int]]:
    """Orders and revisions of the facts that are a change of an order."""
    return {
        (event.order.order_id, event.revision)
        for form in (OrderReceived, OrderUpdated, OrderShipped)
        for event in await harness.events(form)
    }


async def _changes(harness: Harness) -> set[tuple[str, int]]:
    rows = await harness.pool.fetch("SELECT order_id, revision FROM order_change")
    return {(row["order_id"], row["revision"]) for row in rows}
