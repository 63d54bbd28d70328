"""Every typed method and each class of failure over real HTTP, against the sandbox."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import httpx2
import msgspec
import pytest

from aliexpress import categories, feeds, logistics, oauth, offers, orders, products, shop
from aliexpress.client import Client
from aliexpress.errors import (
    BadAnswer,
    BusinessError,
    CallerFault,
    LimitReached,
    MarketplaceFailure,
    OutcomeUnknown,
    PlatformFault,
    TokenDead,
)
from aliexpress.gateway import Gateway, new_gateway, old_gateway
from aliexpress.limits import BucketLimiter
from aliexpress.memory_limits import MemoryBuckets
from aliexpress.operation import AccessToken, AppCredentials
from aliexpress.transport import HttpTransport
from stack.sandbox import Sandbox, running_sandbox

SELLER = "2200100001"
REDIRECT = "http://127.0.0.1:8001/v1/oauth/callback"
LEAF = "200000346"
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63f8cfc000000301010018dd8db00000000049454e44ae426082"
)


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
    await client.close()


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


async def until(condition: Callable[[], Awaitable[Any]]) -> Any:
    """The first true answer of `condition` in 20 seconds; the client's limiter sets the pace."""
    async with asyncio.timeout(20):
        found = await condition()
        while not found:
            found = await condition()
        return found


# OAuth -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_secure", [False, True])
@pytest.mark.parametrize("kind", ["new", "old"])
async def test_a_person_agrees_and_the_code_is_used_once(
    sandbox: Sandbox, kind: Literal["new", "old"], is_secure: bool
) -> None:
    gateway = new_gateway(sandbox.url) if kind == "new" else old_oauth(sandbox)
    async with market_of(sandbox, gateway) as market, httpx2.AsyncClient() as person:
        url = urlsplit(oauth.authorize_url(market.client, redirect_uri=REDIRECT, state="s1"))
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        page = f"{sandbox.url}/oauth/authorize"
        assert (await person.get(page, params=query)).status_code == 200
        agreed = await person.post(page, data={**query, "seller_id": SELLER, "decision": "agree"})
        back = parse_qs(urlsplit(agreed.headers["location"]).query)
        assert back["state"] == ["s1"]
        grant = await oauth.create_token(
            market.client, back["code"][0], redirect_uri=REDIRECT, is_secure=is_secure
        )
        assert grant.seller_id == SELLER
        assert timedelta(days=29) < grant.expires_at - datetime.now(UTC) <= timedelta(days=31)
        assert not grant.is_refreshable(datetime.now(UTC))
        profile = await shop.load_merchant_profile(market.client, grant.token)
        assert profile.shop_name
        with pytest.raises(CallerFault):
            await oauth.create_token(market.client, back["code"][0], redirect_uri=REDIRECT)


@pytest.mark.parametrize("is_secure", [False, True])
async def test_a_token_is_refreshed_where_the_platform_offers_it(
    tmp_path: Path, is_secure: bool
) -> None:
    async with (
        running_sandbox(tmp_path, refresh_seconds="86400") as sandbox,
        market_of(sandbox) as market,
    ):
        code = await market.control("codes", seller_id=SELLER, redirect_uri=REDIRECT)
        grant = await oauth.create_token(market.client, code["code"])
        assert grant.is_refreshable(datetime.now(UTC))
        assert grant.refresh_token is not None
        renewed = await oauth.refresh_token(market.client, grant.refresh_token, is_secure=is_secure)
        assert renewed.seller_id == SELLER
        assert renewed.access_token != grant.access_token
        await shop.load_merchant_profile(market.client, renewed.token)


async def test_a_dead_refresh_token_is_said_to_be_dead(wrapped: Market) -> None:
    with pytest.raises((TokenDead, CallerFault)):
        await oauth.refresh_token(wrapped.client, "nothing")


def old_oauth(sandbox: Sandbox) -> Gateway:
    return old_gateway(sandbox.url, sandbox.url)


# Reading -----------------------------------------------------------------------------------------


