"""The search box: AliExpress's ids of products, and merchants for operators."""

import re
from typing import Any

import httpx2
import pytest

from ..promised_services import ME
from .conftest import Opened

ONLINE = "1005006789"
MERCHANT = {
    "merchant_id": "zapatos",
    "name": "Zapatos & Co",
    "is_eligible": True,
    "created_at": "2026-11-27T10:00:00Z",
}


@pytest.fixture(autouse=True)
def nothing_else(opened: Opened) -> None:
    """Nothing is found but what a test says."""
    empty: dict[str, Any] = {"items": [], "next_cursor": None}
    for place in ("/orders", "/v1/merchants"):
        opened.services.instead[f"GET {place}"] = empty
    for place in ("/feeds", "/catalogues"):
        opened.services.instead[f"GET /v1/merchants/acme{place}"] = empty
    opened.services.instead["/v1/merchants/acme/products"] = {"items": []}
    absent = httpx2.Response(404, json={"title": "run not found", "status": 404})
    opened.services.instead[f"/runs/{ONLINE}"] = absent
    opened.services.instead["/runs/zapa"] = absent


def online(*family_ids: str) -> dict[str, Any]:
    rows = [
        {"feed_id": "shoes", "shop_id": f"s{number}", "family_id": family_id}
        for number, family_id in enumerate(family_ids)
    ]
    return {"items": [row | {"marketplace_product_id": ONLINE, "status": None} for row in rows]}


def asked(opened: Opened, end: str) -> list[httpx2.Request]:
    return [told for told in opened.services.told if told.url.path.endswith(end)]


async def test_aliexpress_s_id_of_a_product_leads_to_it(opened: Opened) -> None:
    opened.services.instead["/v1/merchants/acme/products"] = online("coat/1")
    answer = await opened.http.get("/search", params={"q": f" {ONLINE} "})
    assert answer.headers["location"] == "/feeds/shoes/preview/coat%2F1"
    [told] = asked(opened, "/merchants/acme/products")
    assert told.url.params["marketplace_product_id"] == ONLINE


async def test_of_several_shops_each_is_shown(opened: Opened) -> None:
    opened.services.instead["/v1/merchants/acme/products"] = online("coat", "scarf")
    page = (await opened.http.get("/search", params={"q": ONLINE})).text
    for family_id in ("coat", "scarf"):
        assert f'href="/feeds/shoes/preview/{family_id}"' in page


async def test_operators_find_merchants_by_their_id_or_name(opened: Opened) -> None:
    opened.services.instead["GET /v1/merchants"] = {"items": [MERCHANT], "next_cursor": None}
    page = (await opened.http.get("/search", params={"q": "zapa"})).text
    assert re.search(r'action="/merchants".*?name="merchant" value="zapatos"', page, re.DOTALL)
    assert "Zapatos &amp; Co" in page
    [told] = asked(opened, "/v1/merchants")
    assert told.url.params["q"] == "zapa"
    assert not asked(opened, "/merchants/acme/products"), "it is no id of AliExpress's"


async def test_an_operator_who_looks_at_no_merchant_finds_them_too(opened: Opened) -> None:
    opened.services.instead["/v1/me"] = ME | {"memberships": []}
    opened.services.instead["GET /v1/merchants"] = {"items": [MERCHANT], "next_cursor": None}
    answer = await opened.http.get("/search", params={"q": "zapa"})
    assert (answer.status_code, 'value="zapatos"' in answer.text) == (200, True)
    opened.services.silent.add("auth-service")
    assert "auth-service did not answer" in (await opened.http.get("/search?q=zapa")).text


async def test_nobody_else_is_shown_merchants(opened: Opened) -> None:
    opened.services.instead["/v1/me"] = ME | {"is_operator": False}
    page = (await opened.http.get("/search", params={"q": "zapa"})).text
    assert "Nothing was found" in page
    assert not asked(opened, "/v1/merchants")


async def test_who_has_no_merchant_and_is_no_operator_is_asked_for_one(opened: Opened) -> None:
    opened.services.instead["/v1/me"] = ME | {"is_operator": False, "memberships": []}
    answer = await opened.http.get("/search?q=zapa")
    assert answer.headers["location"] == "/merchants"
