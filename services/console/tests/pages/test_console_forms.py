"""Changes: a form must be this browser's, and what a service refuses is shown where it stands."""

import json
import re
from typing import Any

import httpx2
import pytest

from ..promised_services import order_to_ship
from .conftest import Opened

CHANGES = [
    ("/sign-out", {}),
    ("/merchants", {"merchant": "acme"}),
    ("/shops", {"shop": "main"}),
    ("/shops/main/connect", {}),
    ("/shops/main/order-imports", {}),
    ("/shops/main/preparation", {"days": "4"}),
    ("/feeds-new/save", {"feed": "f", "document": "shop: main", "currency": "eur"}),
    ("/feeds/f/settings", {"version": "3", "package_weight": "1"}),
    ("/feeds/f/settings", {"version": "3", "package_weight": "1", "try": "1"}),
    (
        "/feeds/f/match",
        {"section": "attributes", "name": "price", "kind": "field", "field": "a", "version": "3"},
    ),
    ("/feeds/f/runs", {"kind": "product"}),
    ("/feeds/f/pause", {"reason": "x"}),
    ("/feeds/f/resume", {}),
    ("/feeds/f/schedule", {"at": "22:30", "zone": "UTC", "offer_every_minutes": "30"}),
    ("/feeds/f/guard", {"share": "10"}),
    ("/feeds/f/fast-lane", {"fast_lane": "off"}),
    ("/feeds/f/adoptions", {"adopt": "a|b"}),
    ("/feeds/f/accept", {"accept-1": "{}"}),
    ("/feeds/f/attributes", {"version": "3", "attribute": "Origin", "value": "Spain"}),
    ("/feeds/f/configuration", {"document": "{}", "version": "1"}),
    ("/feeds/f/configuration", {"document": "{}", "version": "3", "try": "1"}),
    ("/feeds/f/exclusions", {"version": "3", "field": "a", "test": "equals", "value": "b"}),
    ("/feeds/f/exclusions", {"version": "3", "remove": "exclude"}),
    ("/feeds/f/try/1/apply", {}),
    ("/feeds/f/try/1/drop", {}),
    ("/feeds/f/versions/1/rollback", {}),
    ("/runs/r/confirm", {}),
    ("/orders/main/1/shipments", {"carrier": "x", "tracking_number": "y"}),
    ("/orders/main/1/shipments/s/tracking", {"tracking_number": "y"}),
    ("/orders-file", {"shop": "main", "rows": "x"}),
    ("/catalogues", {"name": "c"}),
    ("/catalogues/c/imports/1/cancel", {}),
    ("/alerts/read", {}),
    ("/alerts/troubles/t/acknowledge", {}),
    ("/alerts/subscriptions", {"kind": "token_expiring"}),
    ("/alerts/webhooks", {"url": "https://hooks.example"}),
    ("/alerts/subscriptions", {"as_role": "1"}),
    ("/alerts/subscriptions/test", {}),
    ("/alerts/webhooks/e", {"url": "https://hooks.example"}),
    ("/alerts/webhooks/e/enable", {}),
    ("/alerts/webhooks/e/remove", {}),
    ("/alerts/webhooks/e/rotate", {}),
    ("/alerts/webhooks/e/test", {}),
    ("/alerts/webhooks/e/deliveries/d/replay", {}),
    ("/people", {"email": "a@b.example", "role": "agent"}),
    ("/people/p/role", {"role": "viewer"}),
    ("/people/p/remove", {}),
    ("/account/profile", {"display_name": "x", "language": "fr", "time_zone": "UTC"}),
    ("/account/password", {"current_password": "x", "password": "y"}),
    ("/account/sessions/others", {}),
    ("/account/second-factor", {"password": "x"}),
    ("/account/second-factor/confirm", {"code": "1"}),
    ("/account/second-factor/disable", {"password": "x"}),
    ("/operate/merchants", {"merchant": "acme"}),
    ("/operate/dead-letters/catalog-service/1/replay", {}),
    ("/operate/dead-letters/catalog-service/1/discard", {"why": "x"}),
    ("/operate/quarantines/catalog-service/lift", {"group": "g"}),
    ("/operate/set-aside/catalog-service/release", {"job": "j"}),
]