async def test_categories_and_attributes(market: Market) -> None:
    client, token = market.client, market.token
    roots = await categories.list_child_categories(client, token)
    assert len(roots) > 20
    assert {root.level for root in roots} == {1}
    children = await categories.list_child_categories(client, token, roots[0].category_id)
    assert {child.level for child in children} == {2}
    attributes = await categories.list_attributes(client, token, LEAF)
    material = next(found for found in attributes if found.names["en"] == "Material")
    assert material.is_required
    assert material.values[0].names["en"]
    own = await categories.list_attributes(client, token, LEAF, only_own_brands=True)
    assert {found.attribute_id for found in own} <= {found.attribute_id for found in attributes}
    supported = await categories.load_supported_attributes(client, token, LEAF)
    assert "Color" in {found.name for found in supported.sku}
    assert "Material" in {found.name for found in supported.common}
    suggested = await categories.suggest_categories(client, token, "blouses and shirts")
    assert suggested
    assert suggested[0].id_path[-1] == suggested[0].category_id


async def test_what_a_shop_has(market: Market) -> None:
    client, token = market.client, market.token
    assert (await shop.list_freight_templates(client, token))[0].template_id
    assert (await shop.list_promise_templates(client, token))[0].template_id
    assert isinstance(await shop.list_product_groups(client, token), list)
    assert (await shop.load_merchant_profile(client, token)).is_posting_forbidden is False
    assert {"EMS", "CPAM"} <= {
        carrier.service_name for carrier in await logistics.list_carriers(client, token)
    }
    url = await shop.upload_image(client, token, "coat.png", PNG)
    assert url.startswith("http")


@pytest.mark.parametrize("empty", ["wrapped", "object", "empty_string", "null"])
async def test_the_platforms_other_ways_to_write_the_same(wrapped: Market, empty: str) -> None:
    await wrapped.control("quirks", empty_list=empty, single_as_object=True)
    try:
        assert (await orders.list_orders(wrapped.client, wrapped.token)).orders == ()
        product_id = await wrapped.live_product("A-1")
        product = await products.load_product(wrapped.client, wrapped.token, product_id)
        assert [sku.sku_code for sku in product.skus] == ["A-1"]
    finally:
        await wrapped.control("quirks")


# Products ----------------------------------------------------------------------------------------


async def test_a_product_is_posted_updated_and_deleted(market: Market) -> None:
    client, token = market.client, market.token
    payload = await market.payload("P-1", "P-2")
    product_id = await products.post_product(client, token, payload)
    seen = await until(lambda: _when_on_sale(market, product_id))
    assert {sku.sku_code: (sku.price, sku.inventory) for sku in seen.skus} == {
        "P-1": ("19.90", 7),
        "P-2": ("19.90", 7),
    }
    payload["title_multi_language_list"] = [{"locale": "en_US", "title": "Warm coat"}]
    assert await products.update_product(client, token, product_id, payload) == product_id
    listed = await until(lambda: _listed(market, "onSelling", sku_code="P-2"))
    assert listed[0].product_id == product_id
    updated = await products.load_product(client, token, product_id)
    assert updated.titles["en_US"] == "Warm coat"
    assert updated.weight_kg is not None
    assert Decimal(updated.weight_kg) == Decimal("0.5")
    await until(lambda: _when_on_sale(market, product_id))
    await products.take_off_sale(client, token, [product_id])
    assert await until(lambda: _listed(market, "offline", product_id=product_id))
    await products.put_on_sale(client, token, [product_id])
    assert await until(lambda: _listed(market, "onSelling", product_id=product_id))
    await products.delete_products(client, token, [product_id])
    assert not await _listed(market, "onSelling")


async def _when_on_sale(market: Market, product_id: str) -> products.Product | None:
    product = await products.load_product(market.client, market.token, product_id)
    return product if product.status == "onSelling" else None


async def _listed(
    market: Market,
    status: products.ProductStatus,
    *,
    sku_code: str | None = None,
    product_id: str | None = None,
) -> tuple[products.ListedProduct, ...]:
    page = await products.list_products(
        market.client, market.token, status, sku_code=sku_code, product_id=product_id
    )
    return page.products


async def test_a_list_is_paged(market: Market) -> None:
    await market.control("products", seller_id=SELLER, count=5)
    seen: list[str] = []
    page_number, has_more = 1, True
    while has_more:
        page = await products.list_products(
            market.client, market.token, "onSelling", page=page_number, page_size=2
        )
        seen += [product.product_id for product in page.products]
        page_number, has_more = page_number + 1, page.has_more
    assert len(seen) == len(set(seen)) == 5
    assert page_number == 4


