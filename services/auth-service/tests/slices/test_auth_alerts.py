"""Who is told of what, by mail and in the list; digests, read marks, tests of channels."""

from typing import Any

import pytest

from ..alerts_harness import Alerts

BASE = "/v1/merchants/shein"


async def get(alerts: Alerts, path: str, headers: dict[str, str], **query: Any) -> Any:
    answer = await alerts.auth.http.get(f"{BASE}{path}", headers=headers, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_owners_are_told_of_all_agents_of_orders_viewers_in_the_list(alerts: Alerts) -> None:
    people = {role: await alerts.auth.member(role) for role in ("owner", "agent", "viewer")}
    stranger = await alerts.auth.member("owner", "zara") if await known(alerts, "zara") else None
    await alerts.condition(feed_id="summer")
    await alerts.condition("order_late", "order/main/81", order_id="81")
    await alerts.tell()
    assert len(await alerts.mails(people["owner"].email)) == 2
    assert len(await alerts.mails(people["agent"].email)) == 1
    assert await alerts.mails(people["viewer"].email) == []
    assert stranger is not None
    assert await alerts.mails(stranger.email) == []
    for role, expected in (("owner", 2), ("agent", 1), ("viewer", 2)):
        headers = alerts.auth.as_person(people[role], role)  # type: ignore[arg-type]
        assert (await get(alerts, "/alerts/unread", headers))["count"] == expected


async def known(alerts: Alerts, merchant_id: str) -> bool:
    await alerts.auth.register(merchant_id)
    return True


async def test_mails_are_in_the_readers_language_and_zone(alerts: Alerts) -> None:
    person = await alerts.auth.member(language="es")
    await alerts.auth.pool.execute("UPDATE person SET time_zone = 'America/Bogota'")
    await alerts.condition(feed_id="summer")
    await alerts.tell()
    [mail] = await alerts.mails(person.email)
    assert (
        mail["subject"] == "El feed summer no ha enviado nada desde hace demasiado tiempo - Shein"
    )
    assert "2026-11-02 03:00 (America/Bogota)" in mail["text"]


async def test_a_subscription_is_a_choice_that_replaces_the_default(alerts: Alerts) -> None:
    owner = await alerts.auth.member()
    headers = alerts.auth.as_person(owner, "owner")
    path = f"{BASE}/alerts/subscriptions/me"
    choices = [
        {"kind": "feed_idle", "channel": "mail", "is_on": False},
        {"kind": "drift", "channel": "mail", "is_on": True},
    ]
    saved = await alerts.auth.http.put(path, headers=headers, json={"choices": choices})
    assert saved.status_code == 200, saved.text
    views = {item["kind"]: item for item in saved.json()["items"]}
    assert (views["feed_idle"]["mail"], views["feed_idle"]["is_default"]) == (False, False)
    assert (views["drift"]["mail"], views["drift"]["is_default"]) == (True, True)
    await alerts.condition(feed_id="summer")
    await alerts.condition("drift", feed_id="summer")
    await alerts.tell()
    [subject] = await alerts.subjects()
    assert "differs" in subject
    audit = await alerts.auth.pool.fetchrow(
        "SELECT action, merchant_id, details FROM audit WHERE action = 'alert.subscriptions.saved'"
    )
    assert audit is not None
    assert audit["merchant_id"] == "shein"
    wrong = await alerts.auth.http.put(
        path,
        headers=headers,
        json={"choices": [{"kind": "rain", "channel": "mail", "is_on": True}]},
    )
    assert (wrong.status_code, wrong.json()["field"]) == (422, "choices")


async def test_somebody_elses_subscriptions_are_for_operators(alerts: Alerts) -> None:
    owner, agent = await alerts.auth.member(), await alerts.auth.member("agent")
    path = f"{BASE}/alerts/subscriptions/{agent.person_id}"
    foreign = await alerts.auth.http.get(path, headers=alerts.auth.as_person(owner, "owner"))
    assert foreign.status_code == 404
    asked = await alerts.auth.http.get(path, headers=alerts.auth.operator)
    assert asked.json()["role"] == "agent"
    client = alerts.auth.bearer("alerts:read", merchant_id="shein")
    nobody = await alerts.auth.http.get(f"{BASE}/alerts/subscriptions/me", headers=client)
    assert (nobody.status_code, nobody.json()["type"]) == (
        409, "urn:aliexpress-channel:problem:not-a-person",
    )  # fmt: skip
    unread = await alerts.auth.http.get(
        f"{BASE}/troubles", headers=client, params={"unread": "true"}
    )
    assert unread.status_code == 422


async def test_many_at_once_are_one_digest(alerts: Alerts) -> None:
    await alerts.auth.member()
    for number in range(30):
        await alerts.condition(subject=f"feed/f{number}", feed_id=f"f{number}")
    await alerts.tell()
    [mail] = await alerts.mails()
    assert mail["subject"] == "30 messages about Shein"
    assert "Feed f29 has not sent" in mail["text"]
    for number in range(3):
        await alerts.condition("drift", subject=f"feed/f{number}", feed_id=f"f{number}")
        await alerts.tell()
    assert len(await alerts.mails()) == 1, "they wait until nothing was told for two minutes"
    alerts.after(minutes=2)
    await alerts.tell()
    assert len(await alerts.mails()) == 4


async def test_who_was_told_of_the_beginning_is_told_of_the_end(alerts: Alerts) -> None:
    first = await alerts.auth.member(email="first@shein.example")
    await alerts.condition("run_withheld", feed_id="summer")
    await alerts.tell()
    second = await alerts.auth.member(email="second@shein.example")
    await alerts.condition("run_withheld", present=False)
    await alerts.tell()
    assert len(await alerts.mails(first.email)) == 2
    assert await alerts.mails(second.email) == []


async def test_who_left_is_told_nothing_more(alerts: Alerts) -> None:
    person = await alerts.auth.member()
    await alerts.condition("run_withheld", feed_id="summer")
    await alerts.auth.pool.execute("DELETE FROM membership")
    await alerts.tell()
    assert await alerts.mails(person.email) == []


async def test_the_list_pages_filters_and_marks_what_was_read(alerts: Alerts) -> None:
    person = await alerts.auth.member()
    headers = alerts.auth.as_person(person, "owner")
    for number in range(5):
        await alerts.condition(subject=f"feed/f{number}", feed_id=f"f{number}")
        alerts.after(minutes=1)
    await alerts.condition("drift", "feed/f0", feed_id="f0")
    await alerts.condition("run_withheld", feed_id="f0")
    await alerts.condition("run_withheld", present=False)

    seen, cursor = [], None
    while True:
        query = {"limit": 3, **({"cursor": cursor} if cursor else {})}
        page = await get(alerts, "/troubles", headers, **query)
        seen += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len({item["trouble_id"] for item in seen}) == len(seen) == 7
    times = [item["opened_at"] for item in seen]
    assert times == sorted(times, reverse=True)
    assert all(item["is_unread"] for item in seen)

    async def found(**query: Any) -> list[str]:
        page = await get(alerts, "/troubles", headers, **query)
        return [item["kind"] for item in page["items"]]

    assert await found(state="closed") == ["run_withheld"]
    assert await found(severity="critical") == ["feed_idle"] * 5
    assert sorted(await found(kind=["drift", "run_withheld"])) == ["drift", "run_withheld"]
    assert await found(state="open", kind="drift", severity="critical") == []
    french = await get(alerts, "/troubles", headers, kind="drift", language="fr")
    assert french["items"][0]["title"].startswith("La boutique diffère")

    marked = await alerts.auth.http.post(
        f"{BASE}/alerts/read", headers=headers, json={"trouble_ids": [seen[0]["trouble_id"]]}
    )
    assert marked.json() == {"count": 1}
    assert len(await found(unread="true")) == 6
    await alerts.auth.http.post(f"{BASE}/alerts/read", headers=headers, json={})
    assert await found(unread="true") == []
    assert (await get(alerts, "/alerts/unread", headers))["count"] == 0
    await alerts.condition("drift", "feed/f0", present=False)
    alerts.after(minutes=31)
    headers |= alerts.auth.as_person(person, "owner")
    await alerts.auth.run("tend-troubles")
    assert await found(unread="true") == ["drift"], "its end was not read"


async def test_a_foreign_merchants_trouble_does_not_exist(alerts: Alerts) -> None:
    await alerts.auth.register("zara")
    await alerts.condition(feed_id="summer")
    headers = alerts.auth.bearer("alerts:read", "alerts:write", merchant_id="shein")
    [trouble] = (await get(alerts, "/troubles", headers))["items"]
    foreign = alerts.auth.bearer("alerts:read", "alerts:write", merchant_id="zara")
    for merchant, status in (("shein", 404), ("zara", 404)):
        path = f"/v1/merchants/{merchant}/troubles/{trouble['trouble_id']}"
        for answer in (
            await alerts.auth.http.get(path, headers=foreign),
            await alerts.auth.http.post(f"{path}/acknowledge", headers=foreign),
        ):
            assert answer.status_code == status
    page = await alerts.auth.http.get("/v1/merchants/zara/troubles", headers=foreign)
    assert page.json()["items"] == []


@pytest.mark.parametrize("by_operator", [False, True])
async def test_a_test_mail_reaches_who_asked_for_it(alerts: Alerts, by_operator: bool) -> None:
    person = await alerts.auth.member(language="fr")
    body: dict[str, str] = {"channel": "mail"}
    headers = alerts.auth.as_person(person, "owner")
    if by_operator:
        body["person_id"], headers = person.person_id, alerts.auth.operator
    answer = await alerts.auth.http.post(f"{BASE}/alerts/test", headers=headers, json=body)
    assert (answer.status_code, answer.json()["to"]) == (202, person.email)
    await alerts.auth.run("send-mails")
    [subject] = await alerts.subjects(person.email)
    assert subject == "Message d'essai pour Shein"
