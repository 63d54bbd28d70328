"""Shipping an order by its page: what was ticked and typed stays, in the form it was typed into."""

import json
import re
from typing import Any

import httpx2
import pytest

from ..promised_services import made, operation, order_to_ship
from .conftest import Opened

SHIP = "/orders/main/81/shipments"
CORRECT = SHIP + "/s1/tracking"
UNKNOWN_CARRIER: dict[str, Any] = {
    "type": "urn:x:carrier-unknown",
    "title": "AliExpress does not know the carrier Seur",
    "status": 422,
    "field": "carrier",
    "remedy": "Name one of the shop's carriers, or add `tracking_website`.",
}


async def test_a_line_that_left_meanwhile_does_not_make_the_parcel_the_whole_order(
    opened: Opened,
) -> None:
    opened.services.instead["/orders/81"] = order_to_ship("81-1", "81-2", in_parcel=["81-1"])
    opened.services.instead["/orders/81/shipments"] = refusal(
        type="urn:x:lines-shipped", status=409, remedy="Send `further`."
    )
    typed = {"carrier": "Correos", "tracking_number": "LP1", "line": "81-1"}
    refused = await post(opened, SHIP, typed)
    assert refused.status_code == 409
    assert "further" not in alert_of(refused.text)
    del opened.services.instead["/orders/81/shipments"]
    unticked = sent_by(form_of(refused.text, SHIP), carrier="Correos", tracking_number="LP1")
    again = await post(opened, SHIP, unticked)
    assert again.status_code == 422
    assert "Tick the lines" in again.text
    assert len(asked(opened)) == 1
    ticked = sent_by(form_of(again.text, SHIP)) | {"line": "81-2"}
    assert (await post(opened, SHIP, ticked)).status_code == 303
    assert asked(opened)[-1]["lines"] == ["81-2"]


async def test_none_ticked_is_all_that_is_left(opened: Opened) -> None:
    opened.services.instead["/orders/81"] = order_to_ship("81-1", "81-2")
    shown = await opened.http.get("/orders/main/81")
    typed = sent_by(form_of(shown.text, SHIP), carrier="Correos", tracking_number="LP1")
    assert (await post(opened, SHIP, typed)).status_code == 303
    assert "lines" not in asked(opened)[0]


@pytest.mark.parametrize("name", ["carrier", "tracking_number", "tracking_website", "note"])
async def test_a_form_that_was_changed_is_another_request(opened: Opened, name: str) -> None:
    typed = {"attempt": "a", "carrier": "Other", "tracking_number": "LP1"}
    await post(opened, SHIP, typed)
    await post(opened, SHIP, typed | {name: "changed"})
    await post(opened, SHIP, typed | {name: "changed"})
    first, second, third = keys(opened)
    assert first != second == third


async def test_a_number_corrected_back_and_forth_is_asked_for_each_time(opened: Opened) -> None:
    opened.services.instead["/orders/81"] = order_to_ship("81-1", in_parcel=["81-1"])
    for number in ("B", "A", "B"):
        shown = await opened.http.get("/orders/main/81")
        typed = sent_by(form_of(shown.text, CORRECT), tracking_number=number)
        for _ in range(2):
            assert (await post(opened, CORRECT, typed)).status_code == 303
    assert [body["tracking_number"] for body in asked(opened)] == ["B", "B", "A", "A", "B", "B"]
    assert keys(opened)[::2] == keys(opened)[1::2]
    assert len(set(keys(opened))) == 3


async def test_a_refused_correction_stays_in_its_own_form(opened: Opened) -> None:
    opened.services.instead["/orders/81"] = order_to_ship("81-1", "81-2", in_parcel=["81-1"])
    opened.services.instead["/shipments/s1/tracking"] = refusal(**UNKNOWN_CARRIER)
    typed = {"carrier": "Seur", "tracking_number": "LP9", "tracking_website": "seur.example"}
    refused = await post(opened, CORRECT, typed)
    assert asked(opened) == [typed]
    correcting, shipping = form_of(refused.text, CORRECT), form_of(refused.text, SHIP)
    for value in typed.values():
        assert f'value="{value}"' in correcting
        assert f'value="{value}"' not in shipping
    assert UNKNOWN_CARRIER["title"] in correcting
    assert 'aria-invalid="true"' in correcting
    assert 'aria-invalid="true"' not in shipping