async def csrf(opened: Opened, path: str = "/account") -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', (await opened.http.get(path)).text)
    assert found
    return found[1]


def changing(opened: Opened) -> list[httpx2.Request]:
    return [
        request
        for request in opened.services.told
        if request.method != "GET" and not request.url.path.endswith("/sessions/token")
    ]


@pytest.mark.parametrize(("path", "fields"), CHANGES)
async def test_a_foreign_form_changes_nothing(
    opened: Opened, path: str, fields: dict[str, str]
) -> None:
    token = await csrf(opened)
    for sent, headers in (
        ({}, {}),
        ({"csrf": "0" * 64}, {}),
        ({"csrf": token}, {"Sec-Fetch-Site": "cross-site"}),
        ({"csrf": token}, {"Origin": "https://evil.example"}),
    ):
        answer = await opened.http.post(path, data={**fields, **sent}, headers=headers)
        assert answer.status_code in {400, 403}, (path, sent)
    assert not changing(opened)


@pytest.mark.parametrize(("path", "fields"), CHANGES)
async def test_our_own_form_changes_something(
    opened: Opened, path: str, fields: dict[str, str]
) -> None:
    token = await csrf(opened)
    if path == "/catalogues":
        absent = httpx2.Response(404, json={"title": "catalogue not found", "status": 404})
        opened.services.instead["GET /catalogues/c"] = absent
    headers = {"Origin": "http://console.test", "Sec-Fetch-Site": "same-origin"}
    answer = await opened.http.post(path, data={**fields, "csrf": token}, headers=headers)
    assert answer.status_code in {200, 303, 422}, answer.text
    if path not in {"/merchants", "/feeds/f/accept"}:
        assert changing(opened)


async def test_a_refusal_stands_at_its_field_and_nothing_typed_is_lost(opened: Opened) -> None:
    problem = {
        "type": "urn:x:number-unfit",
        "title": "the number does not fit the carrier",
        "status": 422,
        "field": "tracking_number",
        "remedy": "Thirteen characters are expected.",
        "rule": "M8.4",
    }
    token = await csrf(opened)
    opened.services.instead["/orders/81/shipments"] = httpx2.Response(422, json=problem)
    answer = await opened.http.post(
        "/orders/main/81/shipments",
        data={"csrf": token, "carrier": "Correos & Co", "tracking_number": "LP<1>"},
    )
    assert answer.status_code == 422
    assert 'aria-describedby="w-tracking_number"' in answer.text or "M8.4" in answer.text
    assert "Thirteen characters are expected." in answer.text


@pytest.mark.parametrize(
    ("path", "typed", "asked"),
    [
        (
            "schedule",
            {"at": "22:30", "zone": "Europe/Madrid", "offer_every_minutes": "30"},
            {"product": {"at": "22:30", "zone": "Europe/Madrid"}, "offer_every_minutes": "30"},
        ),
        (
            "schedule",
            {"at": "", "zone": "Europe/Madrid", "offer_every_minutes": ""},
            {"product": None, "offer_every_minutes": None},
        ),
        ("guard", {"share": "12,5 %"}, {"share": "0.125"}),
        ("guard", {"share": ""}, {"share": None}),
        ("guard", {"share": "a lot"}, {"share": "a lot"}),
        ("fast-lane", {"fast_lane": "off"}, {"is_on": False}),
        ("fast-lane", {"fast_lane": ""}, {"is_on": None}),
    ],
)
async def test_when_and_how_much_is_sent_is_asked_as_it_is_typed(
    opened: Opened, path: str, typed: dict[str, str], asked: dict[str, Any]
) -> None:
    answer = await opened.http.post(f"/feeds/f/{path}", data={"csrf": await csrf(opened), **typed})
    assert answer.status_code == 303
    [told] = [each for each in opened.services.told if each.method == "PUT"]
    assert told.url.path.endswith(f"/feeds/f/{path}")
    assert json.loads(told.content) == asked


