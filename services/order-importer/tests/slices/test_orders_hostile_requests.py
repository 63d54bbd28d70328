"""Whatever a parameter or a cursor holds, the answer is a problem with a remedy, never a 500."""

from datetime import UTC, datetime

from common.web.identity import OPERATOR
from stack.testing.hostile_requests import find_faults

from ..orders_harness import MERCHANT, PATH, SHOP, Harness

OF_MERCHANT = "/v1/merchants/{merchant_id}"


async def test_no_parameter_and_no_cursor_is_answered_but_with_a_problem(harness: Harness) -> None:
    await harness.stock("SHIRT-1")
    [order_id] = await harness.place()
    await harness.import_orders()
    asked = await harness.call("POST", f"{PATH}/order-audits")
    audit_id = asked.json()["audit_id"]
    faults = await find_faults(
        harness.http,
        harness.bearer(OPERATOR, merchant_id=None),
        known={
            "merchant_id": MERCHANT,
            "shop_id": SHOP,
            "order_id": order_id,
            "audit_id": str(audit_id),
        },
        places={
            f"{OF_MERCHANT}/orders": (datetime(2026, 11, 1, tzinfo=UTC), SHOP, order_id),
            f"{OF_MERCHANT}/shops/{{shop_id}}/order-imports": (7,),
            f"{OF_MERCHANT}/shops/{{shop_id}}/shipments": (order_id, "shipment"),
            f"{OF_MERCHANT}/shops/{{shop_id}}/order-audits": (7,),
            f"{OF_MERCHANT}/shops/{{shop_id}}/order-audits/{{audit_id}}/differences": (
                order_id,
                "status",
            ),
            f"{OF_MERCHANT}/dead-letters": (7,),
            "/v1/dead-letters": (7,),
            f"{OF_MERCHANT}/quarantines": ("group", "source", MERCHANT),
            f"{OF_MERCHANT}/set-aside": ("job", MERCHANT, "subject"),
            f"{OF_MERCHANT}/audit": ("2026-11-26T12:00:00Z", 7),
            "/v1/audit": ("2026-11-26T12:00:00Z", 7),
            "/v1/quarantines": ("group", "source", MERCHANT),
            "/v1/set-aside": ("job", MERCHANT, "subject"),
            f"{OF_MERCHANT}/parked": ("group", "catalogue:a/b", MERCHANT),
            "/v1/parked": ("group", "catalogue:a/b", MERCHANT),
        },
    )
    assert faults == []
