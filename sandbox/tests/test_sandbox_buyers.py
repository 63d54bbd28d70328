"""What buyers and the seller centre do to orders, by the control API."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

Payload = Callable[..., dict[str, Any]]
SELLER = "2200100001"


class Shop:
    """A shop with two SKUs and one order of both, and what others see of it."""

    def __init__(self, sandbox: Any) -> None:
        self.sandbox = sandbox
        self.order_id = ""

    def place(self, status: str = "WAIT_SELLER_SEND_GOODS") -> "Shop":
        lines = [{"sku_code": code, "quantity": 2} for code in ("A-1", "A-2")]
        asked = {"seller_id": SELLER, "lines": lines, "status": status}
        (order,) = self.sandbox.control("POST", "orders", asked)
        self.order_id = order["order_id"]
        return self

    def do(self, what: str, **body: Any) -> Any:
        return self.sandbox.control("POST", f"orders/{self.order_id}/{what}", body)

    def refusal(self, what: str, **body: Any) -> int:
        path = f"/control/orders/{self.order_id}/{what}"
        status: int = self.sandbox.request("POST", path, json.dumps(body)).status
        return status

    def details(self) -> Any:
        asked = {"param1": {"order_id": self.order_id}}
        answer = self.sandbox.call("aliexpress.solution.order.info.get", asked)
        return answer["result"]["data"]

    def children(self) -> dict[str, Any]:
        rows = self.details()["child_order_list"]["global_aeop_tp_child_order_dto"]
        return {row["sku_code"]: row for row in rows}

    def stock(self) -> dict[str, int]:
        (product,) = self.sandbox.control("GET", f"products?seller={SELLER}")
        return {sku["sku_code"]: sku["inventory"] for sku in product["skus"]}

    def effects(self, operation: str) -> list[Any]:
        return [one["detail"] for one in self.sandbox.ledger(operation=operation)]


@pytest.fixture
def shop(sandbox: Any, payload: Payload) -> Shop:
    items = {"1": payload("A-1", "A-2")}
    assert sandbox.feed("PRODUCT_CREATE", items)["1"]["success"] is True
    return Shop(sandbox).place()


def test_a_line_is_cancelled_and_the_order_goes_on(shop: Shop) -> None:
    assert shop.stock() == {"A-1": 5, "A-2": 5}
    before = shop.details()["gmt_modified"]
    shop.sandbox.control("POST", "clock", {"advance_seconds": 60})
    shop.do("cancel", sku_codes=["A-2"])
    assert shop.stock() == {"A-1": 5, "A-2": 7}
    children = shop.children()
    assert children["A-1"]["order_status"] == "WAIT_SELLER_SEND_GOODS"
    assert children["A-2"]["order_status"] == "FINISH"
    assert "refund_info" not in children["A-1"]
    refund = children["A-2"]["refund_info"]
    assert refund["refund_status"] == "refund_ok"
    assert refund["refund_cash_amt"]["amount_str"] == "29.98"
    data = shop.details()
    assert data["order_status"] == "WAIT_SELLER_SEND_GOODS"
    assert data["refund_info"]["refund_cash_amt"]["amount"] == "29.98"
    assert data["gmt_modified"] > before
    query = {"page_size": 20, "current_page": 1}
    listed = shop.sandbox.call("aliexpress.solution.order.get", {"param0": query})
    lines = listed["result"]["target_list"]["order_dto"][0]["product_list"]["order_product_dto"]
    assert [line["son_order_status"] for line in lines] == ["WAIT_SELLER_SEND_GOODS", "FINISH"]
    assert shop.effects("order.line.cancel")[0]["reason"] == "buyer_cancel_order"


def test_the_last_line_ends_the_order_and_no_stock_returns_twice(shop: Shop) -> None:
    shop.do("cancel", sku_codes=["A-2"])
    ended = shop.do("cancel", sku_codes=["A-1"], reason="buyer_cancel_order_in_risk")
    assert (ended["status"], ended["end_reason"]) == ("FINISH", "buyer_cancel_order_in_risk")
    assert shop.stock() == {"A-1": 7, "A-2": 7}
    assert shop.details()["refund_info"]["refund_reason"] == "buyer_cancel_order_in_risk"


def test_an_order_that_ends_returns_only_what_is_left_of_it(shop: Shop) -> None:
    shop.do("cancel", sku_codes=["A-2"])
    shop.do("status", status="FINISH", reason="send_goods_timeout")
    assert shop.stock() == {"A-1": 7, "A-2": 7}


def test_an_unpaid_line_is_cancelled_without_a_refund(shop: Shop) -> None:
    shop.place("PLACE_ORDER_SUCCESS").do("cancel", sku_codes=["A-1"])
    assert "refund_info" not in shop.children()["A-1"]
    assert "refund_info" not in shop.details()


def test_a_part_of_a_price_is_given_back(shop: Shop) -> None:
    shop.do("refund", sku_code="A-1", amount="1.50", reason="late")
    shop.do("refund", sku_code="A-1", amount="0.25")
    refund = shop.children()["A-1"]["refund_info"]
    assert refund["refund_cash_amt"]["cent"] == 175
    assert refund["refund_reason"] == "partial_refund"
    assert shop.details()["order_status"] == "WAIT_SELLER_SEND_GOODS"
    assert [one["amount"] for one in shop.effects("order.refund")] == ["1.50", "0.25"]


@pytest.mark.parametrize("amount", ["0", "-1", "29.99"])
def test_no_more_is_given_back_than_was_paid(shop: Shop, amount: str) -> None:
    assert shop.refusal("refund", sku_code="A-1", amount=amount) == 409
    assert "refund_info" not in shop.details()


def test_what_is_not_there_cannot_be_cancelled(shop: Shop) -> None:
    assert shop.refusal("cancel", sku_codes=[]) == 400
    assert shop.refusal("cancel", sku_codes=["B-1"]) == 404
    shop.do("cancel", sku_codes=["A-2"])
    assert shop.refusal("cancel", sku_codes=["A-2"]) == 409
    shop.do("status", status="FINISH")
    assert shop.refusal("cancel", sku_codes=["A-1"]) == 409
    assert shop.refusal("address", city="Lyon") == 409


def test_a_buyer_changes_the_address(shop: Shop) -> None:
    before = shop.details()
    change = {"street": "12 rue des Ecoles", "address2": "3e", "city": "Paris", "zip": "75005"}
    shop.sandbox.control("POST", "clock", {"advance_seconds": 60})
    shop.do("address", **change)
    after = shop.details()
    address = after["receipt_address"]
    assert (address["detail_address"], address["address2"]) == ("12 rue des Ecoles", "3e")
    assert (address["city"], address["zip"]) == ("Paris", "75005")
    assert address["contact_person"] == before["receipt_address"]["contact_person"]
    assert after["gmt_modified"] > before["gmt_modified"]
    assert shop.effects("order.address")[0]["fields"] == sorted(change)
    assert shop.refusal("address", planet="Mars") == 422


def test_a_parcel_is_made_in_the_seller_centre(shop: Shop) -> None:
    parcel = {"service_name": "EMS", "logistics_no": "LA888877770CN", "send_type": "part"}
    shop.do("parcels", **parcel)
    (shown,) = shop.details()["logistic_info_list"]["global_aeop_tp_logistic_info_dto"]
    assert (shown["logistics_type_code"], shown["logistics_no"]) == ("EMS", "LA888877770CN")
    assert shop.details()["order_status"] == "SELLER_PART_SEND_GOODS"
    assert shop.refusal("parcels", **parcel | {"logistics_no": "wrong"}) == 409
    shop.do("parcels", **parcel | {"logistics_no": "LA888877771CN", "send_type": "all"})
    shipment = {
        "service_name": "EMS", "logistics_no": "LA888877772CN", "send_type": "all",
        "out_ref": shop.order_id,
    }  # fmt: skip
    refused = shop.sandbox.call("aliexpress.solution.order.fulfill", shipment)["result"]
    assert "无需重复操作" in refused["error_message"]
    accepted = shop.sandbox.ledger(operation="order.parcel", outcome="accepted")
    assert [one["detail"]["send_type"] for one in accepted] == ["part", "all"]


def test_brazilian_buyers_have_a_tax_number(shop: Shop) -> None:
    shop.do("address", country="BR", country_name="Brazil", mobile="612345678")
    assert shop.details()["cpf_number"] == "61234567800"
    asked = {"single_order_query": {"order_id": shop.order_id}}
    answer = shop.sandbox.call("aliexpress.solution.order.delivery.info.get", asked)["result"]
    assert (answer["tax_number"], answer["country_name"]) == ("61234567800", "Brazil")


def test_a_discount_stands_at_its_line_and_in_sum_at_the_order(shop: Shop) -> None:
    shop.place(status="PLACE_ORDER_SUCCESS")
    shop.do("discount", sku_code="A-1", amount="1.50", owner="PLATFORM", promotion_id="7")
    seen = shop.do("discount", sku_code="A-1", amount="0.50", owner="SELLER", kind="coupon")
    assert seen["discount"] == "2.00"
    line = shop.children()["A-1"]
    assert line["child_order_discount_info"]["amount"] == "2.00"
    details = line["child_order_discount_detail_list"]["global_aeop_tp_sale_discount_info"]
    assert [(one["promotion_owner"], one["discount_detail"]["cent"]) for one in details] == [
        ("PLATFORM", 150),
        ("SELLER", 50),
    ]
    assert "child_order_discount_info" not in shop.children()["A-2"]
    data = shop.details()
    assert data["order_discount_info"]["amount"] == "2.00"
    parts = ("init_oder_amount", "logistics_amount")
    whole = sum(data[part]["cent"] for part in parts)
    assert data["order_amount"]["cent"] == whole - 200
    assert shop.refusal("discount", sku_code="A-1", amount="99.00", owner="SELLER") == 409
    shop.do("status", status="WAIT_SELLER_SEND_GOODS")
    assert shop.refusal("discount", sku_code="A-1", amount="0.01", owner="SELLER") == 409
    shop.do("cancel", sku_codes=["A-1"])
    assert shop.children()["A-1"]["refund_info"]["refund_cash_amt"]["cent"] == 2998 - 200


def test_pick_up_point_passport_and_settlement_are_shown(shop: Shop) -> None:
    passport = {
        "number": "X1234567",
        "first_name": "Ada",
        "last_name": "Lindqvist",
        "birthday": "1990-01-01",
        "issue_authority": "Oslo",
        "issue_date": "2020-01-01",
    }
    shop.do(
        "delivery",
        pickup={"type": "RU_OFFLINE_SELF_PICK_UP", "code": "P-7"},
        passport=passport,
        settlement={"currency": "EUR", "rate": "0.5"},
    )
    data = shop.details()
    assert data["offline_pickup_type"] == "RU_OFFLINE_SELF_PICK_UP"
    assert data["offline_pickup_point_code"] == "P-7"
    assert data["settlement_currency"] == "EUR"
    half = Decimal(data["order_amount"]["cent"]).scaleb(-2) / 2
    assert abs(Decimal(data["pay_amount_by_settlement_cur"]) - half) < Decimal("0.01")
    asked = {"single_order_query": {"order_id": shop.order_id}}
    method = "aliexpress.solution.order.delivery.info.get"
    assert shop.sandbox.call(method, asked)["result"]["passport_no"] == "X1234567"
    shop.sandbox.control("POST", "quirks", {"masked_addresses": True})
    assert shop.sandbox.call(method, asked)["result"]["passport_no"] == "X12*****"


def test_a_parcel_that_is_taken_back_is_no_longer_shown(shop: Shop) -> None:
    shop.do("parcels", service_name="EMS", logistics_no="LA888877770CN", send_type="part")
    shop.do("withdraw", logistics_no="LA888877770CN")
    assert not shop.details()["logistic_info_list"]
    assert shop.refusal("withdraw", logistics_no="LA888877770CN") == 409
    assert shop.effects("order.parcel.withdraw") != []
