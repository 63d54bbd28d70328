"""Alerts: troubles lead to where they are repaired, secrets are shown once, nothing is lost."""

import asyncio
import json
from typing import Any

import httpx2
import pytest

from console.services import Services

from ..promised_services import ME
from .conftest import Opened
from .test_console_forms import changing, csrf

TROUBLE: dict[str, Any] = {
    "trouble_id": "a" * 32,
    "kind": "run_failed",
    "severity": "critical",
    "state": "open",
    "title": "Le dernier envoi du flux shoes a échoué",
    "meaning": "m",
    "remedy": "r",
    "page": "http://console.test/feeds/shoes/send",
    "since": "2026-11-27T10:00:00Z",
    "ended_at": None,
    "closed_at": None,
    "times": 1,
    "acknowledged_at": None,
    "acknowledged_by": None,
    "is_unread": True,
    "shop_id": "main",
    "feed_id": "shoes",
    "catalogue_id": None,
    "run_id": None,
    "order_id": None,
}


def told(opened: Opened, *troubles: dict[str, Any]) -> None:
    opened.services.instead["/troubles"] = {"items": list(troubles), "next_cursor": None}


async def test_a_trouble_leads_to_our_page_that_repairs_it(opened: Opened) -> None:
    told(opened, TROUBLE)
    page = (await opened.http.get("/alerts")).text
    assert 'href="/feeds/shoes/send"' in page
    assert '<span class="chip bad">Critical</span>' in page
    assert 'lang="en">Le dernier' not in page


@pytest.mark.parametrize("page", ["javascript:alert(1)", "https://evil.example/", "//evil.example"])
async def test_no_trouble_leads_elsewhere(opened: Opened, page: str) -> None:
    told(opened, {**TROUBLE, "page": page})
    shown = (await opened.http.get("/alerts")).text
    assert "evil.example" not in shown
    assert "javascript:" not in shown
    assert 'href="/feeds/shoes"' in shown


@pytest.mark.parametrize(
    ("values", "href"),
    [
        ({"order_id": "8/1"}, "/orders/main/8%2F1"),
        ({"run_id": "r"}, "/runs/r"),
        ({"feed_id": None, "catalogue_id": "c"}, "/catalogues/c"),
        ({"feed_id": None, "page": "https://auth.example/v1/renew/acme/main"}, "/shops/main"),
    ],
)
async def test_without_an_address_it_leads_to_what_it_is_about(
    opened: Opened, values: dict[str, Any], href: str
) -> None:
    told(opened, {**TROUBLE, "page": None, **values})
    assert f'href="{href}">Open the page' in (await opened.http.get("/alerts")).text


async def test_what_is_about_nothing_leads_nowhere(opened: Opened) -> None:
    told(opened, {**TROUBLE, "page": None, "shop_id": None, "feed_id": None})
    for path in ("/", "/alerts"):
        assert "Open the page" not in (await opened.http.get(path)).text


async def test_texts_are_asked_for_in_the_persons_language(opened: Opened) -> None:
    await opened.http.get("/alerts?kind=order_late&severity=nonsense&state=x")
    (asked,) = [r for r in opened.services.told if r.url.path.endswith("/troubles")]
    assert asked.url.params["language"] == "en"
    assert asked.url.params["kind"] == "order_late"
    assert asked.url.params["state"] == "open"
    assert "severity" not in asked.url.params


async def test_the_unread_count_is_asked_for_once_and_again_after_reading(opened: Opened) -> None:
    def asked() -> int:
        return sum(r.url.path.endswith("/alerts/unread") for r in opened.services.told)

    page = (await opened.http.get("/feeds")).text
    assert '<span class="count">3<span class="unseen"> unread</span></span>' in page
    await opened.http.get("/orders")
    assert asked() == 1
    token = await csrf(opened)
    await opened.http.post("/alerts/read", data={"csrf": token, "trouble": "a" * 32})
    (sent,) = changing(opened)
    assert json.loads(sent.content) == {"trouble_ids": ["a" * 32]}
    await opened.http.get("/alerts")
    assert asked() == 2


