"""Operators see every merchant's shops at a glance; nobody else does."""

from datetime import timedelta
from typing import Any

from common import clock

from ..alerts_harness import Alerts


async def add_shop(alerts: Alerts, merchant_id: str, shop_id: str, days: int | None) -> None:
    now = clock.now()
    ends = None if days is None else now + timedelta(days=days)
    await alerts.auth.pool.execute(
        """
        INSERT INTO shop (merchant_id, shop_id, is_eligible, connection, revision, expires_at,
            created_at)
        VALUES ($1, $2, true, $3, 1, $4, $5)
        """,
        *(merchant_id, shop_id, "pending" if days is None else "connected", ends, now),
    )


async def shown(alerts: Alerts, limit: int = 50) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    query: dict[str, str | int] = {"limit": limit}
    while True:
        answer = await alerts.auth.http.get("/v1/shops", params=query, headers=alerts.auth.operator)
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        if answer.json()["next_cursor"] is None:
            return found
        query["cursor"] = answer.json()["next_cursor"]


async def test_shops_are_listed_by_when_their_tokens_end(alerts: Alerts) -> None:
    for merchant_id in ("shein", "acme"):
        await alerts.auth.register(merchant_id)
    await add_shop(alerts, "shein", "late", 20)
    await add_shop(alerts, "acme", "new", None)
    await add_shop(alerts, "acme", "soon", 2)
    await add_shop(alerts, "shein", "newer", None)
    await alerts.condition("banned", "shop/late", shop_id="late")
    await alerts.condition("drift", "feed/f", shop_id="late", feed_id="f")
    await alerts.condition("orders_failing", "shop/soon", shop_id="soon", merchant_id="acme")
    await alerts.condition("banned", "shop/soon", shop_id="soon", merchant_id="acme")
    await alerts.condition("banned", "shop/soon", shop_id="soon", merchant_id="acme", present=False)

    found = await shown(alerts)
    places = [(shop["merchant_id"], shop["shop_id"]) for shop in found]
    assert places == [("acme", "soon"), ("shein", "late"), ("acme", "new"), ("shein", "newer")]
    counts = {shop["shop_id"]: shop["critical"] + shop["warnings"] for shop in found}
    assert counts == {"soon": 1, "late": 2, "new": 0, "newer": 0}, "what is over is not counted"
    assert found[0]["merchant_name"] == "Acme"
    assert await shown(alerts, limit=1) == found


async def test_merchants_do_not_see_all_shops(alerts: Alerts) -> None:
    headers = alerts.auth.bearer("shops:read", merchant_id="shein")
    assert (await alerts.auth.http.get("/v1/shops", headers=headers)).status_code == 403
