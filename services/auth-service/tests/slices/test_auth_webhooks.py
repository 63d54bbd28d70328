"""Webhooks: signed, delivered once by their id, tried again, disabled and enabled, replayed."""

import json
from typing import Any

import pytest
from standardwebhooks import Webhook

from common import clock
from common.failpoints import FailpointError, arm
from stack.sandbox import Sandbox
from stack.testing import NewDatabase

from ..alerts_harness import Alerts, Receiver, running_alerts, running_receiver
from ..auth_harness import migrate

BASE = "/v1/merchants/shein/webhooks"
DELIVER = ("tend-troubles", "tell", "deliver-webhooks")


@pytest.fixture
async def receiver() -> Any:
    async with running_receiver() as receiver:
        yield receiver


@pytest.fixture
async def hooked(
    database: NewDatabase, sandbox: Sandbox, receiver: Receiver, _own_clock: None
) -> Any:
    """auth-service that may deliver to this machine's receiver."""
    allowed = receiver.url.removeprefix("http://")
    url = await database(migrate)
    async with running_alerts(url, sandbox, webhook_allowed_hosts=allowed) as alerts:
        yield alerts


def owner(alerts: Alerts) -> dict[str, str]:
    scopes = ("webhooks:read", "webhooks:write", "alerts:read", "alerts:write")
    return alerts.auth.bearer(*scopes, merchant_id="shein")


async def call(alerts: Alerts, method: str, path: str = "", **body: Any) -> Any:
    answer = await alerts.auth.http.request(
        method, f"{BASE}{path}", headers=owner(alerts), json=body or None
    )
    assert answer.status_code < 300, answer.text
    return answer.json() if answer.content else None


async def add(alerts: Alerts, receiver: Receiver, *kinds: str) -> str:
    """An endpoint at the receiver; its id."""
    made = await call(
        alerts, "POST", url=f"{receiver.url}/hook", description="ERP", kinds=list(kinds or ("*",))
    )
    receiver.secret = made["secret"]
    return str(made["endpoint_id"])


async def deliveries(alerts: Alerts, endpoint_id: str) -> list[dict[str, Any]]:
    page = await call(alerts, "GET", f"/{endpoint_id}/deliveries")
    found: list[dict[str, Any]] = page["items"]
    return found


async def test_what_opens_and_closes_is_delivered_signed_with_the_facts_id(
    hooked: Alerts, receiver: Receiver
) -> None:
    endpoint_id = await add(hooked, receiver)
    await hooked.condition("run_withheld", feed_id="summer", details={"deletions": "19"})
    await hooked.auth.run(*DELIVER)
    hooked.after(minutes=1)
    await hooked.condition("run_withheld", present=False)
    await hooked.auth.run(*DELIVER)

    assert receiver.types == ["trouble.opened", "trouble.closed"]
    assert receiver.forged == 0
    rows = await hooked.auth.pool.fetch(
        "SELECT headers FROM outbox WHERE topic LIKE 'trouble.%' ORDER BY id"
    )
    ids = [dict(json.loads(row["headers"]))["ce_id"] for row in rows]
    assert [event_id for event_id, _ in receiver.taken] == ids
    opened, closed = (body["data"] for _, body in receiver.taken)
    assert opened["details"] == {"deletions": "19"}
    assert opened["trouble_id"] == closed["trouble_id"]
    assert (closed["outcome"], closed["times"]) == ("ended", 1)
    log = await deliveries(hooked, endpoint_id)
    assert [(one["event"], one["state"], one["last_status"]) for one in log] == [
        ("trouble.closed", "delivered", 204),
        ("trouble.opened", "delivered", 204),
    ]


async def test_secrets_are_shown_once_and_stored_sealed(hooked: Alerts, receiver: Receiver) -> None:
    endpoint_id = await add(hooked, receiver)
    for path in ("", f"/{endpoint_id}"):
        assert receiver.secret not in json.dumps(await call(hooked, "GET", path))
    stored = str(await hooked.auth.pool.fetch("SELECT * FROM webhook_secret"))
    audited = str(await hooked.auth.pool.fetch("SELECT * FROM audit"))
    assert receiver.secret.removeprefix("whsec_") not in stored + audited
    assert "webhook.made" in audited


async def test_a_new_secret_and_the_one_before_sign_for_a_day(
    hooked: Alerts, receiver: Receiver
) -> None:
    endpoint_id = await add(hooked, receiver)
    former = receiver.secret
    new = (await call(hooked, "POST", f"/{endpoint_id}/secret"))["secret"]
    assert Webhook(new) is not None
    for secret, hours, forged in ((former, 1, 0), (new, 1, 0), (former, 24, 1), (new, 1, 0)):
        hooked.after(hours=hours)
        receiver.secret, receiver.forged = secret, 0
        await hooked.condition("run_withheld", subject=f"feed/{hours}-{secret[6:12]}-{forged}")
        await hooked.auth.run(*DELIVER)
        assert receiver.forged == forged
    latest = (await call(hooked, "POST", f"/{endpoint_id}/secret"))["secret"]
    receiver.secret, receiver.forged = latest, 0
    await hooked.condition("run_withheld", subject="feed/last")
    await hooked.auth.run(*DELIVER)
    assert receiver.forged == 0


