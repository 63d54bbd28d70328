"""Operators see the last runs of several merchants' feeds, and what was called of AliExpress."""

from datetime import timedelta

from aliexpress.limits import Bucket, PermitRequest
from aliexpress.store import PostgresBuckets
from aliexpress.wire import BEIJING
from common import clock
from common.web.identity import OPERATOR

from ..publisher_auth import MERCHANT, bearer
from ..publisher_harness import Harness


async def test_feeds_are_listed_with_the_last_run_of_each_kind(harness: Harness) -> None:
    now = clock.now()
    for merchant_id, feed_id, lifecycle in (
        ("a", "one", "active"), ("a", "two", "active"), ("a", "gone", "removed"),
        ("b", "one", "active"), ("c", "one", "active"),
    ):  # fmt: skip
        await harness.pool.execute(
            """
            INSERT INTO feed (merchant_id, feed_id, revision, shop_id, catalogue_id, main_locale,
                configuration_version, lifecycle)
            VALUES ($1, $2, 1, 's', 'c', 'en_US', 1, $3)
            """,
            *(merchant_id, feed_id, lifecycle),
        )
    for number, (merchant_id, kind, is_dry_run, state) in enumerate(
        [
            ("a", "product", False, "failed"),
            ("a", "product", False, "completed"),
            ("a", "product", True, "planned"),
            ("a", "offer", False, "completed_with_errors"),
            ("b", "product", True, "planned"),
        ]
    ):
        await harness.pool.execute(
            """
            INSERT INTO feed_run (merchant_id, run_id, feed_id, shop_id, kind, cause, is_dry_run,
                state, asked_at) VALUES ($1, $2, 'one', 's', $3, 'schedule', $4, $5, $6)
            """,
            *(merchant_id, f"run-{number}", kind, is_dry_run, state),
            now + timedelta(minutes=number),
        )

    asked = {"merchant": ["a", "b"]}
    answer = await harness.http.get(
        "/v1/feeds", params=asked, headers=bearer(OPERATOR, merchant=None)
    )
    assert answer.status_code == 200, answer.text
    found = {
        (feed["merchant_id"], feed["feed_id"]): {
            run["kind"]: (run["run_id"], run["state"]) for run in feed["last_runs"]
        }
        for feed in answer.json()["items"]
    }
    assert found == {
        ("a", "one"): {
            "product": ("run-1", "completed"), "offer": ("run-3", "completed_with_errors"),
        },
        ("a", "two"): {},
        ("b", "one"): {},
    }  # fmt: skip

    first = await harness.http.get(
        "/v1/feeds", params=asked | {"limit": 2}, headers=bearer(OPERATOR, merchant=None)
    )
    rest = await harness.http.get(
        "/v1/feeds",
        params=asked | {"cursor": first.json()["next_cursor"]},
        headers=bearer(OPERATOR, merchant=None),
    )
    assert first.json()["items"] + rest.json()["items"] == answer.json()["items"]
    answer = await harness.http.get("/v1/feeds", params=asked, headers=bearer("feeds:read"))
    assert answer.status_code == 403


async def test_calls_of_today_and_bans_are_listed(harness: Harness) -> None:
    buckets, now = PostgresBuckets(harness.pool), clock.now()
    today = now.astimezone(BEIJING).date()
    for seller, day in (("77", today), ("88", today - timedelta(days=1))):
        request = PermitRequest(at=now.timestamp(), count=3, today=day, horizon=1000)
        await buckets.take(Bucket(seller, "aliexpress.some.call"), request)
    until = now + timedelta(minutes=5)
    await buckets.ban(Bucket("88", "aliexpress.other.call"), until=until, at=now.timestamp())
    await buckets.ban(Bucket("99", "x"), until=now - timedelta(minutes=1), at=now.timestamp())

    answer = await harness.http.get("/v1/limits", headers=bearer(OPERATOR, merchant=None))
    assert answer.status_code == 200, answer.text
    found = {
        (item["scope"], item["operation"]): (item["calls_today"], item["banned_until"] is not None)
        for item in answer.json()["items"]
        if item["scope"] in {"77", "88", "99"}
    }
    assert found == {
        ("77", "aliexpress.some.call"): (3, False),
        ("88", "aliexpress.other.call"): (0, True),
    }
    one = await harness.http.get(
        "/v1/limits", params={"scope": "88"}, headers=bearer(OPERATOR, merchant=None)
    )
    assert [item["scope"] for item in one.json()["items"]] == ["88"]
    answer = await harness.http.get("/v1/limits", headers=bearer("feeds:read"))
    assert answer.status_code == 403


async def test_a_merchant_sees_what_was_called_for_its_shop(harness: Harness) -> None:
    shop = await harness.pool.fetchrow("SELECT * FROM shop WHERE merchant_id = $1", MERCHANT)
    assert shop is not None
    now = clock.now()
    today = now.astimezone(BEIJING).date()
    buckets = PostgresBuckets(harness.pool)
    for seller in (shop["seller_id"], "another"):
        request = PermitRequest(at=now.timestamp(), count=2, today=today, horizon=1000)
        await buckets.take(Bucket(seller, "a.call"), request)
    path = f"/v1/merchants/{MERCHANT}/shops/{shop['shop_id']}/limits"
    answer = await harness.http.get(path, headers=bearer("feeds:read"))
    assert answer.status_code == 200, answer.text
    calls = {item["operation"]: item["calls_today"] for item in answer.json()["items"]}
    assert calls["a.call"] == 2
    assert {item["scope"] for item in answer.json()["items"]} == {shop["seller_id"]}
    missing = await harness.http.get(
        f"/v1/merchants/{MERCHANT}/shops/none/limits", headers=bearer("feeds:read")
    )
    assert missing.status_code == 404
    foreign = await harness.http.get(path, headers=bearer("feeds:read", merchant="other"))
    assert foreign.status_code == 404
