"""Forms of a feed: what others saved meanwhile is never undone, and what was typed is kept."""

import json
import re
from typing import Any

import httpx2
import pytest

from ..promised_services import made, operation
from .conftest import Opened
from .test_console_forms import changing, csrf

FORMS = [
    ("settings", {"shipping_preparation_time": "9"}, 'value="9"'),
    ("settings", {"shipping_preparation_time": "9", "try": "1"}, 'value="9"'),
    ("configuration", {"document": "[7]", "note": "why", "try": "1"}, 'value="why"'),
    ("exclusions", {"field": "typed", "test": "contains", "value": "b"}, 'value="typed"'),
    ("attributes", {"attribute": "Origin", "value": "Spain"}, 'value="Spain"'),
    (
        "match",
        {"section": "attributes", "name": "price", "kind": "field", "field": "typed"},
        'value="typed"',
    ),
]


def a_feed(opened: Opened, version: int = 7, **configuration: Any) -> None:
    opened.services.instead["GET /feeds/f"] = {
        "feed_id": "f",
        "shop_id": "main",
        "catalogue_id": "c",
        "main_locale": "en_US",
        "configuration_version": version,
        "lifecycle": "active",
        "configuration": {"currency": "EUR", **configuration},
        "online": 0,
    }


def a_leaf_that_asks(opened: Opened, name: str) -> dict[str, Any]:
    """The configuration of a feed into a leaf that asks for this attribute."""
    asked = {
        "name": name,
        "kind": "text",
        "is_required": True,
        "takes_own_text": True,
        "values": {},
        "value_count": 0,
    }
    opened.services.instead["/categories/5/attributes"] = {
        "category_id": "5",
        "path": ["Home", "Mugs"],
        "category_attributes": [asked],
        "sku_attributes": [],
    }
    return {"category": {"source": {"field": "c"}, "exact": {"Mugs": "5"}}}


def version_kept(page: str) -> str:
    found = re.findall(r'name="version" value="([^"]*)"', page)
    return str(found[-1])


@pytest.mark.parametrize(("page", "typed", "shown"), FORMS)
async def test_a_form_that_was_overtaken_keeps_its_version_and_says_what_changed(
    opened: Opened, page: str, typed: dict[str, str], shown: str
) -> None:
    a_feed(opened, 7, **a_leaf_that_asks(opened, "Origin"))
    opened.services.instead["/versions/7/diff"] = {
        "from_version": 6,
        "to_version": 7,
        "changes": [{"kind": "replace", "words": "preparation: 3 became 9", "path": []}],
        "patch": [],
    }
    form = {"csrf": await csrf(opened), "version": "6", **typed}
    for _ in range(2):
        answer = await opened.http.post(f"/feeds/f/{page}", data=form)
        assert answer.status_code == 409
        assert shown in answer.text
        assert "preparation: 3 became 9" in answer.text
        assert f'<a href="/feeds/f/{page}' in answer.text
        assert version_kept(answer.text) == "6"
    assert [each for each in opened.services.told if each.url.params.get("against") == "6"]
    saved = [each for each in changing(opened) if not each.url.path.endswith(("/check", "/try"))]
    assert saved == []


async def test_a_rule_that_could_not_be_taken_away_is_chosen_on_the_rules_as_they_are(
    opened: Opened,
) -> None:
    a_feed(opened, 7)
    form = {"csrf": await csrf(opened), "version": "6", "remove": "exclude"}
    answer = await opened.http.post("/feeds/f/exclusions", data=form)
    assert answer.status_code == 409
    assert version_kept(answer.text) == "7"


async def test_a_document_saved_too_late_keeps_its_note(opened: Opened) -> None:
    a_feed(opened, 7)
    newer = httpx2.Response(412, json={"title": "it has version 7", "status": 412})
    opened.services.instead["PUT /feeds/f"] = newer
    form = {"csrf": await csrf(opened), "version": "6", "document": "{}", "note": "for summer"}
    answer = await opened.http.post("/feeds/f/configuration", data=form)
    assert answer.status_code == 409
    assert 'value="for summer"' in answer.text
    assert version_kept(answer.text) == "6"


async def test_values_for_gaps_are_typed_once(opened: Opened) -> None:
    a_feed(opened, 7, **a_leaf_that_asks(opened, "Origin"))
    refused = {"title": "no such value", "status": 422, "field": "category_attributes.Origin"}
    opened.services.instead["PUT /feeds/f"] = httpx2.Response(422, json=refused)
    form = {"csrf": await csrf(opened), "version": "7", "attribute": "Origin", "value": "Spian"}
    answer = await opened.http.post("/feeds/f/attributes", data=form)
    assert answer.status_code == 422
    assert 'value="Spian"' in answer.text


