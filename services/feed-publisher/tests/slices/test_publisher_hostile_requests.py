"""Whatever a parameter or a cursor holds, the answer is a problem with a remedy, never a 500."""

from datetime import UTC, datetime

from common.web.identity import OPERATOR
from stack.testing.hostile_requests import find_faults

from ..publisher_auth import MERCHANT, bearer
from ..publisher_harness import FEED, SHOP, Harness

OF_MERCHANT = "/v1/merchants/{merchant_id}"


async def test_no_parameter_and_no_cursor_is_answered_but_with_a_problem(harness: Harness) -> None:
    await harness.take(harness.product("coat"))
    run_id = await harness.ask("offer", dry_run=True)
    await harness.wait(run_id, "planned")
    faults = await find_faults(
        harness.http,
        bearer(OPERATOR, merchant=None),
        known={
            "merchant_id": MERCHANT,
            "feed_id": FEED,
            "shop_id": SHOP,
            "run_id": run_id,
            "family_id": "coat",
            "sku_code": "coat",
        },
        places={
            f"{OF_MERCHANT}/feeds": (FEED,),
            "/v1/feeds": (MERCHANT, FEED),
            "/v1/limits": ("app", "*"),
            f"{OF_MERCHANT}/feeds/{{feed_id}}/runs": (datetime(2026, 11, 1, tzinfo=UTC), run_id),
            f"{OF_MERCHANT}/feeds/{{feed_id}}/products": ("coat",),
            f"{OF_MERCHANT}/feeds/{{feed_id}}/adoptions": ("coat", "1005"),
            f"{OF_MERCHANT}/feeds/{{feed_id}}/adopt-all": ("coat", "1005"),
            f"{OF_MERCHANT}/runs/{{run_id}}/items": (7,),
            f"{OF_MERCHANT}/runs/{{run_id}}/plan": (7,),
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
