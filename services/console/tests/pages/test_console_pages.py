"""Every page: it shows what the services promise, as text; nothing of it is inline."""

import re
from typing import Any

import httpx2
import pytest
from lxml import html

from .conftest import SESSION, Opened

SIGNED_IN = [
    "/",
    "/shops",
    "/shops/main",
    "/shops/main?parent=1",
    "/shops/main?q=sofa",
    "/feeds",
    "/feeds/f",
    "/feeds/f/versions/2",
    "/feeds/f/preview",
    "/feeds/f/preview/family-1",
    "/feeds/f/products?status=live",
    "/feeds/f/categories?q=sofa",
    "/feeds/f/categories?parent=3&of=Sofas",
    "/feeds/f/attributes",
    "/feeds/f/match?section=attributes&name=price",
    "/feeds/f/match?section=category_attributes&name=Origin&kind=map&map_from=colour",
    "/feeds/f/match?section=sku_attributes&name=Color&leaf=3",
    "/feeds/f/match?section=titles&name=fr_FR",
    "/feeds/f/settings",
    "/feeds/f/configuration",
    "/feeds/f/try/1",
    "/feeds/f/exclusions",
    "/feeds/f/exclusions?show=rules",
    "/feeds/f/send",
    "/feeds/f/send?show=forecasts",
    "/feeds-new",
    "/feeds/f/runs",
    "/feeds-new?shop=main&catalogue=c&import=3",
    "/feeds-new?shop=main&catalogue=c",
    "/runs/r",
    "/runs/r?status=rejected",
    "/products/SKU-1",
    "/orders",
    "/orders?view=all",
    "/orders/main/81",
    "/orders/main/81/slip",
    "/orders-file",
    "/catalogues",
    "/catalogues/c",
    "/catalogues/c/products/p",
    "/catalogues/c/imports/1",
    "/alerts",
    "/alerts?state=closed",
    "/alerts?severity=critical&kind=order_late&unread=1",
    "/alerts/subscriptions",
    "/alerts/webhooks",
    "/alerts/webhooks/e",
    "/alerts/webhooks/e?state=failed",
    "/people",
    "/account",
    "/audit",
    "/operate",
    "/operate/dead-letters/catalog-service",
    "/operate/dead-letters/order-importer/1",
    "/search?q=nothing",
    "/merchants",
    "/no-such-page",
]
PARTS = [
    "/runs/r?part=state",
    "/feeds/f?part=progress",
    "/feeds/f/try/1?part=state",
    "/feeds/f/exclusions?part=rules",
    "/feeds/f/send?part=forecasts",
    "/catalogues/c/imports/1?part=state",
]
"""Parts of pages that load again, or later, by themselves."""
OPEN = [
    "/sign-in",
    "/sign-in?next=/feeds",
    "/forgot-password",
    "/reset-password?link=l",
    "/invitation?link=l",
    "/first-run",
]
HANDLERS = re.compile(r"^on[a-z]+$")


def check(answer: httpx2.Response) -> Any:
    """What holds of every page."""
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert SESSION not in answer.text
    page = html.document_fromstring(answer.text)
    for script in page.iter("script"):
        assert script.get("src", "").startswith("/assets/"), "an inline script"
        assert not script.text
    assert not list(page.iter("style"))
    for element in page.iter():
        assert not [name for name in element.attrib if HANDLERS.match(str(name))], element.tag
        assert "style" not in element.attrib
        for name in ("src", "href", "action"):
            assert not element.get(name, "").lower().startswith("javascript:")
    ids = [element.get("id") for element in page.iter() if element.get("id")]
    assert len(ids) == len(set(ids)), [each for each in ids if ids.count(each) > 1]
    labelled = {label.get("for") for label in page.iter("label")}
    for field in page.xpath("//input[not(@type='hidden')] | //select | //textarea"):
        is_named = (
            field.get("id") in labelled
            or field.get("aria-label")
            or field.xpath("ancestor::label")
            or field.get("hidden") is not None
        )
        assert is_named, html.tostring(field)
    assert len(page.xpath("//h1")) == 1
    assert page.get("lang")
    return page


@pytest.mark.parametrize("path", SIGNED_IN)
async def test_a_page_shows_hostile_texts_as_texts(opened: Opened, path: str) -> None:
    answer = await opened.http.get(path)
    assert answer.status_code == (404 if path == "/no-such-page" else 200), answer.text[:2000]
    check(answer)
    assert "<script>alert" not in answer.text
    assert "<img src=x" not in answer.text
    assert "49" not in re.findall(r">(\d+)}}", answer.text)