async def test_a_slow_count_holds_no_page(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = Services.send

    async def never(self: Services, method: str, *more: Any, **request: Any) -> Any:
        if str(more[1]).endswith("/alerts/unread"):
            await asyncio.Event().wait()
        return await ask(self, method, *more, **request)

    monkeypatch.setattr(Services, "send", never)
    answer = await asyncio.wait_for(opened.http.get("/feeds"), 5)
    assert answer.status_code == 200
    assert 'class="count"' not in answer.text


async def test_after_a_change_the_list_is_as_it_was_filtered(opened: Opened) -> None:
    token = await csrf(opened)
    for wanted, then in (
        ("/alerts?state=closed&kind=x", "/alerts?state=closed&kind=x"),
        ("//evil.example", "/alerts"),
        ("/account", "/alerts"),
    ):
        answer = await opened.http.post("/alerts/read", data={"csrf": token, "next": wanted})
        assert answer.headers["location"] == then


async def test_every_kind_on_the_page_is_chosen(opened: Opened) -> None:
    token = await csrf(opened)
    await opened.http.post(
        "/alerts/subscriptions",
        data={"csrf": token, "kind": ["a", "b"], "mail": ["b"], "in_app": ["a", "b"]},
    )
    (sent,) = changing(opened)
    assert json.loads(sent.content)["choices"] == [
        {"kind": "a", "channel": "mail", "is_on": False},
        {"kind": "a", "channel": "in_app", "is_on": True},
        {"kind": "b", "channel": "mail", "is_on": True},
        {"kind": "b", "channel": "in_app", "is_on": True},
    ]


async def test_a_secret_is_shown_once(opened: Opened) -> None:
    token = await csrf(opened)
    made = {
        "endpoint_id": "e" * 32,
        "url": "https://hooks.example",
        "description": "",
        "kinds": ["*"],
        "created_at": "2026-11-27T10:00:00Z",
        "failing_since": None,
        "disabled_at": None,
        "disabled_reason": None,
        "secret": "whsec_once",
        "items": [],
    }
    opened.services.instead["/webhooks"] = made
    answer = await opened.http.post(
        "/alerts/webhooks",
        data={"csrf": token, "url": "https://hooks.example", "kinds": "order_*, run_failed"},
    )
    assert answer.text.count("whsec_once") == 1
    assert json.loads(changing(opened)[0].content)["kinds"] == ["order_*", "run_failed"]
    assert "whsec_once" not in (await opened.http.get("/alerts/webhooks")).text


async def test_a_refused_webhook_stands_at_its_field_as_typed(opened: Opened) -> None:
    token = await csrf(opened)
    problem = {
        "type": "urn:x:webhook-url-unusable",
        "title": "the address cannot be used",
        "status": 422,
        "field": "url",
        "remedy": "Send an https address.",
    }
    opened.services.instead["/webhooks"] = httpx2.Response(422, json=problem)
    answer = await opened.http.post(
        "/alerts/webhooks",
        data={"csrf": token, "url": "http://10.0.0.1", "description": "erp", "kinds": "order_*"},
    )
    assert answer.status_code == 422
    assert 'aria-describedby="w-url"' in answer.text
    for typed in ("http://10.0.0.1", "erp", "order_*"):
        assert f'value="{typed}"' in answer.text


async def test_what_is_no_change_deletes_nothing(opened: Opened) -> None:
    token = await csrf(opened)
    for action in ("anything", "disable", "delete"):
        answer = await opened.http.post(f"/alerts/webhooks/e/{action}", data={"csrf": token})
        assert answer.status_code == 404
    assert not changing(opened)


async def test_today_says_a_trouble_once(opened: Opened) -> None:
    derived = "the last run failed"
    run: dict[str, Any] = {
        "run_id": "r1",
        "feed_id": "shoes",
        "shop_id": "main",
        "cause": "schedule",
        "kind": "product",
        "state": "failed",
        "is_dry_run": False,
        "needs_confirmation": False,
        "counts": {},
        "progress": {"total": 0, "decided": 0, "under_way": 0},
        "asked_at": "2026-11-27T10:00:00Z",
    }
    run |= dict.fromkeys(
        ("waiting_reason", "trouble", "planned_at", "confirmed_at", "started_at", "finished_at")
    )
    opened.services.instead["/runs"] = {"items": [run], "next_cursor": None}
    told(opened)
    assert derived in (await opened.http.get("/")).text
    told(opened, TROUBLE)
    page = (await opened.http.get("/")).text
    assert derived not in page
    assert TROUBLE["title"] in page
    told(opened, {**TROUBLE, "state": "quiet"})
    page = (await opened.http.get("/")).text
    assert derived in page
    assert TROUBLE["title"] not in page


@pytest.mark.parametrize(
    ("role", "may_acknowledge", "has_webhooks"),
    [("viewer", False, False), ("agent", True, False), ("owner", True, True)],
)
async def test_a_role_is_offered_what_it_may(
    opened: Opened, role: str, *, may_acknowledge: bool, has_webhooks: bool
) -> None:
    memberships = [{"merchant_id": "acme", "role": role}]
    opened.services.instead["/v1/me"] = {**ME, "is_operator": False, "memberships": memberships}
    told(opened, TROUBLE)
    page = (await opened.http.get("/alerts")).text
    assert ("I take care of it" in page) is may_acknowledge
    assert ('href="/alerts/webhooks"' in page) is has_webhooks
    assert "Mark as read" in page
    kinds = (await opened.http.get("/alerts/subscriptions")).text
    assert 'action="/alerts/subscriptions"' in kinds
