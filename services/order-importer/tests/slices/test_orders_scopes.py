"""Every route, as the OpenAPI document lists them: nobody passes without the right token."""

from typing import Any

import pytest

from ..orders_harness import MERCHANT, PATH, SHOP, Harness

EVERY_SCOPE = ["orders:read", "orders:write", "dead-letters:read", "dead-letters:write"]


async def statuses(harness: Harness, headers: dict[str, str]) -> dict[tuple[str, str], int]:
    document = (await harness.http.get("/openapi.json")).json()
    answered = {}
    for path, item in document["paths"].items():
        filled = (
            path.replace("{merchant_id}", MERCHANT)
            .replace("{shop_id}", SHOP)
            .replace("{order_id}", "1")
            .replace("{shipment_id}", "1")
            .replace("{dead_letter_id}", "1")
        )
        for method in item:
            answer = await harness.http.request(method.upper(), filled, headers=headers)
            answered[method, path] = answer.status_code
    assert len(answered) > 10
    return answered


async def test_without_a_token_every_route_answers_401(harness: Harness) -> None:
    assert set((await statuses(harness, {})).values()) == {401}


async def test_another_merchants_token_opens_nothing(harness: Harness) -> None:
    answered = await statuses(harness, harness.bearer(*EVERY_SCOPE, merchant_id="other"))
    assert {s for (_, path), s in answered.items() if "{merchant_id}" in path} == {404}
    assert {s for (_, path), s in answered.items() if "{merchant_id}" not in path} == {403}


@pytest.mark.parametrize("merchant_id", [MERCHANT, None])
async def test_a_token_without_scopes_opens_nothing(
    harness: Harness, merchant_id: str | None
) -> None:
    assert set((await statuses(harness, harness.bearer(merchant_id=merchant_id))).values()) == {403}


async def test_who_may_only_read_changes_nothing(harness: Harness) -> None:
    answered = await statuses(harness, harness.bearer("orders:read", "dead-letters:read"))
    assert {status for (method, _), status in answered.items() if method != "get"} == {403}


@pytest.mark.parametrize(
    ("method", "path", "options", "field"),
    [
        pytest.param("GET", f"{PATH}/orders/1/shipments/%00", {}, "shipment_id", id="shipment"),
        pytest.param(
            "GET", f"/v1/merchants/{MERCHANT}/orders?status=%00", {}, "status", id="status"
        ),
        pytest.param(
            "POST", f"{PATH}/order-imports/pause", {"json": {"reason": "\0"}}, "reason", id="reason"
        ),
        pytest.param(
            "POST",
            "/v1/republish",
            {"json": {"merchant_id": "\0"}, "merchant_id": None},
            "merchant_id",
            id="merchant",
        ),
        pytest.param(
            "POST",
            f"{PATH}/orders/1/shipments",
            {
                "json": {"carrier": "UPS", "tracking_number": "1", "lines": ["\0"]},
                "headers": {"Idempotency-Key": "key"},
            },
            "lines.0",
            id="line",
        ),
    ],
)
async def test_a_text_the_database_cannot_hold_is_refused_by_its_field(
    harness: Harness, method: str, path: str, options: dict[str, Any], field: str
) -> None:
    if "merchant_id" in options:
        options = {**options, "headers": harness.bearer("operator", merchant_id=None)}

    answer = await harness.call(method, path, **options)

    assert answer.status_code == 422, answer.text
    assert answer.json()["field"].endswith(field)