@pytest.mark.parametrize("path", PARTS)
async def test_a_part_of_a_page_is_that_part_alone(opened: Opened, path: str) -> None:
    answer = await opened.http.get(path, headers={"HX-Request": "true"})
    assert answer.status_code == 200, answer.text[:2000]
    part = html.fragment_fromstring(answer.text.strip())
    assert part.get("id"), "it takes the place of the one before"
    assert "<script>alert" not in answer.text
    check(await opened.http.get(path))  # opened by a person it is the whole page


@pytest.mark.parametrize(
    "address",
    ["/feeds/f/match?section=attributes&name=price&part=results", "/feeds/f/progress"],
)
async def test_what_is_loaded_into_a_place_is_a_part(opened: Opened, address: str) -> None:
    answer = await opened.http.get(address, headers={"HX-Request": "true"})
    assert answer.status_code == 200, answer.text[:2000]
    assert "<html" not in answer.text
    assert "<script>alert" not in answer.text


async def test_a_part_that_fails_says_so_in_its_place(opened: Opened) -> None:
    opened.services.silent.add("feed-publisher")
    answer = await opened.http.get("/runs/r?part=state", headers={"HX-Request": "true"})
    assert answer.status_code == 503
    assert "feed-publisher did not answer" in answer.text
    assert "<html" not in answer.text


@pytest.mark.parametrize("path", OPEN)
async def test_a_page_for_everybody(opened: Opened, path: str) -> None:
    opened.http.cookies.clear()
    check(await opened.http.get(path))


@pytest.mark.parametrize("path", SIGNED_IN)
@pytest.mark.parametrize("silent", ["catalog-service", "feed-publisher", "order-importer"])
async def test_a_page_says_which_service_is_away(opened: Opened, path: str, silent: str) -> None:
    opened.services.silent.add(silent)
    answer = await opened.http.get(path)
    check(answer)
    asked = {request.url.host for request in opened.services.told}
    if f"{silent.split('-', maxsplit=1)[0]}.test" in asked and "/operate" not in path:
        assert f"{silent} did not answer" in answer.text


@pytest.mark.parametrize("language", ["fr", "es"])
async def test_a_page_in_another_language(opened: Opened, language: str) -> None:
    opened.http.cookies.clear()
    answer = await opened.http.get("/sign-in", headers={"Accept-Language": f"{language}-CA"})
    assert check(answer).get("lang") == language
    assert "Sign in" not in answer.text


@pytest.mark.parametrize("path", [path for path in SIGNED_IN if path != "/no-such-page"])
async def test_nobody_sees_a_page_without_a_session(opened: Opened, path: str) -> None:
    opened.http.cookies.clear()
    answer = await opened.http.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in")


async def test_a_session_that_has_ended_is_forgotten(opened: Opened) -> None:
    problem = {"type": "urn:x:session-ended", "title": "ended", "status": 401}
    opened.services.instead["/v1/me"] = httpx2.Response(401, json=problem)
    answer = await opened.http.get("/feeds?cursor=x")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=%2Ffeeds%3Fcursor%3Dx"
    assert 'console_session=""' in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    ("path", "leads_to"),
    [
        ("/orders/unknown", "/search?q=unknown"),
    ],
)
async def test_addresses_that_mails_name_lead_on(opened: Opened, path: str, leads_to: str) -> None:
    answer = await opened.http.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, leads_to)


async def test_assets_are_kept_for_long_and_packed(opened: Opened) -> None:
    page = (await opened.http.get("/sign-in")).text
    weights = []
    for path in re.findall(r'(?:href|src)="(/assets/[^"]+)"', page):
        answer = await opened.http.get(path, headers={"Accept-Encoding": "gzip"})
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["content-encoding"] == "gzip"
        weights.append(answer.num_bytes_downloaded)
    assert sum(weights) + len(page) < 150_000


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"status": "ready", "components": {"database": True}}, "ready"),
        ({"components": {"database": True, "relay": False}}, "not ready relay"),
        (httpx2.Response(404, json={"title": "Not Found", "status": 404}), "does not say"),
    ],
)
async def test_operators_see_how_well_the_services_are(
    opened: Opened, answer: Any, said: str
) -> None:
    opened.services.instead["/health/ready"] = answer
    opened.services.silent.add("order-importer")
    page = html.document_fromstring((await opened.http.get("/operate")).text)
    states = [
        " ".join(each.text_content().split())
        for each in page.xpath("//h2[@id='services']/following::ul[1]/li")
    ]
    assert any(each.startswith(f"catalog-service: {said}") for each in states), states
    assert "order-importer: does not answer" in states
