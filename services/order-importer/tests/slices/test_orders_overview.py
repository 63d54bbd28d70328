"""Operators see how many orders of several merchants have to be shipped, and how late they are."""

from datetime import timedelta

from common import clock
from common.web.identity import OPERATOR

from ..orders_harness import Harness


async def test_orders_to_ship_are_counted_by_shop(harness: Harness) -> None:
    now = clock.now()
    for number, (merchant_id, shop_id, status, hours) in enumerate(
        [
            ("a", "s", "waiting_shipment", -1),
            ("a", "s", "waiting_shipment", 23),
            ("a", "s", "waiting_shipment", 90),
            ("a", "t", "waiting_shipment", None),
            ("a", "s", "shipped", -1),
            ("b", "s", "closed", 1),
            ("c", "s", "waiting_shipment", 1),
        ]
    ):
        due_at = None if hours is None else now + timedelta(hours=hours)
        await harness.pool.execute(
            """
            INSERT INTO marketplace_order (merchant_id, shop_id, order_id, revision, content,
                status, received_at, updated_at, due_at)
            VALUES ($1, $2, $3, 1, '{}', $4, $5, $5, $6)
            """,
            *(merchant_id, shop_id, str(number), status, now, due_at),
        )
    headers = harness.bearer(OPERATOR, merchant_id=None)
    asked = {"merchant": ["a", "b"]}
    answer = await harness.http.get("/v1/orders-to-ship", params=asked, headers=headers)
    assert answer.status_code == 200, answer.text
    shops = {each["shop_id"]: each for each in answer.json()["items"]}
    assert {each["merchant_id"] for each in shops.values()} == {"a"}
    counted = {shop: (of["to_ship"], of["due"], of["late"]) for shop, of in shops.items()}
    assert counted == {"s": (3, 2, 1), "t": (1, 0, 0)}
    assert (await harness.call("GET", "/v1/orders-to-ship", params=asked)).status_code == 403