async def test_prices_and_stock_are_set_and_a_forgotten_discount_is_erased(
    market: Market,
) -> None:
    client, token = market.client, market.token
    product_id = await market.live_product("A-1")
    stock = offers.ProductStock(product_id, (offers.SkuStock("A-1", 42),))
    missing = offers.ProductStock("1", (offers.SkuStock("A-1", 42),))
    outcome = await offers.update_stock(client, token, [stock, missing])
    assert outcome.succeeded == (product_id,)
    assert [failure.product_id for failure in outcome.failed] == ["1"]
    assert outcome.failed[0].message
    for discount in ("9.50", None):
        price = offers.ProductPrices(product_id, (offers.SkuPrice("A-1", "10.00", discount),))
        assert (await offers.update_prices(client, token, [price])).succeeded == (product_id,)
        [sku] = (await products.load_product(client, token, product_id)).skus
        assert sku.inventory == 42
        assert Decimal(sku.price or 0) == 10
        assert (sku.discount_price is None) == (discount is None)


# Feeds -------------------------------------------------------------------------------------------


async def test_a_feed_creates_and_reports_by_item(market: Market) -> None:
    client, token = market.client, market.token
    bad = await market.payload("F-2")
    del bad["category_attributes"]
    items = [
        feeds.FeedItem("good", await market.payload("F-1")),
        feeds.FeedItem("bad", bad),
    ]
    job_id = await feeds.submit_feed(client, token, "PRODUCT_CREATE", items)
    assert job_id in {job.job_id for job in (await feeds.list_feeds(client, token)).jobs}

    async def finished() -> feeds.FeedReport | None:
        report = await feeds.query_feed(client, token, job_id)
        return report if report.is_finished else None

    report = await until(finished)
    results = {item.content_id: item for item in report.items}
    assert (report.total_items, report.succeeded_items) == (2, 1)
    assert results["good"].is_success
    assert results["good"].product_id
    assert not results["bad"].is_success
    assert results["bad"].message
    listed = await feeds.list_feeds(
        client,
        token,
        feed_type="PRODUCT_CREATE",
        submitted_from=datetime.now(UTC) - timedelta(minutes=10),
        submitted_to=datetime.now(UTC) + timedelta(minutes=10),
    )
    assert [(job.job_id, job.status) for job in listed.jobs] == [(job_id, "FINISH")]
    too_late = await feeds.invalidate_feeds(client, token, [job_id])
    assert too_late.too_late == (job_id,)


async def test_a_queueing_feed_can_be_cancelled(wrapped: Market) -> None:
    await wrapped.control("faults", kind="stuck_job", operation="PRODUCT_CREATE")
    item = feeds.FeedItem("1", await wrapped.payload("F-1"))
    job_id = await feeds.submit_feed(wrapped.client, wrapped.token, "PRODUCT_CREATE", [item])
    cancelled = await feeds.invalidate_feeds(wrapped.client, wrapped.token, [job_id])
    assert cancelled.cancelled == (job_id,)


# Orders ------------------------------------------------------------------------------------------


async def test_an_order_is_listed_read_shipped_and_tracked(market: Market) -> None:
    client, token = market.client, market.token
    await market.live_product("A-1")
    [placed] = await market.control(
        "orders",
        seller_id=SELLER,
        lines=[{"sku_code": "A-1", "quantity": 2}],
        status="WAIT_SELLER_SEND_GOODS",
    )
    page = await orders.list_orders(
        client,
        token,
        modified_from=datetime.now(UTC) - timedelta(hours=2),
        modified_to=datetime.now(UTC) + timedelta(hours=2),
    )
    [order] = page.orders
    assert (order.order_id, order.status) == (placed["order_id"], "WAIT_SELLER_SEND_GOODS")
    assert (page.unreadable, page.has_more) == ((), False)
    assert [(line.sku_code, line.quantity) for line in order.lines] == [("A-1", 2)]
    assert order.created_at is not None
    assert abs(order.created_at - datetime.fromisoformat(placed["created_at"])) < timedelta(
        seconds=1
    )
    details = await orders.load_order(client, token, order.order_id)
    assert details.total is not None
    assert details.total == order.total
    assert [line.sku_code for line in details.lines] == ["A-1"]
    receipt = await orders.load_receipt(client, token, order.order_id)
    assert receipt.name
    assert receipt.country
    part = logistics.Shipment(order.order_id, "EMS", "LA888877771CN", "part", description="one")
    await logistics.fulfil_order(client, token, part)
    rest = logistics.Shipment(order.order_id, "EMS", "LA888877772CN", "all")
    await logistics.fulfil_order(client, token, rest)
    with pytest.raises(BusinessError) as refused:
        await logistics.fulfil_order(client, token, rest)
    assert refused.value.code == "-999"
    assert "无需重复操作" in refused.value.message
    changed = logistics.Shipment(order.order_id, "CPAM", "LA888877773CN", "all")
    await logistics.modify_shipment(
        client, token, changed, old_service_name="EMS", old_tracking_number="LA888877772CN"
    )
    parcels = (await orders.load_order(client, token, order.order_id)).parcels
    assert {(parcel.service_name, parcel.tracking_number) for parcel in parcels} == {
        ("EMS", "LA888877771CN"),
        ("CPAM", "LA888877773CN"),
    }
    tracking = await logistics.load_tracking(
        client,
        token,
        order_id=order.order_id,
        service_name="CPAM",
        tracking_number="LA888877773CN",
        to_country=receipt.country,
    )
    assert tracking.events