async def test_a_refusal_names_fields_as_the_form_does(opened: Opened) -> None:
    opened.services.instead["/orders/81"] = order_to_ship("81-1", "81-2")
    opened.services.instead["/orders/81/shipments"] = refusal(**UNKNOWN_CARRIER)
    refused = await post(opened, SHIP, {"carrier": "Seur", "tracking_number": "LP9"})
    for shown in (alert_of(refused.text), form_of(refused.text, SHIP)):
        assert "`tracking_website`" not in shown
        assert "or add “Page where the parcel can be followed”" in shown


async def test_a_parcel_that_others_follow_says_so_and_leads_to_the_next(opened: Opened) -> None:
    order = order_to_ship("81-1", in_parcel=["81-1"])
    order["parcels"][0]["more_follow"] = True
    opened.services.instead["/orders/81"] = order
    page = (await opened.http.get("/orders/main/81")).text
    assert "More parcels of its lines are to come." in page
    assert '<a href="#ship">' in page
    assert 'id="ship"' in page
    assert form_of(page, SHIP)
    last = order["parcels"][0] | {"shipment_id": "s2", "more_follow": False}
    order["parcels"].append(last)
    opened.services.instead["/orders/81/shipments"] = {"items": [a_shipment("s2")]}
    page = (await opened.http.get("/orders/main/81")).text
    assert "More parcels of its lines are to come." not in page
    assert page.count("a further parcel of lines that were in one already") == 1
    assert 'id="ship"' not in page


def a_shipment(shipment_id: str) -> dict[str, Any]:
    """A further parcel of lines that were in one already."""
    known = operation("order-importer", "GET", "/v1/merchants/m/shops/s/orders/81/shipments")
    assert known is not None
    schema = known["responses"]["200"]["content"]["application/json"]["schema"]
    one: dict[str, Any] = made("order-importer", schema)["items"][0]
    return one | {"shipment_id": shipment_id, "is_further": True, "state": "confirmed"}


def refusal(**problem: Any) -> httpx2.Response:
    told: dict[str, Any] = {"title": "no", "status": 422} | problem
    return httpx2.Response(told["status"], json=told)


async def post(opened: Opened, path: str, typed: dict[str, str]) -> httpx2.Response:
    return await opened.http.post(path, data={**typed, "csrf": await token_of(opened)})


async def token_of(opened: Opened) -> str:
    page = await opened.http.get("/orders")
    token = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert token
    return token[1]


def alert_of(page: str) -> str:
    """The refusal above the page; its panels may have refusals of their own."""
    found = re.search(r'<div class="banner bad" role="alert">.*?</div>', page, re.DOTALL)
    assert found, page
    return found[0]


def form_of(page: str, action: str) -> str:
    """The form of the page that is sent there."""
    found = re.search(rf'<form method="post" action="{action}".*?</form>', page, re.DOTALL)
    assert found, page
    return found[0]


def sent_by(form: str, **typed: str) -> dict[str, str]:
    """What a browser sends of it: hidden and filled fields, ticked boxes, and what is typed."""
    fields = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = (re.search(rf' {each}="([^"]*)"', tag) for each in ("name", "value"))
        if name and value and value[1] and ("checkbox" not in tag or " checked" in tag):
            fields[name[1]] = value[1]
    return fields | typed


def sent(opened: Opened) -> list[httpx2.Request]:
    return [
        told
        for told in opened.services.told
        if told.method == "POST" and told.url.path.startswith("/v1/merchants/")
    ]


def asked(opened: Opened) -> list[dict[str, Any]]:
    return [json.loads(told.content) for told in sent(opened)]


def keys(opened: Opened) -> list[str]:
    return [told.headers["idempotency-key"] for told in sent(opened)]