async def test_a_refused_share_stands_at_its_field_with_what_was_typed(opened: Opened) -> None:
    errors = [{"field": "share", "rule": "less_than_equal", "message": "it is above 1"}]
    problem = {"title": "the request is not valid", "status": 422, "errors": errors}
    opened.services.instead["/feeds/f/guard"] = httpx2.Response(422, json=problem)
    typed = {"csrf": await csrf(opened), "share": "250"}
    answer = await opened.http.post("/feeds/f/guard", data=typed)
    assert answer.status_code == 422
    assert 'aria-describedby="w-share"' in answer.text
    assert 'value="250"' in answer.text


async def test_the_same_order_shipped_twice_has_one_key(opened: Opened) -> None:
    token = await csrf(opened)
    for _ in range(2):
        await opened.http.post(
            "/orders/main/81/shipments",
            data={"csrf": token, "carrier": "Correos", "tracking_number": "LP1"},
        )
    keys = {r.headers["idempotency-key"] for r in changing(opened)}
    assert len(keys) == 1


def attempt_of(page: str) -> str:
    found = re.search(r'name="attempt" value="([^"]+)"', page)
    assert found
    return found[1]


async def test_a_refused_parcel_keeps_its_lines_and_a_later_view_asks_anew(opened: Opened) -> None:
    opened.services.instead["/orders/81"] = order_to_ship("81-1", "81-2")
    shown = await opened.http.get("/orders/main/81")
    token = re.search(r'name="csrf" value="([^"]+)"', shown.text)
    assert token
    opened.services.instead["/orders/81/shipments"] = httpx2.Response(
        422, json={"title": "no such carrier", "status": 422, "field": "carrier"}
    )
    typed = {
        "csrf": token[1],
        "attempt": attempt_of(shown.text),
        "carrier": "DHL Expresso",
        "tracking_number": "LP1",
        "tracking_website": "https://follow.example",
        "line": "81-1",
    }
    refused = await opened.http.post("/orders/main/81/shipments", data=typed)
    assert refused.status_code == 422
    assert re.search(r'value="81-1" checked', refused.text)
    assert not re.search(r'value="81-2" checked', refused.text)
    assert 'value="https://follow.example"' in refused.text
    del opened.services.instead["/orders/81/shipments"]
    again = typed | {"attempt": attempt_of(refused.text)}
    for form in (again, again, typed):
        await opened.http.post("/orders/main/81/shipments", data=form)
    sent = [told.headers["idempotency-key"] for told in changing(opened)]
    assert sent[0] == sent[3]
    assert sent[1] == sent[2] != sent[0]
    assert json.loads(changing(opened)[1].content)["lines"] == ["81-1"]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        ("order_id,carrier\n81,Correos España\n".encode("cp1252"), 422),
        (b"PK\x03\x04\xff\xfe", 422),
        ("order_id,carrier\n81,Correos España\n".encode("utf-16"), 200),
        ("order_id,carrier\n81,Correos España\n".encode("utf-8-sig"), 200),
    ],
)
async def test_rows_of_parcels_are_read_whole_or_not_at_all(
    opened: Opened, content: bytes, status: int
) -> None:
    answer = await opened.http.post(
        "/orders-file",
        data={"csrf": await csrf(opened), "shop": "main"},
        files={"file": ("parcels.csv", content, "text/csv")},
    )
    assert answer.status_code == status
    assert [each.content.decode().split(",")[2].strip() for each in changing(opened)] == (
        ["Correos España"] if status == 200 else []
    )


async def test_a_file_is_passed_on_behind_its_fields(opened: Opened) -> None:
    token = await csrf(opened)
    content = b"id,title\r\n1,\x00\xff--not-the-border\r\n"
    answer = await opened.http.post(
        "/catalogues/c/imports",
        data={"csrf": token, "mode": "full"},
        files={"file": ("my products.csv", content, "text/csv")},
    )
    assert answer.status_code == 303
    (sent,) = changing(opened)
    assert sent.url.params["mode"] == "full"
    assert content in sent.content
    assert b'name="file"; filename="my products.csv"' in sent.content
    assert token.encode() not in sent.content


