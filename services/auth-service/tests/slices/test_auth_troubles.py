"""Troubles from conditions and from a shop's token: opened once, closed once, damped, reminded."""

import asyncio
from datetime import timedelta

from auth_service.expiry.watch_tokens import watch_tokens
from auth_service.troubles import tend
from common import clock
from common.contracts.condition import ConditionState
from common.contracts.trouble import TroubleClosed, TroubleOpened

from ..alerts_harness import START, Alerts
from ..auth_harness import Seller


async def facts(alerts: Alerts) -> list[tuple[str, str, str]]:
    """What was published of troubles, in order: topic, kind, subject."""
    rows = await alerts.auth.pool.fetch(
        "SELECT topic, key FROM outbox WHERE topic LIKE 'trouble.%' ORDER BY id"
    )
    return [(row["topic"], *row["key"].decode().split("/", 2)[1:]) for row in rows]


async def test_a_condition_opens_one_trouble_and_its_end_closes_it(alerts: Alerts) -> None:
    await alerts.condition(details={"hours": "27"}, feed_id="summer")
    await alerts.condition(details={"hours": "28"}, feed_id="summer")
    await alerts.condition(present=False)
    await alerts.auth.run("tend-troubles")
    assert len(await alerts.auth.events(TroubleClosed)) == 0
    alerts.after(minutes=31)
    await alerts.auth.run("tend-troubles")

    [opened] = await alerts.auth.events(TroubleOpened)
    [closed] = await alerts.auth.events(TroubleClosed)
    assert (opened.kind, opened.subject, opened.severity) == (
        "feed_idle", "feed/summer", "critical",
    )  # fmt: skip
    assert "summer" in opened.title
    assert opened.remedy
    assert closed.trouble_id == opened.trouble_id
    assert (closed.ended_at, closed.times, closed.outcome) == (START, 1, "ended")
    assert closed.details == {"hours": "28"}


async def test_open_troubles_are_counted_by_kind_and_kinds_without_any_too(alerts: Alerts) -> None:
    idle = (("kind", "feed_idle"), ("severity", "critical"))
    await tend.measure_troubles(alerts.auth.pool)
    assert set(tend._open._readings.values()) == {0}
    assert idle in tend._open._readings
    await alerts.condition()
    await tend.measure_troubles(alerts.auth.pool)
    assert {at for at, number in tend._open._readings.items() if number} == {idle}


async def test_a_trouble_that_comes_back_soon_is_the_same_one(alerts: Alerts) -> None:
    for _ in range(4):
        await alerts.condition()
        alerts.after(minutes=10)
        await alerts.condition(present=False)
        alerts.after(minutes=20)
        await alerts.auth.run("tend-troubles")
    alerts.after(minutes=10)
    await alerts.auth.run("tend-troubles")
    [closed] = await alerts.auth.events(TroubleClosed)
    assert closed.times == 4
    await alerts.condition()
    assert len(await alerts.auth.events(TroubleOpened)) == 2


async def test_an_older_word_changes_nothing(alerts: Alerts) -> None:
    await alerts.condition(kind="run_withheld", revision=10)
    await alerts.condition(kind="run_withheld", present=False, revision=11)
    await alerts.condition(kind="run_withheld", revision=10)
    await alerts.condition(kind="run_withheld", present=False, revision=9, subject="feed/other")
    await alerts.condition(kind="of_the_future", revision=12)
    assert [topic for topic, *_ in await facts(alerts)] == ["trouble.opened", "trouble.closed"]


async def test_two_replicas_open_one_trouble(alerts: Alerts) -> None:
    states = [
        ConditionState(
            merchant_id="shein",
            kind="drift",
            subject=f"feed/{number}",
            present=True,
            since=START,
            revision=1,
        )
        for number in range(20)
    ]
    await asyncio.gather(*(alerts.apply(*states[::step]) for step in (1, -1, 1, -1)))
    assert len(await alerts.auth.events(TroubleOpened)) == 20


async def test_an_order_that_is_late_was_due(alerts: Alerts) -> None:
    order = "order/main/8100000000000001"
    await alerts.condition("order_due", order, order_id="8100000000000001")
    alerts.after(days=1)
    await alerts.condition("order_due", order, present=False)
    await alerts.condition("order_late", order, order_id="8100000000000001")
    alerts.after(minutes=6)
    await alerts.auth.run("tend-troubles")
    [closed] = await alerts.auth.events(TroubleClosed)
    assert (closed.kind, closed.outcome) == ("order_due", "superseded")