async def test_no_green_note_stands_above_what_is_asked_for_and_filled_by_nothing(
    opened: Opened,
) -> None:
    opened.services.instead["/feeds/f/completeness"] = {
        "products": 3,
        "ready": 3,
        "share": 1,
        "states": {},
        "lacking": [],
    }
    opened.services.instead["/feeds/f/progress"] = {
        "families": 3,
        "dirty": 0,
        "waiting": 0,
        "normalized": 3,
        "waits_for": {},
    }
    a_feed(opened, 7)
    assert "No product lacks an attribute." in (await opened.http.get("/feeds/f/attributes")).text
    a_feed(opened, 7, **a_leaf_that_asks(opened, "Origin"))
    page = (await opened.http.get("/feeds/f/attributes")).text
    assert "Asked for, and filled by nothing" in page
    assert "No product lacks an attribute." not in page


@pytest.mark.parametrize("version", ["0", "-1", "999"])
async def test_nobody_goes_back_to_a_version_that_is_not_there(
    opened: Opened, version: str
) -> None:
    absent = httpx2.Response(404, json={"title": "version not found", "status": 404})
    opened.services.instead["GET /feeds/f/versions/999"] = absent
    answer = await opened.http.get(f"/feeds/f/versions/{version}")
    assert answer.status_code == 404
    assert "Go back to version" not in answer.text


def a_try(opened: Opened, **changed: Any) -> None:
    """A draft made of version 6, whose preparation time another set to 9 with version 7."""
    base = {"currency": "EUR", "countries": ["ES"]}
    newest = {"shipping_preparation_time": {"constant": 9}}
    promised = operation("catalog-service", "GET", "/v1/merchants/m/feeds/f/drafts/3")
    assert promised is not None
    schema = promised["responses"]["200"]["content"]["application/json"]["schema"]
    draft = made("catalog-service", schema)
    draft |= {"state": "ready", "based_on": '"6"', "configuration": base | changed}
    version = {
        "version": 6,
        "author": None,
        "note": None,
        "saved_at": "2026-11-27T10:00:00Z",
        "is_present": False,
        "configuration": base,
    }
    opened.services.instead |= {
        "GET /feeds/f/drafts/3": draft,
        "GET /feeds/f/versions/6": version,
        "POST /drafts/3/apply": httpx2.Response(
            412,
            json={"title": "the feed is at version 7", "status": 412, "remedy": "GET /v1/..."},
        ),
    }
    a_feed(opened, 7, countries=["ES"], attributes=newest)


async def test_a_try_that_was_overtaken_is_tried_again_with_what_was_saved(opened: Opened) -> None:
    a_try(opened, countries=["FR"])
    form = {"csrf": await csrf(opened)}
    refused = await opened.http.post("/feeds/f/try/3/apply", data=form)
    assert refused.status_code == 409
    assert "/v1/" not in refused.text
    assert 'action="/feeds/f/try/3/again"' in refused.text
    assert 'action="/feeds/f/try/3/apply"' not in refused.text
    opened.services.told.clear()
    answer = await opened.http.post("/feeds/f/try/3/again", data=form)
    assert answer.headers["location"] == "/feeds/f/try/3"
    begun, dropped = changing(opened)
    assert json.loads(begun.content) == {
        "currency": "EUR",
        "countries": ["FR"],
        "attributes": {"shipping_preparation_time": {"constant": 9}},
    }
    assert dropped.method == "DELETE"


async def test_a_try_that_does_not_fit_the_newest_version_names_what_both_changed(
    opened: Opened,
) -> None:
    a_try(opened, attributes={"shipping_preparation_time": {"constant": 5}})
    answer = await opened.http.post("/feeds/f/try/3/again", data={"csrf": await csrf(opened)})
    assert answer.status_code == 409
    assert "attributes" in answer.text
    assert "Drop it" in answer.text
    assert changing(opened) == []


async def test_only_our_own_form_tries_again(opened: Opened) -> None:
    a_try(opened)
    answer = await opened.http.post("/feeds/f/try/3/again", data={})
    assert answer.status_code in {400, 403}
    assert changing(opened) == []


async def test_a_feed_of_a_name_that_is_taken_says_so_at_its_field(opened: Opened) -> None:
    exists = {"title": "the feed exists", "status": 412, "remedy": "GET /v1/merchants/..."}
    opened.services.instead["PUT /feeds/f"] = httpx2.Response(412, json=exists)
    form = {"csrf": await csrf(opened), "feed": "f", "document": "shop: main", "currency": "EUR"}
    answer = await opened.http.post("/feeds-new/save", data=form)
    assert answer.status_code == 409
    assert "/v1/" not in answer.text
    assert 'aria-describedby="w-feed"' in answer.text
