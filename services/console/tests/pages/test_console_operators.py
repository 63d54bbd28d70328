"""What operators change: a merchant that is there is never changed unasked."""

import json
from typing import Any

import httpx2

from .conftest import Opened
from .test_console_forms import csrf

THERE = {
    "merchant_id": "acme",
    "name": "ACME & Sons",
    "is_eligible": True,
    "created_at": "2026-11-27T10:00:00Z",
    "updated_at": "2026-11-27T10:00:00Z",
}


def there_is(opened: Opened, **values: Any) -> None:
    """A merchant acme: none is made of its id."""

    def put(request: httpx2.Request) -> Any:
        if request.headers.get("if-none-match") == "*":
            return httpx2.Response(412, json={"title": "it is there", "status": 412})
        return THERE | json.loads(request.content)

    opened.services.instead["PUT /v1/merchants/acme"] = put
    opened.services.instead["GET /v1/merchants/acme"] = THERE | values


async def admit(opened: Opened, **typed: str) -> httpx2.Response:
    form = {"merchant": "acme", "name": "", "email": "", **typed}
    return await opened.http.post("/operate/merchants", data={"csrf": await csrf(opened), **form})


def changes(opened: Opened) -> list[dict[str, Any]]:
    """What was put over a merchant that may be there."""
    return [
        json.loads(told.content)
        for told in opened.services.told
        if told.method == "PUT" and "if-none-match" not in told.headers
    ]


def invited(opened: Opened) -> int:
    return sum(told.url.path.endswith("/members") for told in opened.services.told)


async def test_a_merchant_that_is_there_is_changed_only_where_that_is_meant(
    opened: Opened,
) -> None:
    there_is(opened)
    typed = {"name": "Other", "email": "owner@other.example"}
    refused = await admit(opened, **typed)
    assert (refused.status_code, changes(opened), invited(opened)) == (409, [], 0)
    assert "Nothing was changed" in refused.text
    assert 'aria-describedby="w-merchant' in refused.text
    for shown in ("ACME &amp; Sons", 'value="Other"', 'name="change" value="acme"'):
        assert shown in refused.text
    # the box is of that merchant alone
    assert (await admit(opened, **typed, change="other")).status_code == 409
    assert (await admit(opened, **typed, change="acme")).status_code == 200
    assert changes(opened) == [{"name": "Other", "is_eligible": True}]
    assert invited(opened) == 1


async def test_a_merchant_that_is_there_as_it_was_typed_is_no_mistake(opened: Opened) -> None:
    there_is(opened)
    for typed in ({}, {"name": "ACME & Sons", "email": "second@acme.example"}):
        assert (await admit(opened, **typed)).status_code == 200
    assert (changes(opened), invited(opened)) == ([], 1)


async def test_a_merchant_that_may_not_sell_is_let_sell_under_its_name(opened: Opened) -> None:
    there_is(opened, is_eligible=False)
    refused = await admit(opened)
    assert (refused.status_code, changes(opened)) == (409, [])
    assert "may not sell" in refused.text
    assert (await admit(opened, change="acme")).status_code == 200
    assert changes(opened) == [{"name": "ACME & Sons", "is_eligible": True}]