async def test_a_first_file_says_how_its_rows_are_named_and_is_imported(opened: Opened) -> None:
    token = await csrf(opened)
    absent = httpx2.Response(404, json={"title": "catalogue not found", "status": 404})
    opened.services.instead["GET /catalogues/c"] = absent
    opened.services.instead["/feed-proposals"] = {
        "format": "csv",
        "rows": 2,
        "is_partial": False,
        "columns": [],
        "open_points": [],
        "configuration": "feed: c\nshop: main\nid_field: code\nparent_field: group\n",
    }
    content = b"code,group,title\r\n1,,Mug\r\n"
    answer = await opened.http.post(
        "/feeds-new/file",
        data={"csrf": token, "catalogue": "c", "shop": "main", "main_locale": "fr_FR"},
        files={"file": ("mugs.csv", content, "text/csv")},
    )
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"] == (
        "/feeds-new?shop=main&catalogue=c&main_locale=fr_FR&import=3"
    )
    proposed, declared, imported = changing(opened)
    assert proposed.url.path.endswith("/feed-proposals")
    assert content in proposed.content
    assert json.loads(declared.content) == {
        "fed_by": "files",
        "versioning": "arrival",
        "id_field": "code",
        "parent_field": "group",
    }
    assert content in imported.content


async def test_a_file_never_changes_a_catalogue_that_is_in_use(opened: Opened) -> None:
    answer = await opened.http.post(
        "/feeds-new/file",
        data={"csrf": await csrf(opened), "catalogue": "c", "shop": "main"},
        files={"file": ("mugs.csv", b"code,title\r\n1,Mug\r\n", "text/csv")},
    )
    assert answer.status_code == 409
    assert 'aria-describedby="w-catalogue"' in answer.text
    assert changing(opened) == []


@pytest.mark.parametrize(
    ("path", "typed"),
    [
        ("/feeds/f/settings", {"package_length": "31", "package_weight": "0.4"}),
        ("/feeds/f/configuration", {"document": '{"shop": "mine"}'}),
    ],
)
async def test_what_another_saved_meanwhile_cannot_be_undone_by_pressing_twice(
    opened: Opened, path: str, typed: dict[str, str]
) -> None:
    newer = httpx2.Response(412, json={"title": "it has version 7", "status": 412})
    opened.services.instead["PUT /feeds/f"] = newer
    form = {"csrf": await csrf(opened), "version": "6", **typed}
    answer = await opened.http.post(path, data=form)
    assert answer.status_code == 409
    assert 'name="version" value="6"' in answer.text
    assert f'href="{path}"' in answer.text


async def test_what_is_no_file_makes_nothing(opened: Opened) -> None:
    token = await csrf(opened)
    answer = await opened.http.post(
        "/feeds-new/file",
        data={"csrf": token, "catalogue": "c", "shop": "main"},
        files={"file": ("empty.csv", b"", "text/csv")},
    )
    assert answer.status_code == 422
    assert 'aria-describedby="w-file"' in answer.text
    assert not changing(opened)


async def test_a_file_of_a_foreign_page_is_not_read(opened: Opened) -> None:
    files = {"file": ("x.csv", b"id\n1\n", "text/csv")}
    answer = await opened.http.post("/catalogues/c/imports", data={"mode": "full"}, files=files)
    assert answer.status_code == 403
    assert not changing(opened)


async def test_signing_in_needs_the_browsers_own_form(opened: Opened) -> None:
    opened.http.cookies.clear()
    typed = {"email": "a@b.example", "password": "x" * 12}
    assert (await opened.http.post("/sign-in", data=typed)).status_code == 403
    token = await csrf(opened, "/sign-in?next=//evil.example/")
    answer = await opened.http.post(
        "/sign-in", data={**typed, "csrf": token, "next": "//evil.example/"}
    )
    assert answer.status_code == 303
    assert answer.headers["location"] == "/"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie


async def test_all_other_sessions_end_and_no_more(opened: Opened) -> None:
    await opened.http.post("/account/sessions/others", data={"csrf": await csrf(opened)})
    [told] = [each for each in opened.services.told if each.method == "DELETE"]
    assert told.url.params["others"] == "true"