async def test_filters_choose_what_is_sent(hooked: Alerts, receiver: Receiver) -> None:
    endpoint_id = await add(hooked, receiver, "order_*", "drift")
    await hooked.condition("order_late", "order/main/1", order_id="1")
    await hooked.condition("drift", feed_id="summer")
    await hooked.condition("feed_idle", feed_id="summer")
    await hooked.auth.run(*DELIVER)
    assert sorted(body["data"]["kind"] for _, body in receiver.taken) == ["drift", "order_late"]
    await call(
        hooked, "PUT", f"/{endpoint_id}", url=f"{receiver.url}/x", description="", kinds=["banned"]
    )
    await hooked.condition("drift", "feed/other")
    await hooked.auth.run(*DELIVER)
    assert len(receiver.taken) == 2


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_a_filter_that_nothing_would_ever_be_sent_for_is_refused(
    hooked: Alerts, receiver: Receiver, method: str
) -> None:
    path = f"/{await add(hooked, receiver)}" if method == "PUT" else ""
    body = {"url": f"{receiver.url}/hook", "kinds": ["order_late", "oder_due"]}
    refused = await hooked.auth.http.request(
        method, f"{BASE}{path}", headers=owner(hooked), json=body
    )
    problem = refused.json()
    assert (refused.status_code, problem["field"]) == (422, "kinds")
    assert "oder_due (is order_due meant?)" in problem["title"]
    found = await call(hooked, "GET")
    assert [one["kinds"] for one in found["items"]] == ([["*"]] if path else [])


async def test_what_is_not_taken_comes_again_over_a_day_and_then_disables_the_endpoint(
    hooked: Alerts, receiver: Receiver
) -> None:
    person = await hooked.auth.member()
    endpoint_id = await add(hooked, receiver)
    receiver.status = 503
    await hooked.condition("run_withheld", feed_id="summer")
    await hooked.auth.run(*DELIVER)
    await hooked.auth.run(*DELIVER)
    assert receiver.asked == 1, "it waits before it tries again"
    for _ in range(36):
        hooked.after(hours=1)
        await hooked.auth.run(*DELIVER)
    assert receiver.asked >= 6
    view = await call(hooked, "GET", f"/{endpoint_id}")
    assert view["disabled_reason"] == "it failed for a day"
    [delivery] = await deliveries(hooked, endpoint_id)
    assert (delivery["state"], delivery["last_status"]) == ("failed", 503)
    await hooked.tell()
    host = receiver.url.removeprefix("http://").partition(":")[0]
    named = f"Webhook endpoint ERP ({host}) was switched off"
    assert [s for s in await hooked.subjects(person.email) if named in s]
    [trouble] = (
        await hooked.auth.http.get(
            "/v1/merchants/shein/troubles?kind=webhook_disabled", headers=owner(hooked)
        )
    ).json()["items"]
    assert trouble["title"] == named
    assert trouble["page"] is None or trouble["page"].endswith(f"/alerts/webhooks/{endpoint_id}")

    asked = receiver.asked
    await hooked.condition("drift", feed_id="summer")
    await hooked.auth.run(*DELIVER)
    assert receiver.asked == asked
    refused = await hooked.auth.http.post(
        f"{BASE}/{endpoint_id}/deliveries/{delivery['delivery_id']}/replay", headers=owner(hooked)
    )
    assert refused.status_code == 409

    receiver.status = 200
    await call(hooked, "POST", f"/{endpoint_id}/enable")
    again = await call(
        hooked, "POST", f"/{endpoint_id}/deliveries/{delivery['delivery_id']}/replay"
    )
    await hooked.auth.run(*DELIVER)
    assert again["event_id"] == delivery["event_id"]
    assert delivery["event_id"] in [event_id for event_id, _ in receiver.taken]
    await hooked.tell()
    assert [
        s for s in await hooked.subjects(person.email) if s.startswith("Over: Webhook endpoint ERP")
    ]


async def test_gone_disables_at_once(hooked: Alerts, receiver: Receiver) -> None:
    endpoint_id = await add(hooked, receiver)
    receiver.status = 410
    await hooked.condition("run_withheld")
    await hooked.condition("drift")
    await hooked.auth.run(*DELIVER)
    view = await call(hooked, "GET", f"/{endpoint_id}")
    assert view["disabled_reason"] == "it answered 410 (gone)"
    assert {one["state"] for one in await deliveries(hooked, endpoint_id)} == {"failed"}
    [trouble] = await hooked.auth.pool.fetch("SELECT * FROM trouble WHERE kind LIKE 'webhook%'")
    await call(hooked, "DELETE", f"/{endpoint_id}")
    [trouble] = await hooked.auth.pool.fetch("SELECT * FROM trouble WHERE kind LIKE 'webhook%'")
    assert trouble["closed_at"] is not None


