"""What tests do with feed-publisher, and what they see of it: events in, runs, AliExpress."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import httpx2
import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from aliexpress import oauth, products
from aliexpress.client import Client
from aliexpress.operation import AccessToken
from common import clock
from common.contracts.envelope import encode
from common.contracts.event import Event
from common.contracts.feed import FeedState
from common.contracts.product import (
    AttributeValue,
    Content,
    ContentSku,
    CountryPrice,
    LocalText,
    Offer,
    Part,
    ProductNormalized,
    SkuStock,
)
from common.contracts.shop import Connection, ShopState
from common.errors import Issue
from common.postgres.migrate import upgrade
from common.postgres.pool import Pool
from feed_publisher.app import SERVICE
from feed_publisher.listings.listing import digest
from feed_publisher.settings import PublisherSettings
from stack.sandbox import Sandbox
from stack.testing import eventually

from .publisher_auth import MERCHANT, SELLER, TokenIssuer, bearer
from .publisher_category import LEAF, Category

SHOP, FEED = "main", "web"
REDIRECT = "http://127.0.0.1:8001/v1/oauth/callback"
LIMIT = {"code": "ApiCallLimit", "message": "This ban will last for 1 more seconds"}
LATE_SECONDS = 20.0
"""Less than a call may take."""
ENDED = {"completed", "completed_with_errors", "withheld", "failed", "superseded"}


async def migrate(url: str) -> None:
    await asyncio.to_thread(upgrade, SERVICE.migrations, url)


@dataclass
class Sku:
    """A SKU as a test wants it; with an issue its price cannot be sent."""

    code: str
    price: str = "20.00"
    discount: str | None = None
    stock: int | None = 5
    countries: dict[str, str] = field(default_factory=dict)
    issue: Issue | None = None


@dataclass
class Harness:
    """The service under test, what feeds it, and what it did."""

    pool: Pool
    http: httpx2.AsyncClient
    market: httpx2.AsyncClient
    sandbox: Sandbox
    client: Client
    issuer: TokenIssuer
    producer: AIOKafkaProducer
    prefix: str
    settings: PublisherSettings
    category: Category = field(init=False)
    revision: int = 0
    ends: dict[tuple[str, int], int] = field(default_factory=dict)
    """Where its partitions end that a test has sent to, by topic and number."""

    # -- events in

    async def send(self, *events: Event) -> None:
        sent = []
        for event in events:
            record = encode(event, source="/test")
            sent.append(
                await self.producer.send(
                    self.prefix + record.topic, record.value, record.key, headers=record.headers
                )
            )
        for place in await asyncio.gather(*sent):
            self.ends[place.topic, place.partition] = place.offset + 1

    def next_revision(self) -> int:
        self.revision += 1
        return self.revision

    def shop_state(
        self, *, connection: Connection = "connected", is_eligible: bool = True
    ) -> ShopState:
        return ShopState(
            merchant_id=MERCHANT,
            shop_id=SHOP,
            revision=self.next_revision(),
            is_eligible=is_eligible,
            connection=connection,
            generation=self.issuer.generation,
            seller_id=SELLER,
            expires_at=clock.now() + timedelta(days=30),
        )

    def feed_state(self, feed: str = FEED, *, lifecycle: Any = "active") -> FeedState:
        return FeedState(
            merchant_id=MERCHANT,
            feed_id=feed,
            revision=self.next_revision(),
            shop_id=SHOP,
            catalogue_id="main",
            main_locale="en_US",
            configuration_version=1,
            lifecycle=lifecycle,
        )

    def product(
        self,
        family: str,
        *skus: Sku,
        feed: str = FEED,
        title: str = "Coat",
        content_is_valid: bool = True,
        image: str = "coat",
    ) -> ProductNormalized:
        chosen = list(skus) or [Sku(family)]
        content = Content(
            category_id=LEAF,
            main_locale="en_US",
            titles=[LocalText("en_US", title)],
            descriptions=[LocalText("en_US", "<p>Warm</p>")],
            image_urls=[f"{self.sandbox.url}/pictures/{image}.jpg"],
            category_attributes=self.category.attributes,
            skus=[
                ContentSku(sku.code, {"Color": AttributeValue(self.category.colours[index])})
                for index, sku in enumerate(chosen)
            ],
            product_units_type="100000015",
            inventory_deduction_strategy="place_order_withhold",
            package_weight_kg="0.5",
            package_length_cm=10,
            package_width_cm=20,
            package_height_cm=5,
            shipping_preparation_days=3,
            shipping_template_id=self.category.template,
        )
        offers = [
            Offer(
                sku_code=sku.code,
                price=sku.price,
                currency="USD",
                discount_price=sku.discount,
                inventory=sku.stock,
                country_prices=[CountryPrice(c, p) for c, p in sku.countries.items()],
            )
            for sku in chosen
            if sku.issue is None
        ]
        stock = [SkuStock(sku.code, sku.stock) for sku in chosen if sku.stock is not None]
        issues = [sku.issue for sku in chosen if sku.issue is not None]
        return ProductNormalized(
            merchant_id=MERCHANT,
            feed_id=feed,
            family_id=family,
            revision=self.next_revision(),
            shop_id=SHOP,
            presence="present",
            sku_codes=[sku.code for sku in chosen],
            content_part=Part(is_valid=content_is_valid, hash=digest(content)),
            content=content if content_is_valid else None,
            offers_part=Part(is_valid=not issues, hash=digest(offers, issues), issues=issues),
            offers=offers or None,
            stock_part=Part(is_valid=True, hash=digest(stock)),
            stock=stock,
        )

    def absent(
        self, family: str, *, feed: str = FEED, reason: Any = "deleted"
    ) -> ProductNormalized:
        return ProductNormalized(
            merchant_id=MERCHANT,
            feed_id=feed,
            family_id=family,
            revision=self.next_revision(),
            shop_id=SHOP,
            presence="absent",
            absent_reason=reason,
        )

    async def take(self, *events: Event) -> None:
        """Send states and wait until the service has them."""
        await self.send(*events)
        for event in events:
            if isinstance(event, ProductNormalized):
                place = ("desired_product", "family_id", event.family_id)
            elif isinstance(event, FeedState):
                place = ("feed", "feed_id", event.feed_id)
            else:
                assert isinstance(event, ShopState)
                place = ("shop", "shop_id", event.shop_id)
            await eventually(partial(self._has, *place, event))

    async def _has(self, table: str, column: str, key: str, event: Any) -> bool:
        feed = " AND feed_id = $4" if table == "desired_product" else ""
        return bool(
            await self.pool.fetchval(
                f"SELECT 1 FROM {table} WHERE merchant_id = $1 AND {column} = $2"
                f" AND revision >= $3{feed}",
                *[MERCHANT, key, event.revision, *([event.feed_id] if feed else [])],
            )
        )

    # -- runs

    async def call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        answer = await self.http.request(
            method,
            f"/v1/merchants/{MERCHANT}{path}",
            json=body,
            params=query,
            headers=bearer("feeds:read", "feeds:write"),
        )
        assert answer.status_code < 300, answer.text
        return answer.json()

    async def call_empty(self, method: str, path: str, body: Any = None) -> None:
        answer = await self.http.request(
            method,
            f"/v1/merchants/{MERCHANT}{path}",
            json=body,
            headers=bearer("feeds:write"),
        )
        assert answer.status_code == 204, answer.text

    async def ask(self, kind: str, *, feed: str = FEED, dry_run: bool = False) -> str:
        asked = await self.call("POST", f"/feeds/{feed}/runs", {"kind": kind, "dry_run": dry_run})
        return str(asked["run_id"])

    async def wait(self, run_id: str, *states: str, seconds: float = 60) -> dict[str, Any]:
        wanted, view = set(states) or ENDED, dict[str, Any]()

        async def has_come() -> bool:
            view.update(await self.call("GET", f"/runs/{run_id}"))
            return view["state"] in wanted

        try:
            await eventually(has_come, within=seconds)
        except pytest.fail.Exception:
            pytest.fail(f"the run did not come to {wanted}: {view}")
        return view

    async def run(self, kind: str, *, feed: str = FEED) -> dict[str, Any]:
        """Run to the end; a feed's first product run is confirmed."""
        run_id = await self.ask(kind, feed=feed)
        view = await self.wait(run_id, *ENDED, "awaiting_confirmation")
        if view["state"] == "awaiting_confirmation":
            await self.call("POST", f"/runs/{run_id}/confirm")
            view = await self.wait(run_id)
            await self.quiet(feed)
        return view

    async def quiet(self, feed: str = FEED) -> None:
        """Wait until no run of the feed is queued or in progress."""

        async def is_quiet() -> bool:
            return not await self.pool.fetchval(
                "SELECT 1 FROM feed_run WHERE feed_id = $1"
                " AND state IN ('queued', 'planning', 'running')",
                feed,
            )

        await eventually(is_quiet, within=60)

    @contextlib.asynccontextmanager
    async def held_up(self, kind: str, operation: str) -> AsyncIterator[str]:
        """A run, by its id, that a limit of AliExpress holds up for the block."""
        limit = await self.control("faults", kind="error", operation=operation, **LIMIT)
        run_id = await self.ask(kind)

        async def is_held_up() -> bool:
            view = await self.call("GET", f"/runs/{run_id}")
            return "limit" in (view["trouble"] or "")

        await eventually(is_held_up)
        yield run_id
        await self.remove_fault(limit)

    @contextlib.asynccontextmanager
    async def answered_late(self, operation: str) -> AsyncIterator[None]:
        """The next call does what it does, and is answered when the block ends."""
        late = await self.control(
            "faults", kind="late_answer", operation=operation, count=1, seconds=LATE_SECONDS
        )
        yield
        await self.remove_fault(late)

    async def remove_fault(self, fault: dict[str, Any]) -> None:
        (await self.market.delete(f"/control/faults/{fault['id']}")).raise_for_status()

    async def publish(self, *states: ProductNormalized) -> dict[str, Any]:
        await self.take(*states)
        return await self.run("product")

    async def plan(self, run_id: str) -> list[dict[str, Any]]:
        return list((await self.call("GET", f"/runs/{run_id}/plan", limit=200))["items"])

    # -- what reached the marketplace

    async def control(self, path: str, **body: Any) -> Any:
        answer = await self.market.post(f"/control/{path}", json=body)
        answer.raise_for_status()
        return answer.json()

    async def ledger(self, operation: str = "", outcome: str = "") -> list[dict[str, Any]]:
        answer = await self.market.get(
            "/control/ledger", params={"operation": operation, "outcome": outcome}
        )
        return [msgspec.json.decode(line) for line in answer.text.splitlines()]

    async def skus_online(self) -> dict[str, dict[str, Any]]:
        """The shop's SKUs by code; a code that is there twice fails the test."""
        online_skus: dict[str, dict[str, Any]] = {}
        for product in (
            await self.market.get("/control/products", params={"seller": SELLER})
        ).json():
            for sku in product["skus"]:
                assert sku["sku_code"] not in online_skus, f"{sku['sku_code']} is doubled"
                online_skus[sku["sku_code"]] = sku | {
                    k: product[k] for k in ("product_id", "status", "title")
                }
        return online_skus

    async def countries(self, sku_code: str) -> dict[str, str]:
        """The country prices the shop has for a SKU."""
        product_id = (await self.skus_online())[sku_code]["product_id"]
        token = AccessToken(SELLER, self.issuer.token or "")
        product = await products.load_product(self.client, token, product_id)
        return {
            prices.country: f"{Decimal(sku.price):.2f}"
            for prices in product.country_prices
            for sku in prices.skus
            if sku.sku_code == sku_code
        }

    async def writes(self) -> int:
        calls = (await self.market.get("/control/calls")).json()["calls"]
        reads = ("query", ".get", ".list", "listfreight", "templatebyid", "oauth", "token")
        return sum(n for name, n in calls.items() if not any(word in name for word in reads))

    async def emitted(self, event: type[Event]) -> list[Any]:
        rows = await self.pool.fetch(
            "SELECT value FROM outbox WHERE topic = $1 ORDER BY id", event.topic
        )
        return [msgspec.json.decode(row["value"], type=event) for row in rows]

    async def connect(self) -> None:
        code = await self.control("codes", seller_id=SELLER, redirect_uri=REDIRECT)
        grant = await oauth.create_token(self.client, code["code"], redirect_uri=REDIRECT)
        self.issuer.generation += 1  # a late report of the token before does not end this one
        self.issuer.token = grant.access_token
