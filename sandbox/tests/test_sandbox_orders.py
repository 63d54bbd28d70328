"""Orders pass through their states on the moved clock."""

from collections.abc import Callable
from typing import Any

import pytest

Payload = Callable[..., dict[str, Any]]
SELLER = "2200100001"
DAY = 86_400


@pytest.fixture
def shop(sandbox: Any, payload: Payload) -> Any:
    items = {
        "1": payload("A-1", "A-2"),
        "2": payload("B-1", inventory_deduction_strategy="payment_success_deduct"),
    }
    assert all(one["success"] for one in sandbox.feed("PRODUCT_CREATE", items).values())
    return sandbox


def place(shop: Any, code: str = "A-1", **fields: Any) -> str:
    line = {"sku_code": code, "quantity": 2}
    asked = {"seller_id": SELLER, "lines": [line], **fields}
    (order,) = shop.control("POST", "orders", asked)
    identity: str = order["order_id"]
    return identity


def advance(shop: Any, seconds: float) -> None:
    shop.control("POST", "clock", {"advance_seconds": seconds})


def order(shop: Any, identity: str) -> dict[str, Any]:
    (found,) = (o for o in shop.control("GET", "orders") if o["order_id"] == identity)
    return dict(found)


def stock(shop: Any, code: str) -> int:
    for product in shop.control("GET", f"products?seller={SELLER}"):
        for sku in product["skus"]:
            if sku["sku_code"] == code:
                return int(sku["inventory"])
    raise AssertionError(code)


def journey(shop: Any, identity: str) -> list[str]:
    entries = shop.ledger(operation="order.status")
    return [e["detail"]["status"] for e in entries if e["order_id"] == identity]


def test_left_alone_a_paid_order_is_closed_and_its_stock_returns(shop: Any) -> None:
    identity = place(shop)
    assert stock(shop, "A-1") == 5
    advance(shop, 10 * DAY)
    assert journey(shop, identity) == ["RISK_CONTROL", "WAIT_SELLER_SEND_GOODS", "FINISH"]
    assert order(shop, identity)["end_reason"] == "send_goods_timeout"
    assert stock(shop, "A-1") == 7


def test_stock_by_payment_is_taken_when_paid(shop: Any) -> None:
    place(shop, "B-1")
    assert stock(shop, "B-1") == 7
    advance(shop, 601)
    assert stock(shop, "B-1") == 5


def test_a_shipped_order_ends_with_the_buyer_content(shop: Any) -> None:
    identity = place(shop, status="WAIT_SELLER_SEND_GOODS")
    shipment = {"service_name": "EMS", "out_ref": identity, "send_type": "part"}
    for number in ("LA888877770CN", "LA888877771CN"):
        shop.call("aliexpress.solution.order.fulfill", shipment | {"logistics_no": number})
    assert order(shop, identity)["status"] == "SELLER_PART_SEND_GOODS"
    last = shipment | {"logistics_no": "LA888877772CN", "send_type": "all"}
    shop.call("aliexpress.solution.order.fulfill", last)
    assert order(shop, identity)["status"] == "WAIT_BUYER_ACCEPT_GOODS"
    advance(shop, 15 * DAY)
    assert order(shop, identity)["status"] == "FUND_PROCESSING"
    advance(shop, 3 * DAY)
    assert order(shop, identity)["end_reason"] == "buyer_confirm_goods"
    advance(shop, 90 * DAY)
    assert order(shop, identity)["status"] == "ARCHIVE"
    assert len(order(shop, identity)["shipments"]) == 3


