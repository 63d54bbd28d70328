"""What both gateways take and what they turn away, in their own forms."""

import json
import time
from datetime import UTC, datetime, timedelta, timezone
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

import pytest

from sandbox.signing import signature

FORM = {"Content-Type": "application/x-www-form-urlencoded;charset=utf-8"}
PROFILE = "aliexpress.solution.merchant.profile.get"
PROFILE_KEY = "aliexpress_solution_merchant_profile_get_response"
CREATE = "/auth/token/create"


def test_the_published_vector_is_met() -> None:
    published = {
        "method": "taobao.item.seller.get",
        "app_key": "12345678",
        "session": "test",
        "timestamp": "2016-01-01 12:00:00",
        "format": "json",
        "v": "2.0",
        "sign_method": "md5",
        "fields": "num_iid,title,nick,price,num",
        "num_iid": "11223344",
    }
    assert signature(published, "md5", "helloworld") == "66987CB115214E59E6EC978214934FB8"


def test_names_are_sorted_as_the_documentation_shows() -> None:
    foo = {"foo_bar": "3", "foobar": "4", "foo": "1", "bar": "2", "sign": "ignored"}
    assert signature(foo, "sha256", "secret") == signature(
        dict(sorted(foo.items())), "sha256", "secret"
    )


def form_call(sandbox: Any, sent: dict[str, str], path: str = "/sync") -> Any:
    return sandbox.request("POST", path, urlencode(sent), FORM).json()


def in_form(sandbox: Any, sent: dict[str, str]) -> Any:
    return form_call(sandbox, sent)


def in_query(sandbox: Any, sent: dict[str, str]) -> Any:
    return sandbox.request("GET", f"/sync?{urlencode(sent)}").json()


def in_query_of_bodyless_post(sandbox: Any, sent: dict[str, str]) -> Any:
    return sandbox.request("POST", f"/sync?{urlencode(sent)}").json()


def split(sandbox: Any, sent: dict[str, str]) -> Any:
    system = {name: sent[name] for name in ("app_key", "timestamp", "sign_method", "sign")}
    business = {name: value for name, value in sent.items() if name not in system}
    return sandbox.request("POST", f"/sync?{urlencode(system)}", urlencode(business), FORM).json()


def as_multipart(sandbox: Any, sent: dict[str, str]) -> Any:
    line = "--------boundary"
    parts = [
        f'--{line}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in sent.items()
    ]
    parts.append(
        f'--{line}\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n'
        "Content-Type: image/png\r\n\r\nnot signed\r\n"
    )
    body = "".join(parts) + f"--{line}--\r\n"
    kind = {"Content-Type": f"multipart/form-data; boundary={line}"}
    return sandbox.request("POST", "/sync", body.encode(), kind).json()


@pytest.mark.parametrize(
    "send",
    [in_form, in_query, in_query_of_bodyless_post, split, as_multipart],
    ids=lambda send: send.__name__,
)
def test_parameters_may_stand_anywhere(sandbox: Any, send: Any) -> None:
    sent = sandbox.signed(PROFILE, {"partner_id": "sdk", "debug": "true", "empty": ""})
    assert send(sandbox, sent)[PROFILE_KEY]["merchant_login_id"] == "cn2200100001"


