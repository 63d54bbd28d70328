"""Whatever a parameter or a cursor holds, the answer is a problem with a remedy, never a 500."""

from datetime import UTC, datetime

from common.web.identity import OPERATOR
from stack.testing.hostile_requests import find_faults

from ..auth_harness import Auth

LETTERS = "/v1/merchants/{merchant_id}/dead-letters"


async def test_no_parameter_and_no_cursor_is_answered_but_with_a_problem(auth: Auth) -> None:
    await auth.register("shein")
    await auth.connect("shein", "main")
    made = await auth.http.post(
        "/v1/merchants/shein/webhooks",
        headers=auth.operator,
        json={"url": "https://hooks.example/"},
    )
    endpoint_id = made.json()["endpoint_id"]
    faults = await find_faults(
        auth.http,
        auth.bearer(OPERATOR, "token:read"),
        known={"merchant_id": "shein", "shop_id": "main", "endpoint_id": endpoint_id},
        places={
            "/v1/merchants": ("shein",),
            "/v1/shops": (datetime(2026, 11, 1, tzinfo=UTC), "shein", "main"),
            "/v1/merchants/{merchant_id}/shops": ("main",),
            LETTERS: (7,),
            "/v1/dead-letters": (7,),
            "/v1/merchants/{merchant_id}/quarantines": ("group", "source", "shein"),
            "/v1/merchants/{merchant_id}/set-aside": ("job", "shein", "subject"),
            "/v1/merchants/{merchant_id}/audit": ("2026-11-26T12:00:00Z", 7),
            "/v1/audit": ("2026-11-26T12:00:00Z", 7),
            "/v1/merchants/{merchant_id}/members": ("a@b",),
            "/v1/people": ("a@b",),
            "/v1/merchants/{merchant_id}/api-clients": ("client",),
            "/v1/api-clients": ("client",),
            "/v1/merchants/{merchant_id}/troubles": ("2026-11-26T12:00:00Z", "a" * 32),
            "/v1/merchants/{merchant_id}/webhooks": ("a" * 32,),
            "/v1/merchants/{merchant_id}/webhooks/{endpoint_id}/deliveries": (
                "2026-11-26T12:00:00Z",
                "a" * 32,
            ),
            "/v1/quarantines": ("group", "source", "shein"),
            "/v1/set-aside": ("job", "shein", "subject"),
            "/v1/merchants/{merchant_id}/parked": ("group", "catalogue:a/b", "shein"),
            "/v1/parked": ("group", "catalogue:a/b", "shein"),
        },
    )
    assert faults == []