async def test_what_lasts_is_reminded_of_until_somebody_takes_care(alerts: Alerts) -> None:
    person = await alerts.auth.member()
    await alerts.condition(feed_id="summer")
    await alerts.tell()
    days: list[int] = []
    for day in range(1, 30):
        alerts.at(START + timedelta(days=day))
        before = len(await alerts.mails())
        await alerts.tell()
        days += [day] * (len(await alerts.mails()) - before)
    assert days == [1, 3, 7, 14, 21, 28]
    [trouble] = (await listed(alerts))["items"]
    path = f"/v1/merchants/shein/troubles/{trouble['trouble_id']}/acknowledge"
    answer = await alerts.auth.http.post(path, headers=alerts.auth.as_person(person, "owner"))
    assert answer.json()["acknowledged_by"] == f"person:{person.person_id}"
    alerts.after(days=30)
    before = len(await alerts.mails())
    await alerts.tell()
    assert len(await alerts.mails()) == before


async def listed(alerts: Alerts) -> dict[str, list[dict[str, object]]]:
    headers = alerts.auth.bearer("alerts:read", merchant_id="shein")
    answer = await alerts.auth.http.get("/v1/merchants/shein/troubles", headers=headers)
    found: dict[str, list[dict[str, object]]] = answer.raise_for_status().json()
    return found


async def test_closed_troubles_are_forgotten_after_the_set_time(alerts: Alerts) -> None:
    await alerts.condition("run_withheld")
    await alerts.condition("run_withheld", present=False)
    await alerts.condition("run_withheld", subject="feed/other")
    alerts.after(days=401)
    await alerts.auth.run("tell", "forget-troubles")
    [left] = (await listed(alerts))["items"]
    assert left["subject"] == "feed/other"


# -- a shop's token ----------------------------------------------------------------------------


async def connect(alerts: Alerts) -> None:
    auth = alerts.auth
    seller = Seller(alerts.sandbox, auth)
    body = {"set": clock.now().isoformat(), "is_frozen": True}
    (await seller.http.post("/control/clock", json=body)).raise_for_status()
    page = await auth.callback(await auth.start(), await seller.code())
    assert page.status_code == 200, page.text
    await seller.http.aclose()


async def pass_days(alerts: Alerts, days: float) -> None:
    alerts.after(days=days)
    while await watch_tokens(alerts.auth.pool):
        pass
    await alerts.tell()


async def test_the_end_of_a_token_is_told_at_seven_three_and_one_day_and_once_after(
    alerts: Alerts,
) -> None:
    owner = await alerts.auth.member()
    await connect(alerts)
    told: dict[int, list[str]] = {}
    for day in range(1, 32):
        before = len(await alerts.mails())
        await pass_days(alerts, 1)
        new = (await alerts.mails())[before:]
        if new:
            told[30 - day] = [mail["subject"].partition(":")[0] for mail in new]
    assert {left: len(mails) for left, mails in told.items()} == {7: 1, 3: 1, 1: 1, 0: 1, -1: 1}
    assert told[3] == ["Still to do"]
    assert told[-1] == ["Reminder"]
    link = "http://127.0.0.1:8001/v1/renew/shein/main"
    assert all(link in mail["text"] for mail in await alerts.mails(owner.email))

    await connect(alerts)
    await pass_days(alerts, 0)
    assert (await alerts.subjects())[-1].startswith("Over: The connection of shop main has expired")
    assert [fact[:2] for fact in await facts(alerts)] == [
        ("trouble.opened", "token_expiring"),
        ("trouble.closed", "token_expiring"),
        ("trouble.opened", "token_expired"),
        ("trouble.closed", "token_expired"),
    ]


async def test_a_jump_of_the_clock_tells_the_nearest_step_alone(alerts: Alerts) -> None:
    await alerts.auth.member()
    await connect(alerts)
    await pass_days(alerts, 20)
    await pass_days(alerts, 9.9)  # two hours and a bit are left
    [mail] = await alerts.mails()
    assert "days left: 1" in mail["text"]
    await pass_days(alerts, 5)
    assert len(await alerts.mails()) == 2


async def test_a_renewal_in_time_ends_what_was_told(alerts: Alerts) -> None:
    await alerts.auth.member()
    await connect(alerts)
    await pass_days(alerts, 24)
    await connect(alerts)
    await pass_days(alerts, 0)
    first, second = await alerts.subjects()
    assert first.startswith("The connection of shop main expires soon")
    assert second.startswith("Over: The connection of shop main expires soon")
    await connect(alerts)
    await pass_days(alerts, 0)
    assert len(await alerts.mails()) == 2


async def test_an_authorisation_taken_back_is_told_once_and_its_end_too(alerts: Alerts) -> None:
    await alerts.auth.member()
    await connect(alerts)
    seller = Seller(alerts.sandbox, alerts.auth)
    await seller.http.post("/control/tokens/expire", json={"seller_id": "2200100001"})
    await seller.http.aclose()
    for _ in range(2):
        answer = await alerts.auth.http.post(
            "/internal/v1/shops/shein/main/token/dead",
            json={"generation": 1},
            headers=alerts.auth.service,
        )
        assert answer.status_code == 200, answer.text
        await alerts.tell()
    [subject] = await alerts.subjects()
    assert subject.startswith("AliExpress has ended the connection of shop main")
    await connect(alerts)
    await alerts.tell()
    assert (await alerts.subjects())[1].startswith("Over: AliExpress has ended")