@pytest.mark.parametrize("size", [70_000, 1_048_576], ids=["64K", "1M"])
def test_a_whole_feed_may_stand_in_the_request_line(sandbox: Any, size: int) -> None:
    items = [{"item_content_id": "1", "item_content": "ä" * (size // 6)}]
    sent = sandbox.signed(
        "aliexpress.solution.feed.submit",
        {"operation_type": "PRODUCT_CREATE", "item_list": json.dumps(items, ensure_ascii=False)},
    )
    target = f"/sync?{urlencode(sent)}"
    assert len(target) > size
    connection = HTTPConnection("127.0.0.1", sandbox.port, timeout=30)
    for _ in range(2):  # the connection still works for the next one
        connection.request("POST", target)
        answer = json.loads(connection.getresponse().read())
        assert "job_id" in answer["aliexpress_solution_feed_submit_response"]
    connection.close()


def test_the_token_may_be_called_access_token(sandbox: Any) -> None:
    token, sandbox.token = sandbox.token, ""
    sent = sandbox.signed(PROFILE, {}, access_token=token)
    assert PROFILE_KEY in form_call(sandbox, sent)


def test_the_sdk_signs_the_path_as_method_too(sandbox: Any) -> None:
    sent = {"code": "nonsense", "method": CREATE, "partner_id": "iop-sdk-python-20220609"}
    answer = sandbox.system(CREATE, sent)
    assert answer["code"] == "InvalidCode"
    assert set(answer) == {"type", "code", "message", "request_id"}


def test_rest_answers_flat_with_a_code_that_is_text(sandbox: Any) -> None:
    asked = {"seller_id": "2200100003", "redirect_uri": "http://127.0.0.1:8001/v1/oauth/callback"}
    code = sandbox.control("POST", "codes", asked)["code"]
    answer = sandbox.system("/auth/token/security/create", {"code": code})
    assert answer["code"] == "0"
    assert answer["seller_id"] == "2200100003"
    assert answer["account_id"] is None
    again = sandbox.system("/auth/token/security/create", {"code": code})
    assert again["code"] == "InvalidCode", "a code works once"


@pytest.mark.parametrize("form", ["millis", "iso", "beijing", "utc"])
def test_the_new_gateway_reads_several_times(sandbox: Any, form: str) -> None:
    now = datetime.now(UTC)
    text = {
        "millis": str(int(now.timestamp() * 1000)),
        "iso": now.isoformat(),
        "beijing": now.astimezone(timezone(timedelta(hours=8))).strftime("%Y-%m-%d %H:%M:%S"),
        "utc": now.strftime("%Y-%m-%d %H:%M:%S"),
    }[form]
    assert PROFILE_KEY in form_call(sandbox, sandbox.signed(PROFILE, {}, timestamp=text))


def test_without_simplify_lists_are_wrapped_and_with_it_plain(sandbox: Any) -> None:
    name = "aliexpress.freight.redefining.listfreighttemplate"
    key = "aliexpress_freight_redefining_listfreighttemplate_response"
    wrapped = form_call(sandbox, sandbox.signed(name, {}, simplify="true"))
    templates = wrapped[key]["aeop_freight_template_d_t_o_list"]["aeopfreighttemplatedtolist"]
    plain = form_call(sandbox, sandbox.signed(name, {}, simplify="true", format="json"))
    assert plain["aeop_freight_template_d_t_o_list"] == templates
    assert templates[0]["template_id"] == 1000100001


@pytest.mark.parametrize(
    ("quirks", "found"),
    [
        ({"empty_list": "wrapped"}, {"aeop_ae_product_tree_group": []}),
        ({"empty_list": "object"}, {}),
        ({"empty_list": "empty_string"}, ""),
        ({"empty_list": "null"}, None),
    ],
    ids=["wrapped", "object", "text", "null"],
)
def test_an_empty_list_has_several_looks(sandbox: Any, quirks: Any, found: Any) -> None:
    sandbox.control("POST", "quirks", quirks)
    answer = sandbox.call("aliexpress.postproduct.redefining.getproductgrouplist")
    assert answer["result"]["target_list"] == found


def test_a_list_of_one_may_come_as_an_object(sandbox: Any) -> None:
    sandbox.control("POST", "quirks", {"single_as_object": True})
    answer = sandbox.call(
        "aliexpress.postproduct.redefining.querypromisetemplatebyid", {"template_id": "551040"}
    )
    listed = answer["result"]["template_list"]["templatelist"]
    assert listed == {"id": 551040, "name": "Returns 30 days"}


OLD = {"sign_method": "md5", "v": "2.0", "format": "json"}


def old_signed(sandbox: Any, name: str, parameters: dict[str, str], method: str) -> dict[str, str]:
    beijing = datetime.now(timezone(timedelta(hours=8))).strftime("%Y-%m-%d %H:%M:%S")
    sent = {
        **OLD,
        "app_key": "500100",
        "method": name,
        "session": sandbox.token,
        "timestamp": beijing,
        "sign_method": method,
        **parameters,
    }
    sent["sign"] = signature(sent, method, "sandbox-app-secret-not-for-production")
    return sent


@pytest.mark.parametrize("method", ["md5", "hmac"])
def test_the_old_gateway_takes_both_signatures(sandbox: Any, method: str) -> None:
    answer = form_call(sandbox, old_signed(sandbox, PROFILE, {}, method), "/router/rest")
    assert answer[PROFILE_KEY]["shop_name"] == "Sandbox Shop One"


def test_the_old_gateway_takes_epoch_milliseconds_too(sandbox: Any) -> None:
    millis = {"timestamp": str(int(time.time() * 1000))}
    answer = form_call(sandbox, old_signed(sandbox, PROFILE, millis, "md5"), "/router/rest")
    assert PROFILE_KEY in answer


@pytest.mark.parametrize(
    ("change", "old_code", "new_code"),
    [
        ({"sign": "F" * 32}, 25, "IncompleteSignature"),
        ({"sign": ""}, 24, "MissingParameter"),
        ({"app_key": "1"}, 29, "InvalidAppKey"),
        ({"app_key": ""}, 28, "MissingParameter"),
        ({"timestamp": "2020-01-01 00:00:00"}, 31, "InvalidTimestamp"),
        ({"timestamp": "soon"}, 31, "InvalidTimestamp"),
        ({"timestamp": ""}, 30, "MissingParameter"),
        ({"session": "dead"}, 27, "IllegalAccessToken"),
        ({"session": ""}, 26, "IllegalAccessToken"),
        ({"method": ""}, 21, "MissingParameter"),
        ({"method": "taobao.no.such"}, 22, "InvalidApiPath"),
        ({"format": "xml"}, 23, "InvalidFormat"),
    ],
    ids=str,
)
def test_each_gateway_refuses_in_its_own_form(
    sandbox: Any, change: dict[str, str], old_code: int, new_code: str
) -> None:
    secret = "sandbox-app-secret-not-for-production"
    old = old_signed(sandbox, PROFILE, {}, "md5") | change
    new = sandbox.signed(PROFILE, {}) | change
    if "sign" not in change:
        for sent, method in ((old, "md5"), (new, "sha256")):
            sent.pop("sign")
            sent["sign"] = signature(sent, method, secret)
    error = form_call(sandbox, old, "/router/rest")["error_response"]
    assert error["code"] == old_code
    assert error["request_id"]
    error = form_call(sandbox, new)["error_response"]
    assert error["code"] == new_code
    assert error["type"] == "ISV"
    assert set(error) == {"type", "code", "msg", "request_id"}


def test_the_app_is_checked_before_the_signature(sandbox: Any) -> None:
    sent = sandbox.signed(PROFILE, {}) | {"app_key": "1", "sign": "F" * 64}
    assert form_call(sandbox, sent)["error_response"]["code"] == "InvalidAppKey"


def test_an_address_not_on_the_apps_list_is_refused_by_fault(sandbox: Any) -> None:
    fault = {"kind": "error", "code": "AppWhiteIpLimit", "count": 1}
    sandbox.control("POST", "faults", fault)
    assert sandbox.call(PROFILE)["error_response"]["code"] == "AppWhiteIpLimit"
    sandbox.control("POST", "faults", fault | {"code": "isv.permission-ip-whitelist-limit"})
    error = sandbox.call(PROFILE)["error_response"]
    assert (error["code"], error["sub_code"]) == (11, "isv.permission-ip-whitelist-limit")


def test_a_missing_business_parameter_is_named(sandbox: Any) -> None:
    error = sandbox.call("aliexpress.solution.order.get")["error_response"]
    assert error["code"] == "MissingParameter"
    assert "param0" in error["msg"]


def test_the_old_gateway_answers_xml_to_nobody(sandbox: Any) -> None:
    sent = old_signed(sandbox, PROFILE, {}, "md5")
    del sent["format"], sent["sign"]
    sent["sign"] = signature(sent, "md5", "sandbox-app-secret-not-for-production")
    assert form_call(sandbox, sent, "/router/rest")["error_response"]["code"] == 23


def test_other_http_methods_are_not_allowed(sandbox: Any) -> None:
    sent = old_signed(sandbox, PROFILE, {}, "md5")
    answer = sandbox.request("PUT", "/router/rest", urlencode(sent), FORM).json()
    assert answer["error_response"]["code"] == 9


def test_ids_beyond_two_to_the_53rd_come_whole(sandbox: Any) -> None:
    items = [{"item_content_id": "1", "item_content": "{}"}]
    answer = sandbox.call(
        "aliexpress.solution.feed.submit",
        {"operation_type": "PRODUCT_CREATE", "item_list": items},
    )
    assert answer["job_id"] > 2**53


def test_the_default_time_zone_of_orders_has_a_summer(sandbox: Any, payload: Any) -> None:
    """11 March 2029 02:00 does not exist in Pacific time; the hour after it does."""
    sandbox.feed("PRODUCT_CREATE", {"1": payload("A-1")})
    before = datetime.now(UTC)
    sandbox.control("POST", "clock", {"set": "2029-03-11T09:59:00+00:00", "is_frozen": True})
    try:
        (order,) = sandbox.control("POST", "orders", {"seller_id": "2200100001"})
        sandbox.control("POST", "clock", {"advance_seconds": 120})
        moved = {"status": "RISK_CONTROL"}
        sandbox.control("POST", f"orders/{order['order_id']}/status", moved)
        sandbox.token = ""
        sandbox.connect()
        answer = sandbox.call(
            "aliexpress.solution.order.get", {"param0": {"page_size": 20, "current_page": 1}}
        )
        (found,) = answer["result"]["target_list"]["order_dto"]
        assert found["gmt_create"] == "2029-03-11 01:59:00"
        assert found["gmt_update"] == "2029-03-11 03:01:00"
    finally:
        sandbox.control("POST", "clock", {"is_frozen": False})
        sandbox.control("POST", "clock", {"set": before.isoformat()})
