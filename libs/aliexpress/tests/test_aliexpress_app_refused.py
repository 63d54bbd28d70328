"""A refusal of our app is known as one, however it comes; all else is none."""

from collections.abc import Callable
from typing import Any

import pytest

from aliexpress import logistics, oauth, orders
from aliexpress.app_refusals import ADDRESS, KEY, PERMISSION, SIGNATURE, AppRefusal
from aliexpress.errors import AppRefused, CallerFault, LimitReached, MarketplaceFailure, TokenDead
from aliexpress.gateway import Gateway, new_gateway, old_gateway
from aliexpress.operation import AccessToken

SHIPMENT = logistics.Shipment("888877779999", "EMS", "LA88887777CN", "all")
NEW, OLD = new_gateway("https://new.test"), old_gateway("https://old.test")
Build = Callable[[str, str, str], dict[str, Any]]


def inner(code: str, sub_code: str, message: str) -> dict[str, Any]:
    number = int(code) if code.isdecimal() else code
    subordinate = {"sub_code": sub_code, "sub_msg": message} if sub_code else {}
    return {"code": number, "msg": message, **subordinate, "request_id": "r1"}


def old_form(code: str, sub_code: str, message: str) -> dict[str, Any]:
    return {"error_response": inner(code, sub_code, message)}


def new_form(code: str, sub_code: str, message: str) -> dict[str, Any]:
    named = {"type": "ISV", "code": code, "message": message, "request_id": "r1"}
    return named | ({"sub_code": sub_code} if sub_code else {})


def within_the_response(code: str, sub_code: str, message: str) -> dict[str, Any]:
    return {"aliexpress_solution_x_response": old_form(code, sub_code, message)}


FORMS: list[tuple[Gateway, Build]] = [
    (NEW, new_form),
    (NEW, old_form),
    (NEW, within_the_response),
    (OLD, old_form),
]

APP_CODES: list[tuple[str, str, AppRefusal]] = [
    ("11", "isv.permission-ip-whitelist-limit", ADDRESS),
    ("11", "isv.permission-api-package-empty", PERMISSION),
    ("11", "isv.permission-api-package-not-allowed", PERMISSION),
    ("11", "isv.permission-api-package-limit", PERMISSION),
    ("11", "isv.permission-never-seen-before", PERMISSION),
    ("15", "isv.permission-api-package-limit", PERMISSION),
    ("50", "isv.insufficient-isv-permissions", PERMISSION),
    ("40", "isv.insufficient-permission", PERMISSION),
    ("11", "", PERMISSION),
    ("12", "", PERMISSION),
    ("13", "", PERMISSION),
    ("InsufficientPermission", "", PERMISSION),
    ("insufficientpermissions", "", PERMISSION),
    ("AppWhiteIpLimit", "", ADDRESS),
    ("APPWHITEIPLIMIT", "", ADDRESS),
    ("isv.permission-ip-whitelist-limit", "", ADDRESS),
    ("11", "ISV.PERMISSION-IP-WHITELIST-LIMIT", ADDRESS),
    ("24", "", SIGNATURE),
    ("25", "", SIGNATURE),
    ("IncompleteSignature", "", SIGNATURE),
    ("incompletesignature", "", SIGNATURE),
    ("25", "isv.invalid-signature", SIGNATURE),
    ("28", "", KEY),
    ("29", "", KEY),
    ("InvalidAppKey", "", KEY),
    ("29", "isv.appkey-not-exists", KEY),
    ("27", "isv.appkey-not-exists", KEY),
]


async def read(client: Any, token: AccessToken) -> Any:
    return await orders.load_order(client, token, "1")


async def write(client: Any, token: AccessToken) -> Any:
    return await logistics.fulfil_order(client, token, SHIPMENT)


async def exchange_code(client: Any, _token: AccessToken) -> Any:
    return await oauth.create_token(client, "code")


async def failure_of(call: Any, client: Any, token: AccessToken) -> MarketplaceFailure:
    with pytest.raises(MarketplaceFailure) as raised:
        await call(client, token)
    return raised.value