JOURNEYS = {
    "unpaid": ["FINISH"],
    "slow_payment": ["PAYMENT_PROCESSING", "RISK_CONTROL", "WAIT_SELLER_SEND_GOODS", "FINISH"],
    "offline_payment": [
        "WAIT_SELLER_EXAMINE_MONEY", "RISK_CONTROL", "WAIT_SELLER_SEND_GOODS", "FINISH",
    ],
    "risk_hold": ["RISK_CONTROL", "RISK_CONTROL_HOLD", "WAIT_SELLER_SEND_GOODS", "FINISH"],
    "cancel": ["RISK_CONTROL", "WAIT_SELLER_SEND_GOODS", "IN_CANCEL", "FINISH"],
    "freeze": [
        "RISK_CONTROL", "WAIT_SELLER_SEND_GOODS", "IN_FROZEN", "WAIT_SELLER_SEND_GOODS", "FINISH",
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", JOURNEYS)
def test_an_order_may_leave_the_usual_path(shop: Any, name: str) -> None:
    identity = place(shop, journey=name)
    advance(shop, 30 * DAY)
    assert journey(shop, identity) == JOURNEYS[name]


def test_a_dispute_ends_with_the_money_back(shop: Any) -> None:
    identity = place(shop, journey="dispute", status="WAIT_BUYER_ACCEPT_GOODS")
    advance(shop, 2 * DAY)
    assert order(shop, identity)["status"] == "IN_ISSUE"
    advance(shop, 3 * DAY)
    info = shop.call("aliexpress.solution.order.info.get", {"param1": {"order_id": identity}})
    data = info["result"]["data"]
    assert data["refund_info"]["refund_status"] == "refund_ok"
    assert data["order_end_reason"] == "end_issue"


def test_every_state_is_reached_by_hand(shop: Any) -> None:
    states = (
        "PLACE_ORDER_SUCCESS", "PAYMENT_PROCESSING", "WAIT_SELLER_EXAMINE_MONEY", "RISK_CONTROL",
        "RISK_CONTROL_HOLD", "WAIT_SELLER_SEND_GOODS", "SELLER_PART_SEND_GOODS",
        "WAIT_BUYER_ACCEPT_GOODS", "FUND_PROCESSING", "IN_CANCEL", "IN_ISSUE", "IN_FROZEN",
        "FINISH", "ARCHIVE",
    )  # fmt: skip
    for state in states:
        made = order(shop, place(shop, status=state))
        assert made["status"] == state
        query = {"page_size": 50, "current_page": 1, "order_status": state}
        answer = shop.call("aliexpress.solution.order.get", {"param0": query})
        listed = answer["result"]["target_list"]["order_dto"]
        assert [str(one["order_id"]) for one in listed] == [made["order_id"]]


def test_finished_orders_are_listed_only_when_asked_for(shop: Any) -> None:
    done = place(shop, status="FINISH")
    open_one = place(shop, "A-2")

    def listed(**query: Any) -> list[str]:
        asked = {"page_size": 20, "current_page": 1, **query}
        answer = shop.call("aliexpress.solution.order.get", {"param0": asked})
        target = answer["result"]["target_list"]
        return [str(one["order_id"]) for one in target.get("order_dto", [])]

    assert listed() == [open_one]
    assert listed(order_status="FINISH") == [done]
    assert listed(order_status_list=["FINISH", "PLACE_ORDER_SUCCESS"]) == [open_one, done]
    assert listed(create_date_start="2035-01-01 00:00:00") == []
    assert listed(current_page=2**60) == [], "a page beyond all orders is empty"
    assert listed(create_date_start="2035-01-01") == [open_one], "a date without time is ignored"


def test_changing_a_tracking_number(shop: Any) -> None:
    identity = place(shop, status="WAIT_BUYER_ACCEPT_GOODS")
    (parcel,) = order(shop, identity)["shipments"]
    change = {
        "old_service_name": parcel["carrier"],
        "old_logistics_no": parcel["tracking_number"],
        "new_service_name": "OTHER_US_LOCAL",
        "new_logistics_no": "ANYTHING-1",
        "tracking_website": "https://track.example",
        "send_type": "all",
        "out_ref": identity,
    }
    answer = shop.call("aliexpress.logistics.sellermodifiedshipmentfortop", change)
    assert answer["result_success"] is True
    tracking = {
        "logistics_no": "ANYTHING-1",
        "origin": "ESCROW",
        "out_ref": identity,
        "service_name": "OTHER_US_LOCAL",
        "to_area": "US",
    }
    found = shop.call("aliexpress.logistics.redefining.querytrackingresult", tracking)
    assert found["details"]["details"][0]["event_desc"] == "SHIPPED BY SELLER"


def test_drawn_orders_depend_on_the_seed_and_the_offers_alone(shop: Any) -> None:
    def drawn() -> list[Any]:
        asked = {"seller_id": SELLER, "seed": 11, "count": 3}
        orders = shop.control("POST", "orders", asked)
        return [(o["order_number"], o["lines"][0]["sku_code"], o["pay_amount"]) for o in orders]

    assert drawn() == drawn()


def test_money_has_two_shapes(shop: Any) -> None:
    identity = place(shop)
    query = {"page_size": 20, "current_page": 1}
    listed = shop.call("aliexpress.solution.order.get", {"param0": query})
    line = listed["result"]["target_list"]["order_dto"][0]["product_list"]["order_product_dto"][0]
    assert line["total_product_amount"] == {"amount": "29.98", "currency_code": "USD"}
    info = shop.call("aliexpress.solution.order.info.get", {"param1": {"order_id": identity}})
    children = info["result"]["data"]["child_order_list"]["global_aeop_tp_child_order_dto"]
    assert children[0]["init_order_amt"]["cent"] == 2998
    assert children[0]["init_order_amt"]["amount"] == "29.98"
    assert children[0]["logistics_amount"]["amount_str"] == "0.00"


def test_buyers_come_by_themselves(start_sandbox: Any, payload: Payload) -> None:
    with start_sandbox(orders_per_day="24", feed_seconds="0", audit_seconds="0") as client:
        client.connect()
        client.feed("PRODUCT_CREATE", {"1": payload("A-1", "A-2", "A-3")})
        client.control("POST", "clock", {"advance_seconds": 3 * 3600})
        placed = client.ledger(operation="order.place")
        assert [one["detail"]["order_number"] for one in placed][:2] == ["S1-00001", "S1-00002"]
        assert 2 <= len(placed) <= 3
