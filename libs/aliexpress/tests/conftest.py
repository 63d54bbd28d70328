"""Clients for the tests: one that answers with recordings, and one of the sandbox."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx2
import msgspec
import pytest

from aliexpress import oauth, products, shop
from aliexpress.client import Client
from aliexpress.gateway import Gateway, new_gateway
from aliexpress.limits import BucketLimiter, Limits
from aliexpress.memory_limits import MemoryBuckets
from aliexpress.operation import AccessToken, AppCredentials
from aliexpress.transport import AnswerLost, HttpTransport, NotSent, Reply
from stack.sandbox import Sandbox

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SELLER = "2200100001"
REDIRECT = "http://127.0.0.1:8001/v1/oauth/callback"
LEAF = "200000346"


class Recorded:
    """`Transport` that gives one answer, or one failure, and records what was sent."""

    def __init__(self, answer: Reply | NotSent | AnswerLost) -> None:
        self.answer = answer
        self.url = ""
        self.fields: dict[str, str] = {}
        self.files: dict[str, bytes] = {}

    async def post(self, url: str, fields: Mapping[str, str], files: Mapping[str, bytes]) -> Reply:
        self.url, self.fields, self.files = url, dict(fields), dict(files)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def aclose(self) -> None:
        pass


class Answering(Client):
    """A client that knows its recorded transport."""

    recorded: Recorded


def as_reply(answer: Any, status: int = 200) -> Reply:
    body = answer if isinstance(answer, bytes) else msgspec.json.encode(answer)
    return Reply(status, body)


@pytest.fixture(scope="session")
def answering() -> Callable[..., Answering]:
    def build(
        answer: Any,
        *,
        status: int = 200,
        gateway: Gateway | None = None,
        limiter: Any = None,
        is_simplified: bool = False,
    ) -> Answering:
        is_failure = isinstance(answer, NotSent | AnswerLost)
        recorded = Recorded(answer if is_failure else as_reply(answer, status))
        client = Answering(
            AppCredentials("500100", "helloworld"),
            gateway or new_gateway("https://gateway.test"),
            recorded,
            limiter or BucketLimiter(MemoryBuckets(), Limits({}, {}), now=lambda: NOW),
            is_simplified=is_simplified,
            now=lambda: NOW,
        )
        client.recorded = recorded
        return client

    return build


@pytest.fixture(scope="session")
def token() -> AccessToken:
    return AccessToken("2200100001", "canary-token")


class Market:
    """The sandbox, its control API and a client of it."""

    def __init__(self, sandbox: Sandbox, client: Client, control: httpx2.AsyncClient) -> None:
        self.sandbox = sandbox
        self.client = client
        self._control = control
        self.token = AccessToken(SELLER, "")

    async def control(self, path: str, **body: Any) -> Any:
        answer = await self._control.post(f"/control/{path}", json=body)
        answer.raise_for_status()
        return answer.json()

    async def ledger(self, outcome: str = "accepted") -> list[dict[str, Any]]:
        answer = await self._control.get("/control/ledger", params={"outcome": outcome})
        return [msgspec.json.decode(line) for line in answer.text.splitlines()]

    async def connect(self) -> None:
        code = await self.control("codes", seller_id=SELLER, redirect_uri=REDIRECT)
        grant = await oauth.create_token(self.client, code["code"], redirect_uri=REDIRECT)
        self.token = grant.token

    async def live_product(self, sku_code: str) -> str:
        made = await self.control("products", seller_id=SELLER, sku_codes=[sku_code])
        return str(made["product_ids"][0])

    async def payload(self, *sku_codes: str) -> dict[str, Any]:
        """A payload that keeps the category's schema, made from the schema itself."""
        schema = msgspec.json.decode(
            await products.load_product_schema(self.client, self.token, LEAF)
        )
        fields = schema["properties"]
        attributes = fields["category_attributes"]
        asked = {name: attributes["properties"][name] for name in attributes["required"]}
        [template, *_] = await shop.list_freight_templates(self.client, self.token)
        colours = fields["sku_info_list"]["items"]["properties"]["sku_attributes"]
        values = _choices(colours["properties"]["Color"]["properties"]["value"])
        return {
            "category_id": int(LEAF),
            "locale": "en_US",
            "title_multi_language_list": [{"locale": "en_US", "title": "Coat"}],
            "description_multi_language_list": [
                {
                    "locale": "en_US",
                    "module_list": [{"type": "html", "html": {"content": "<p>Warm</p>"}}],
                }
            ],
            "product_units_type": "100000015",
            "image_url_list": [f"{self.sandbox.url}/pictures/coat.jpg"],
            "category_attributes": {name: _first_value(field) for name, field in asked.items()},
            "sku_info_list": [
                {
                    "sku_code": sku_code,
                    "inventory": 7,
                    "price": Decimal("19.90"),
                    "discount_price": Decimal("14.50"),
                    "sku_attributes": {"Color": {"value": values[index]}},
                }
                for index, sku_code in enumerate(sku_codes)
            ],
            "inventory_deduction_strategy": "place_order_withhold",
            "package_weight": Decimal("0.5"),
            "package_length": 10,
            "package_width": 20,
            "package_height": 5,
            "shipping_preparation_time": 3,
            "shipping_template_id": template.template_id,
            "service_template_id": "0",
        }


def _choices(field: dict[str, Any]) -> list[str]:
    return [option["const"] for option in (field.get("oneOf") or field["items"]["oneOf"])]


def _first_value(attribute: dict[str, Any]) -> dict[str, Any]:
    value = attribute["properties"]["value"]
    first = _choices(value)[0]
    return {"value": [first] if value["type"] == "array" else first}


@asynccontextmanager
async def market_of(
    sandbox: Sandbox,
    gateway: Gateway | None = None,
    *,
    is_simplified: bool = False,
    secret: str | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> AsyncIterator[Market]:
    client = Client(
        AppCredentials(sandbox.app_key, secret or sandbox.app_secret),
        gateway or new_gateway(sandbox.url),
        HttpTransport(timeout=httpx2.Timeout(2.0)),
        BucketLimiter(MemoryBuckets()),
        is_simplified=is_simplified,
        integrator="AliExpress Channel",
        now=now,
    )
    async with httpx2.AsyncClient(base_url=sandbox.url, timeout=10) as control:
        yield Market(sandbox, client, control)
    await client.aclose()


@pytest.fixture(scope="session")
def open_market() -> Callable[..., Any]:
    """`async with open_market(sandbox, gateway, ...) as market`."""
    return market_of


@pytest.fixture(params=["wrapped", "simplified"])
async def market(sandbox: Sandbox, request: pytest.FixtureRequest) -> AsyncIterator[Market]:
    async with market_of(sandbox, is_simplified=request.param == "simplified") as market:
        await market.connect()
        yield market


@pytest.fixture
async def wrapped(sandbox: Sandbox) -> AsyncIterator[Market]:
    async with market_of(sandbox) as market:
        await market.connect()
        yield market
