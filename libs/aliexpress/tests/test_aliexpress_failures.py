"""Which failure each documented error means, from either gateway and in either form."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from aliexpress import feeds, logistics, offers, products, shop
from aliexpress.errors import (
    AppRefused,
    BadAnswer,
    BusinessError,
    CallerFault,
    LimitReached,
    MarketplaceFailure,
    OutcomeUnknown,
    PlatformFault,
    TokenDead,
    may_repeat,
)
from aliexpress.operation import AccessToken
from aliexpress.transport import AnswerLost, NotSent
from common.errors import Outage

EXAMPLES = Path(__file__).parent / "examples"
BAN = "This ban will last for 37 more seconds"
SHIPMENT = logistics.Shipment("888877779999", "EMS", "LA88887777CN", "all")


async def read(client: Any, token: AccessToken) -> Any:
    return await shop.load_merchant_profile(client, token)


async def write(client: Any, token: AccessToken) -> Any:
    return await products.post_product(client, token, {})


async def fulfil(client: Any, token: AccessToken) -> Any:
    await logistics.fulfil_order(client, token, SHIPMENT)


async def failure_of(call: Any, client: Any, token: AccessToken) -> MarketplaceFailure:
    with pytest.raises(MarketplaceFailure) as raised:
        await call(client, token)
    return raised.value


def top(code: int, sub_code: str = "", sub_msg: str = "") -> dict[str, Any]:
    error = {"code": code, "msg": "Message", "sub_code": sub_code, "sub_msg": sub_msg}
    return {"error_response": {**error, "request_id": "req1"}}


def iop(kind: str, code: str, message: str = "Message") -> dict[str, Any]:
    return {"type": kind, "code": code, "message": message, "request_id": "req1"}


@pytest.mark.parametrize(
    ("answer", "of_read", "of_write"),
    [
        (top(27), TokenDead, TokenDead),
        (top(26), CallerFault, CallerFault),
        (top(40), CallerFault, CallerFault),
        (top(10), PlatformFault, PlatformFault),
        (top(15, "isv.invalid-parameter"), CallerFault, CallerFault),
        (top(50, "isv.invalid-parameter"), CallerFault, CallerFault),
        (top(15, "isp.system-busy"), PlatformFault, PlatformFault),
        (top(15, "isp.top-remote-connection-timeout"), PlatformFault, OutcomeUnknown),
        (top(15, "isp.remote-connection-error"), PlatformFault, OutcomeUnknown),
        (top(15), PlatformFault, OutcomeUnknown),
        (top(15, "isp.call-limited"), LimitReached, LimitReached),
        (top(7, "accesscontrol.limited-by-api-access-count", BAN), LimitReached, LimitReached),
        (iop("ISV", "InvalidTimestamp"), PlatformFault, PlatformFault),
        (top(31), PlatformFault, PlatformFault),
        (iop("ISV", "IllegalAccessToken"), TokenDead, TokenDead),
        (iop("ISV", "ApiCallLimit"), LimitReached, LimitReached),
        (iop("SYSTEM", "ServiceUnavailable"), PlatformFault, PlatformFault),
        (iop("ISP", "ServiceTimeout"), PlatformFault, OutcomeUnknown),
        (iop("ISP", "SomethingNew"), PlatformFault, PlatformFault),
        ({"error_response": iop("ISV", "IllegalAccessToken")}, TokenDead, TokenDead),
    ],
)
async def test_platform_errors(
    answer: dict[str, Any],
    of_read: type[MarketplaceFailure],
    of_write: type[MarketplaceFailure],
    answering: Callable[..., Any],
    token: AccessToken,
) -> None:
    for call, expected in ((read, of_read), (write, of_write)):
        failure = await failure_of(call, answering(answer), token)
        assert type(failure) is expected
        assert failure.request_id == "req1"
        assert failure.code


@pytest.mark.parametrize(
    ("name", "expected", "code"),
    [
        ("error_response.iop.illegal_access_token.json", TokenDead, "IllegalAccessToken"),
        ("error_response.iop.incomplete_signature.json", AppRefused, "IncompleteSignature"),
        ("error_response.remote_service.json", CallerFault, "50"),
    ],
)
async def test_recorded_errors(
    name: str,
    expected: type[MarketplaceFailure],
    code: str,
    answering: Callable[..., Any],
    token: AccessToken,
) -> None:
    body = msgspec.json.decode((EXAMPLES / name).read_bytes())
    for status in (200, 400):
        failure = await failure_of(read, answering(body, status=status), token)
        assert type(failure) is expected
        assert failure.code == code


@pytest.mark.parametrize(
    ("answer", "ban", "scope"),
    [
        (
            top(7, "accesscontrol.limited-by-api-access-count", BAN),
            timedelta(seconds=37),
            "app-operation",
        ),
        (
            top(7, "accesscontrol.limited-by-app-access-count", BAN),
            timedelta(seconds=37),
            "app",
        ),
        # 12:00 UTC is 20:00 in Beijing.
        (top(7, "accesscontrol.limited-by-app-access-count"), timedelta(hours=4), "app"),
        (iop("ISV", "ApiCallLimit", BAN), timedelta(seconds=37), "seller-operation"),
        (
            iop("ISV", "ApiCallLimit", "frequency exceeds the limit. this ban will last 2 seconds"),
            timedelta(seconds=2),
            "seller-operation",
        ),
        (iop("ISV", "ApiCallLimit"), timedelta(seconds=1), "seller-operation"),
    ],
)
async def test_a_ban_is_known_to_its_second(
    answer: dict[str, Any],
    ban: timedelta,
    scope: str,
    answering: Callable[..., Any],
    token: AccessToken,
) -> None:
    failure = await failure_of(read, answering(answer), token)
    assert isinstance(failure, LimitReached)
    assert (failure.ban, failure.retry_after, failure.scope) == (ban, ban, scope)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (
            {"error_code": "F00-00-10007-007", "error_message": "duplicate sku_code"},
            BusinessError,
        ),
        ({"success": False, "error_code": "150008", "error_message": "full"}, BusinessError),
        ({"error_code": 16009999, "error_message": "System exception"}, PlatformFault),
        ({"success": "false", "error_message": "系统错误,请稍后重试"}, PlatformFault),
        ({"success": False, "error_message": BAN}, LimitReached),
    ],
)
async def test_errors_inside_the_result(
    result: dict[str, Any],
    expected: type[MarketplaceFailure],
    answering: Callable[..., Any],
    token: AccessToken,
) -> None:
    unwrapped = {"result": result, "request_id": "req1"}
    wrapped = {"aliexpress_solution_schema_product_instance_post_response": unwrapped}
    for body in (wrapped, unwrapped):
        failure = await failure_of(write, answering(body), token)
        assert type(failure) is expected
        assert failure.request_id == "req1"
        assert failure.message == result["error_message"]


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("该交易订单已填写发货通知，无需重复操作。", BusinessError),
        ("该交易订单缺少履约信息，请联系客服处理。", BusinessError),
        ("该货运跟踪号未通过物流风控审核，请更换货运跟踪号后重试。", BusinessError),
        ("您填写的交易订单号有误或不属于当前账号，请修", BusinessError),
        ("系统异常，请稍候重试", PlatformFault),
    ],
)
async def test_chinese_answers_to_a_shipment(
    message: str,
    expected: type[MarketplaceFailure],
    answering: Callable[..., Any],
    token: AccessToken,
) -> None:
    body = {"result": {"result_success": False, "error_code": -999, "error_message": message}}
    failure = await failure_of(
        lambda client, token: logistics.fulfil_order(client, token, SHIPMENT),
        answering(body),
        token,
    )
    assert type(failure) is expected
    assert failure.message == message


@pytest.mark.parametrize(
    ("answer", "status", "of_read", "of_write"),
    [
        (b"<html>502 Bad Gateway</html>", 502, PlatformFault, OutcomeUnknown),
        (b"", 500, PlatformFault, OutcomeUnknown),
        (b"{}", 503, PlatformFault, OutcomeUnknown),
        (b"slow down", 429, LimitReached, LimitReached),
        (b"<html>not found</html>", 404, CallerFault, CallerFault),
        (b"<html>forbidden</html>", 403, AppRefused, AppRefused),
        (b"<html>hello</html>", 200, BadAnswer, OutcomeUnknown),
        (b'{"aliexpress_solution_', 200, BadAnswer, OutcomeUnknown),
        (b"[]", 200, BadAnswer, OutcomeUnknown),
        (b"", 200, BadAnswer, OutcomeUnknown),
        (b"{}", 302, BadAnswer, OutcomeUnknown),
        (NotSent("no"), 0, PlatformFault, PlatformFault),
        (AnswerLost("lost"), 0, PlatformFault, OutcomeUnknown),
    ],
)
async def test_what_is_not_an_answer(
    answer: Any,
    status: int,
    of_read: type[MarketplaceFailure],
    of_write: type[MarketplaceFailure],
    answering: Callable[..., Any],
    token: AccessToken,
) -> None:
    for call, expected in ((read_orders, of_read), (write, of_write)):
        failure = await failure_of(call, answering(answer, status=status), token)
        assert type(failure) is expected
        assert may_repeat(failure) == (
            expected in {PlatformFault, AppRefused, LimitReached, BadAnswer}
        )


async def read_orders(client: Any, token: AccessToken) -> Any:
    return await products.load_product(client, token, "1")


def test_only_outages_are_outages() -> None:
    outages = {kind for kind in _kinds(MarketplaceFailure) if issubclass(kind, Outage)}
    assert outages == {PlatformFault, AppRefused, LimitReached}


def _kinds(kind: type[MarketplaceFailure]) -> set[type[MarketplaceFailure]]:
    return {kind}.union(*(_kinds(below) for below in kind.__subclasses__()))


async def test_too_large_a_batch_is_refused_before_it_is_sent(
    answering: Callable[..., Any], token: AccessToken
) -> None:
    client = answering({})
    stock = offers.ProductStock("1", (offers.SkuStock("a", 1),))
    items = [feeds.FeedItem(str(number), {}) for number in range(301)]
    for call in (
        offers.update_stock(client, token, [stock] * 21),
        offers.update_stock(client, token, [offers.ProductStock("1", stock.skus * 201)]),
        offers.update_stock(client, token, []),
        feeds.submit_feed(client, token, "PRODUCT_CREATE", items),
        products.delete_products(client, token, ["1"] * 101),
        feeds.invalidate_feeds(client, token, ["1"] * 101),
    ):
        with pytest.raises(CallerFault, match="batch-size"):
            await call
    assert client.recorded.fields == {}


async def test_neither_token_nor_secret_nor_signature_stands_in_a_failure(
    answering: Callable[..., Any], token: AccessToken
) -> None:
    client = answering(AnswerLost("lost"))
    failure = await failure_of(write, client, token)
    text = repr(failure) + repr(failure.__dict__) + repr(token) + repr(client.app)
    for secret in ("canary-token", "helloworld", client.recorded.fields["sign"]):
        assert secret not in text
