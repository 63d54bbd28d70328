"""A feed chooses when its runs are due (M7.1), and how much they may take away (M7.4)."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from common import clock
from common.contracts.product import ProductNormalized

from ..publisher_auth import MERCHANT, bearer
from ..publisher_harness import FEED, Harness, Sku

MADRID = ZoneInfo("Europe/Madrid")


async def schedules(harness: Harness) -> dict[str, dict[str, Any]]:
    feed = await harness.call("GET", f"/feeds/{FEED}")
    return {schedule["kind"]: schedule for schedule in feed["schedules"]}


async def choose(harness: Harness, product: Any, offer_every_minutes: Any) -> dict[str, Any]:
    body = {"product": product, "offer_every_minutes": offer_every_minutes}
    feed = await harness.call("PUT", f"/feeds/{FEED}/schedule", body)
    return {schedule["kind"]: schedule for schedule in feed["schedules"]}


async def test_a_chosen_time_stays_whatever_comes_of_the_feed(harness: Harness) -> None:
    before = await schedules(harness)
    assert not any(schedule["is_chosen"] for schedule in before.values())
    chosen = await choose(harness, {"at": "23:15", "zone": "Europe/Madrid"}, 20)
    assert (chosen["product"]["daily_at"], chosen["product"]["zone"]) == (
        "23:15",
        "Europe/Madrid",
    )
    assert chosen["offer"]["every_minutes"] == 20
    assert all(schedule["is_chosen"] for schedule in chosen.values())
    due = datetime.fromisoformat(chosen["offer"]["next_due_at"])
    assert due <= clock.now() + timedelta(minutes=20)

    await harness.take(harness.feed_state())  # another version of its configuration
    assert await schedules(harness) == chosen

    usual = await choose(harness, None, None)
    rhythm = ("daily_at", "zone", "every_minutes", "is_chosen")
    assert [[s[name] for name in rhythm] for s in usual.values()] == [
        [s[name] for name in rhythm] for s in before.values()
    ]


async def test_a_time_that_moves_puts_no_run_off(harness: Harness) -> None:
    # at whatever hour this runs: the next run is in an hour at most, five hours later another time
    soon = clock.now() + timedelta(hours=1)
    chosen = await choose(harness, {"at": f"{soon.astimezone(UTC):%H:%M}"}, None)
    before = datetime.fromisoformat(chosen["product"]["next_due_at"])
    later = (before + timedelta(hours=5)).astimezone(MADRID)
    chosen = await choose(harness, {"at": f"{later:%H:%M}", "zone": "Europe/Madrid"}, None)
    assert datetime.fromisoformat(chosen["product"]["next_due_at"]) == before
    earlier = clock.now() + timedelta(minutes=2)
    chosen = await choose(harness, {"at": f"{earlier.astimezone(UTC):%H:%M}"}, None)
    assert datetime.fromisoformat(chosen["product"]["next_due_at"]) <= earlier


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"product": {"at": "25:00"}, "offer_every_minutes": None}, "product.at"),
        ({"product": {"at": "22:30+02:00"}, "offer_every_minutes": None}, "product.at"),
        ({"product": {"at": "22:30", "zone": "Mars/Base"}, "offer_every_minutes": None}, "zone"),
        ({"product": None, "offer_every_minutes": 61}, "offer_every_minutes"),
        ({"product": None, "offer_every_minutes": 0}, "offer_every_minutes"),
        ({"product": None}, "offer_every_minutes"),
    ],
)
async def test_no_other_rhythm_is_taken(harness: Harness, body: Any, field: str) -> None:
    answer = await harness.http.put(
        f"/v1/merchants/{MERCHANT}/feeds/{FEED}/schedule", json=body, headers=bearer("feeds:write")
    )
    assert answer.status_code == 422
    assert field in answer.text
    assert not any(schedule["is_chosen"] for schedule in (await schedules(harness)).values())


@pytest.mark.parametrize("share", [0, -1, 1.5, "a", 0.00001])
async def test_no_other_share_is_taken(harness: Harness, share: Any) -> None:
    answer = await harness.http.put(
        f"/v1/merchants/{MERCHANT}/feeds/{FEED}/guard",
        json={"share": share},
        headers=bearer("feeds:write"),
    )
    assert answer.status_code == 422
    assert "share" in answer.text


async def guard(harness: Harness, share: Any) -> dict[str, Any]:
    feed = await harness.call("PUT", f"/feeds/{FEED}/guard", {"share": share})
    return dict(feed["guard"])


def sold_out(harness: Harness, *numbers: int) -> list[ProductNormalized]:
    return [harness.product(f"f{n}", Sku(f"f{n}", stock=0)) for n in numbers]


async def test_a_feeds_own_guard_holds(harness: Harness) -> None:
    await harness.publish(*[harness.product(f"f{n}", Sku(f"f{n}")) for n in range(20)])
    whole = {"removal_share": "1", "configuration_share": "1", "is_chosen": True}
    assert await guard(harness, "1") == whole
    await harness.take(*sold_out(harness, *range(8)))
    assert (await harness.run("offer"))["state"] == "completed"  # a fifth is the usual share
    usual = {"removal_share": "0.20", "configuration_share": "0.20", "is_chosen": False}
    assert await guard(harness, None) == usual
    assert (await guard(harness, 0.5))["removal_share"] == "0.5"
    await harness.take(*sold_out(harness, *range(8, 11)))
    held = await harness.run("offer")
    assert (held["state"], held["counts"]["withheld"]) == ("withheld", 3)  # beside the eight