@pytest.mark.parametrize("form", FORMS, ids=["new", "new-wrapped", "new-inside", "old"])
@pytest.mark.parametrize(("code", "sub_code", "refusal"), APP_CODES)
async def test_the_app_is_refused(
    code: str,
    sub_code: str,
    refusal: AppRefusal,
    form: tuple[Gateway, Build],
    answering: Callable[..., Any],
    token: AccessToken,
) -> None:
    gateway, build = form
    for status in (200, 400, 403):
        client = answering(build(code, sub_code, "Message"), status=status, gateway=gateway)
        for call in (read, write, exchange_code):
            failure = await failure_of(call, client, token)
            assert isinstance(failure, AppRefused)
            assert (failure.code, failure.sub_code) == (code, sub_code)
            assert failure.remedy == refusal.remedy
            assert f"refuses our app ({f'{code} {sub_code}'.strip()})" in failure.trouble


@pytest.mark.parametrize(
    ("code", "message", "refusal"),
    [
        ("15", "AppWhiteIpLimit", ADDRESS),
        ("Unheard", "The specified App Key is invalid", KEY),
        ("MissingParameter", "Missing app key", KEY),
        ("40", "Missing required arguments:app_key", KEY),
        ("Unheard", "The request signature does not conform to platform standards", SIGNATURE),
        ("0815", "Insufficient ISV permissions", PERMISSION),
    ],
)
async def test_the_app_is_refused_in_words_alone(
    code: str,
    message: str,
    refusal: AppRefusal,
    answering: Callable[..., Any],
    token: AccessToken,
) -> None:
    for build in (new_form, old_form):
        failure = await failure_of(write, answering(build(code, "", message)), token)
        assert isinstance(failure, AppRefused)
        assert failure.remedy == refusal.remedy


@pytest.mark.parametrize("error", ["invalid_client", "unauthorized_client"])
async def test_the_app_is_refused_where_the_old_gateway_exchanges_codes(
    error: str, answering: Callable[..., Any], token: AccessToken
) -> None:
    body = {"error": error, "error_description": "Client authentication failed"}
    client = answering(body, status=401, gateway=OLD)
    failure = await failure_of(exchange_code, client, token)
    assert isinstance(failure, AppRefused)
    assert (failure.code, failure.remedy) == (error, KEY.remedy)


@pytest.mark.parametrize("code", ["isv.permission-api-package-limit", "AppWhiteIpLimit"])
async def test_the_app_is_refused_inside_the_result(
    code: str, answering: Callable[..., Any], token: AccessToken
) -> None:
    body = {"result": {"result_success": False, "error_code": code, "error_message": "no"}}
    assert isinstance(await failure_of(write, answering(body), token), AppRefused)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (old_form("27", "", "Invalid session"), TokenDead),
        (old_form("27", "isv.invalid-session", "Invalid session"), TokenDead),
        (old_form("7", "accesscontrol.limited-by-app-access-count", "wait"), LimitReached),
        (new_form("ApiCallLimit", "", "app key limit: This ban will last 9 seconds"), LimitReached),
        (old_form("15", "isv.invalid-parameter", "no permission for app key"), CallerFault),
        (old_form("15", "isv.account-migration-check-fail", "no"), CallerFault),
        (old_form("110", "", "no"), CallerFault),
        (old_form("22", "", "Invalid method"), CallerFault),
        (
            {"result": {"result_success": False, "error_code": 11, "error_message": "no"}},
            CallerFault,
        ),
        (
            {"result": {"result_success": False, "error_code": "29", "error_message": "app key"}},
            CallerFault,
        ),
    ],
)
async def test_what_is_no_refusal_of_the_app(
    answer: dict[str, Any],
    kind: type[MarketplaceFailure],
    answering: Callable[..., Any],
    token: AccessToken,
) -> None:
    failure = await failure_of(write, answering(answer), token)
    assert isinstance(failure, kind)
    assert not isinstance(failure, AppRefused)


@pytest.mark.parametrize("status", [401, 403, 407])
async def test_a_page_that_forbids_is_no_fault_of_what_was_asked(
    status: int, answering: Callable[..., Any], token: AccessToken
) -> None:
    client = answering(b"<html>Access denied</html>", status=status)
    assert isinstance(await failure_of(write, client, token), AppRefused)