async def test_finished_orders_must_be_asked_for(wrapped: Market) -> None:
    await wrapped.live_product("A-1")
    await wrapped.control("orders", seller_id=SELLER, count=2, status="FINISH")
    assert (await orders.list_orders(wrapped.client, wrapped.token)).orders == ()
    page = await orders.list_orders(wrapped.client, wrapped.token, statuses=[orders.FINISHED])
    assert {order.status for order in page.orders} == {"FINISH"}


async def test_another_sellers_order_is_refused(wrapped: Market) -> None:
    with pytest.raises(CallerFault):
        await orders.load_order(wrapped.client, wrapped.token, "1")


# Failures ----------------------------------------------------------------------------------------


async def test_a_wrong_secret(sandbox: Sandbox) -> None:
    async with market_of(sandbox, secret="wrong") as market:
        with pytest.raises(CallerFault) as refused:
            await shop.load_merchant_profile(market.client, AccessToken(SELLER, "t"))
        assert refused.value.code == "IncompleteSignature"
        assert refused.value.request_id


async def test_a_wrong_clock(sandbox: Sandbox) -> None:
    async with market_of(sandbox, now=lambda: datetime.now(UTC) - timedelta(hours=3)) as market:
        with pytest.raises(CallerFault, match=r"(?i)timestamp"):
            await shop.load_merchant_profile(market.client, AccessToken(SELLER, "t"))


async def test_a_token_that_died(market: Market) -> None:
    await market.control("tokens/expire", seller_id=SELLER)
    with pytest.raises(TokenDead) as dead:
        await shop.load_merchant_profile(market.client, market.token)
    assert dead.value.request_id


async def test_a_ban_is_met_once_and_then_kept(market: Market) -> None:
    await market.control("bans", operation="*.merchant.profile.get", seconds=300)
    calls = []
    for _ in range(2):
        with pytest.raises(LimitReached) as refused:
            await shop.load_merchant_profile(market.client, market.token)
        calls.append(refused.value)
    assert timedelta(seconds=290) < calls[0].ban <= timedelta(seconds=300)
    assert calls[1].code == "limit-kept"
    assert timedelta() < calls[1].ban <= calls[0].ban


async def test_a_payload_the_business_refuses(market: Market) -> None:
    payload = await market.payload("P-1")
    payload["title_multi_language_list"] = [{"locale": "en_US", "title": "a<b>"}]
    with pytest.raises(CallerFault) as refused:
        await products.post_product(market.client, market.token, payload)
    assert refused.value.message


FAULTS: list[tuple[dict[str, Any], type[MarketplaceFailure], type[MarketplaceFailure], bool]] = [
    ({"kind": "http_error", "status": 502}, PlatformFault, OutcomeUnknown, False),
    ({"kind": "http_error_after", "status": 504}, PlatformFault, OutcomeUnknown, True),
    ({"kind": "html"}, BadAnswer, OutcomeUnknown, False),
    ({"kind": "truncated"}, BadAnswer, OutcomeUnknown, True),
    ({"kind": "refused"}, PlatformFault, OutcomeUnknown, False),
    ({"kind": "answer_lost"}, PlatformFault, OutcomeUnknown, True),
    ({"kind": "hang", "seconds": 5}, PlatformFault, OutcomeUnknown, False),
    ({"kind": "dead_token"}, TokenDead, TokenDead, False),
    ({"kind": "error", "code": "ServiceUnavailable"}, PlatformFault, PlatformFault, False),
    ({"kind": "error", "code": "isp.system-busy"}, PlatformFault, PlatformFault, False),
    (
        {"kind": "error", "code": "isp.remote-connection-error"},
        PlatformFault,
        OutcomeUnknown,
        False,
    ),
    ({"kind": "error", "code": "isv.invalid-parameter"}, CallerFault, CallerFault, False),
]