async def test_a_redirect_is_not_followed_and_an_asked_pause_is_kept(
    hooked: Alerts, receiver: Receiver
) -> None:
    endpoint_id = await add(hooked, receiver)
    receiver.status, receiver.headers = 302, [(b"location", b"http://127.0.0.1:1/")]
    await hooked.condition("run_withheld")
    await hooked.auth.run(*DELIVER)
    [delivery] = await deliveries(hooked, endpoint_id)
    assert (delivery["state"], delivery["last_status"]) == ("due", 302)
    receiver.status, receiver.headers = 429, [(b"retry-after", b"1800")]
    hooked.after(minutes=1)
    await hooked.auth.run(*DELIVER)
    hooked.after(minutes=29)
    await hooked.auth.run(*DELIVER)
    assert receiver.asked == 2
    receiver.status = 200
    hooked.after(minutes=2)
    await hooked.auth.run(*DELIVER)
    assert receiver.types == ["trouble.opened"]
    assert (await call(hooked, "GET", f"/{endpoint_id}"))["failing_since"] is None


@pytest.mark.parametrize("place", ["webhook.after-claim", "webhook.after-post"])
async def test_a_kill_in_between_repeats_the_same_id(
    hooked: Alerts, receiver: Receiver, place: str
) -> None:
    await add(hooked, receiver)
    await hooked.condition("run_withheld")
    await hooked.auth.run("tell")
    arm(f"{place}=error")
    with pytest.raises(ExceptionGroup) as raised:
        await hooked.auth.run("deliver-webhooks")
    assert raised.group_contains(FailpointError)
    await hooked.auth.run("deliver-webhooks")
    assert len(receiver.taken) == (0 if place == "webhook.after-claim" else 1)
    await hooked.auth.pool.execute(
        "UPDATE webhook_delivery SET claimed_until = $1", clock.wall_now()
    )
    await hooked.auth.run("deliver-webhooks")
    assert len({event_id for event_id, _ in receiver.taken}) == 1
    assert len(receiver.taken) == (1 if place == "webhook.after-claim" else 2)


async def test_a_test_event_reaches_the_endpoint(hooked: Alerts, receiver: Receiver) -> None:
    endpoint_id = await add(hooked, receiver, "drift")
    answer = await hooked.auth.http.post(
        "/v1/merchants/shein/alerts/test",
        headers=owner(hooked),
        json={"channel": "webhook", "endpoint_id": endpoint_id},
    )
    assert answer.status_code == 202, answer.text
    await hooked.auth.run(*DELIVER)
    assert receiver.types == ["test"]
    reader = hooked.auth.bearer("alerts:read", merchant_id="shein")
    refused = await hooked.auth.http.post(
        "/v1/merchants/shein/alerts/test",
        headers=reader,
        json={"channel": "webhook", "endpoint_id": endpoint_id},
    )
    assert refused.status_code == 403


async def test_endpoints_inside_are_refused_when_made_and_when_their_name_moves(
    alerts: Alerts, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for url in (receiver.url, "https://127.0.0.1/x", "https://user:pw@hooks.example/"):
        answer = await alerts.auth.http.post(BASE, headers=owner(alerts), json={"url": url})
        if answer.status_code == 201:  # a literal address is checked when it is connected to
            continue
        assert (answer.status_code, answer.json()["field"]) == (422, "url")

    async def moved(_host: str, _port: int) -> list[str]:
        return ["93.184.216.34", "10.0.0.1"]

    monkeypatch.setattr("common.outbound.guarded_request.resolve_name", moved)
    made = await call(alerts, "POST", url="https://hooks.example/x")
    await alerts.condition("run_withheld")
    await alerts.auth.run(*DELIVER)
    [delivery] = await deliveries(alerts, made["endpoint_id"])
    assert delivery["last_error"] == "the host is in a private network"
    assert receiver.asked == 0


async def test_a_merchant_has_twenty_endpoints_at_most(alerts: Alerts) -> None:
    for number in range(20):
        await call(alerts, "POST", url=f"https://hooks.example/{number}")
    full = await alerts.auth.http.post(
        BASE, headers=owner(alerts), json={"url": "https://hooks.example/more"}
    )
    assert (full.status_code, full.json()["type"].rpartition(":")[2]) == (
        409,
        "webhook-endpoints-full",
    )


async def test_a_foreign_merchants_endpoint_does_not_exist(
    hooked: Alerts, receiver: Receiver
) -> None:
    endpoint_id = await add(hooked, receiver)
    await hooked.auth.register("zara")
    foreign = hooked.auth.bearer("webhooks:read", "webhooks:write", merchant_id="zara")
    for merchant in ("shein", "zara"):
        base = f"/v1/merchants/{merchant}/webhooks/{endpoint_id}"
        for method, path in (
            ("GET", ""), ("DELETE", ""), ("POST", "/enable"), ("POST", "/secret"),
            ("GET", "/deliveries"),
        ):  # fmt: skip
            answer = await hooked.auth.http.request(method, base + path, headers=foreign)
            assert answer.status_code == 404