async def test_a_form_of_a_visitor_is_theirs_whatever_session_the_browser_still_has(
    opened: Opened,
) -> None:
    for path in ("/forgot-password", "/invitation?link=x", "/sign-in"):
        opened.services.instead["/v1/me"] = httpx2.Response(401, json={"title": "", "status": 401})
        page = await opened.http.get(path)
        token = re.search(r'name="csrf" value="([^"]+)"', page.text)
        assert token
        form = {"csrf": token[1], "email": "a@b.example", "link": "x", "password": "y"}
        answer = await opened.http.post(path.partition("?")[0], data=form)
        assert answer.status_code != 403, path


async def test_a_merchant_that_is_refused_is_typed_once(opened: Opened) -> None:
    opened.services.instead["/v1/merchants/new"] = httpx2.Response(
        422, json={"title": "no such id", "status": 422}
    )
    typed = {"merchant": "new", "name": "New & Co", "email": "o@new.example"}
    answer = await opened.http.post(
        "/operate/merchants", data={"csrf": await csrf(opened), **typed}
    )
    assert answer.status_code == 422
    assert 'value="New &amp; Co"' in answer.text
    assert 'value="o@new.example"' in answer.text
    more = await opened.http.get("/operate/merchants?cursor=x")
    assert more.headers["location"] == "/operate?cursor=x#merchants"


@pytest.mark.parametrize("path", ["/products/{}", "/feeds/f/preview/{}"])
async def test_an_id_with_a_slash_has_its_page(opened: Opened, path: str) -> None:
    answer = await opened.http.get(path.format("SK/12%233%3F"))
    assert answer.status_code == 200
    assert any("SK%2F12%233%3F" in str(each.url) for each in opened.services.told)


@pytest.mark.parametrize("name", ["..", "%2e%2e", "a%2F..%2F..%2Fother", "x%00"])
async def test_an_odd_id_never_leaves_its_place(opened: Opened, name: str) -> None:
    await opened.http.get(f"/feeds/{name}/preview")
    for request in opened.services.told:
        assert ".." not in request.url.path.split("/")
        raw = request.url.raw_path.decode()
        assert raw.startswith(
            (
                "/v1/me",
                "/v1/sessions/token",
                "/v1/merchants/acme/feeds",
                "/v1/merchants/acme/alerts/unread",
            )
        )


def a_feed(opened: Opened, exclude: object) -> None:
    opened.services.instead["/feeds/shoes"] = {
        "feed_id": "shoes",
        "shop_id": "main",
        "catalogue_id": "c",
        "main_locale": "en_US",
        "configuration_version": 7,
        "lifecycle": "active",
        "configuration": {"currency": "EUR", "exclude": exclude},
        "online": 0,
    }


async def test_a_rule_less_is_tried_with_all_else_as_it_is(opened: Opened) -> None:
    token = await csrf(opened)
    a_feed(opened, {"any": [{"field": "a", "empty": True}, {"field": "b", "empty": True}]})
    sent = {"csrf": token, "version": "7", "remove": "exclude.any.0"}
    answer = await opened.http.post("/feeds/shoes/exclusions", data=sent)
    assert answer.headers["location"] == "/feeds/shoes/try/3"
    (draft,) = changing(opened)
    assert draft.url.path.endswith("/feeds/shoes/drafts")
    assert json.loads(draft.content) == {
        "currency": "EUR",
        "exclude": {"any": [{"field": "b", "empty": True}]},
    }


async def test_rules_of_another_version_are_not_changed(opened: Opened) -> None:
    token = await csrf(opened)
    a_feed(opened, {"field": "a", "empty": True})
    sent = {"csrf": token, "version": "6", "field": "typed", "test": "contains", "value": "kept"}
    answer = await opened.http.post("/feeds/shoes/exclusions", data=sent)
    assert answer.status_code == 409
    assert 'value="typed"' in answer.text
    assert 'value="kept"' in answer.text
    assert not [r for r in changing(opened) if r.url.path.endswith("/drafts")]