@pytest.mark.parametrize(
    ("fault", "of_read", "of_write", "has_effect"),
    FAULTS,
    ids=["-".join(map(str, row[0].values())) for row in FAULTS],
)
async def test_faults_are_typed_by_what_the_caller_may_do(
    wrapped: Market,
    fault: dict[str, Any],
    of_read: type[MarketplaceFailure],
    of_write: type[MarketplaceFailure],
    has_effect: bool,
) -> None:
    product_id = await wrapped.live_product("A-1")
    before = len(await wrapped.ledger())
    await wrapped.control("faults", operation="*.product.info.get", count=1, **fault)
    await wrapped.control("faults", operation="*.inventory.update", count=1, **fault)
    with pytest.raises(of_read):
        await products.load_product(wrapped.client, wrapped.token, product_id)
    stock = offers.ProductStock(product_id, (offers.SkuStock("A-1", 42),))
    with pytest.raises(of_write):
        await offers.update_stock(wrapped.client, wrapped.token, [stock])
    assert (len(await wrapped.ledger()) > before) == has_effect
    # The faults are spent: the same calls succeed, and a repeated stock update is harmless.
    assert (await offers.update_stock(wrapped.client, wrapped.token, [stock])).succeeded
    [sku] = (await products.load_product(wrapped.client, wrapped.token, product_id)).skus
    assert sku.inventory == 42


async def test_what_the_business_says_keeps_its_code_and_words(wrapped: Market) -> None:
    payload = await wrapped.payload("P-1")
    told = {"code": "S00-10-10000-001", "message": "7150008:150008:You've reached the maximum"}
    await wrapped.control("faults", kind="business_error", count=1, **told)
    with pytest.raises(BusinessError) as refused:
        await products.post_product(wrapped.client, wrapped.token, payload)
    assert {"code": refused.value.code, "message": refused.value.message} == told
    assert refused.value.request_id


async def test_an_internal_error_of_shipping_may_be_repeated(wrapped: Market) -> None:
    await wrapped.control("faults", kind="business_error", count=1)
    shipment = logistics.Shipment("1", "EMS", "LA888877771CN", "all")
    with pytest.raises(PlatformFault):
        await logistics.fulfil_order(wrapped.client, wrapped.token, shipment)


async def test_a_gateway_that_is_down_was_never_reached(sandbox: Sandbox) -> None:
    async with market_of(sandbox, new_gateway("http://127.0.0.1:1")) as market:
        with pytest.raises(PlatformFault) as failure:
            await products.post_product(market.client, AccessToken(SELLER, "t"), {})
        assert failure.value.code == "not-sent"


# The old gateway ---------------------------------------------------------------------------------


@pytest.mark.parametrize("sign_method", ["md5", "hmac"])
@pytest.mark.parametrize("is_simplified", [False, True], ids=["wrapped", "simplified"])
async def test_the_old_gateway_serves_the_same_methods(
    sandbox: Sandbox, sign_method: Literal["md5", "hmac"], is_simplified: bool
) -> None:
    gateway = old_gateway(sandbox.url, sandbox.url, sign_method=sign_method)
    async with market_of(sandbox, gateway, is_simplified=is_simplified) as market:
        await market.connect()
        product_id = await market.live_product("A-1")
        product = await products.load_product(market.client, market.token, product_id)
        assert product.product_id == product_id
        stock = offers.ProductStock(product_id, (offers.SkuStock("A-1", 9),))
        outcome = await offers.update_stock(market.client, market.token, [stock])
        assert outcome.succeeded == (product_id,)
        with pytest.raises(CallerFault) as refused:
            await products.load_product(market.client, market.token, "1")
        assert refused.value.request_id
        with pytest.raises(TokenDead):
            await products.load_product(market.client, AccessToken(SELLER, "dead"), product_id)


async def test_the_old_gateway_refreshes_nothing(sandbox: Sandbox) -> None:
    async with market_of(sandbox, old_oauth(sandbox)) as market:
        with pytest.raises(CallerFault, match="not-on-this-gateway"):
            await oauth.refresh_token(market.client, "r")
