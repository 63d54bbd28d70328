"""Faults on demand, quotas and bans: each strikes as asked, and ends."""

import json
import time
from collections.abc import Callable
from http.client import HTTPException
from threading import Thread
from typing import Any
from urllib.parse import urlencode

import pytest

Payload = Callable[..., dict[str, Any]]
PROFILE = "aliexpress.solution.merchant.profile.get"
PRICES = "aliexpress.solution.batch.product.price.update"
TIMERS_RESOLUTION_SECONDS = 0.001  # uvloop counts whole milliseconds, and drops the part begun


def raw(sandbox: Any, operation: str = PROFILE, **parameters: Any) -> Any:
    sent = sandbox.signed(operation, parameters)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    return sandbox.request("POST", "/sync", urlencode(sent), form)


def set_fault(sandbox: Any, kind: str, **fields: Any) -> int:
    fault: int = sandbox.control("POST", "faults", {"kind": kind, "count": 1, **fields})["id"]
    return fault


@pytest.fixture
def update(sandbox: Any, payload: Payload) -> dict[str, Any]:
    identity = sandbox.feed("PRODUCT_CREATE", {"1": payload("A-1")})["1"]["productId"]
    skus = [{"sku_code": "A-1", "price": "5.00"}]
    listed = [{"product_id": identity, "multiple_sku_update_list": skus}]
    return {"mutiple_product_update_list": listed}


def test_http_errors_and_html_do_nothing(sandbox: Any, update: dict[str, Any]) -> None:
    set_fault(sandbox, "http_error", operation="*.price.update", status=502)
    assert raw(sandbox, PRICES, **update).status == 502
    set_fault(sandbox, "html", operation="*.price.update")
    assert raw(sandbox, PRICES, **update).headers["content-type"].startswith("text/html")
    assert sandbox.ledger(operation="price.update") == []
    assert sandbox.call(PRICES, update)["update_success"] is True


@pytest.mark.parametrize("kind", ["answer_lost", "http_error_after", "truncated"])
def test_an_effect_may_stay_without_its_answer(
    sandbox: Any, update: dict[str, Any], kind: str
) -> None:
    set_fault(sandbox, kind)
    try:
        reply = raw(sandbox, PRICES, **update)
    except (HTTPException, OSError):
        assert kind == "answer_lost"
    else:
        with pytest.raises(json.JSONDecodeError):
            reply.json()
    (effect,) = sandbox.ledger(operation="price.update")
    assert effect["outcome"] == "accepted"


def test_a_refused_connection_has_no_effect(sandbox: Any, update: dict[str, Any]) -> None:
    set_fault(sandbox, "refused")
    with pytest.raises((HTTPException, OSError)):
        raw(sandbox, PRICES, **update)
    assert sandbox.ledger(operation="price.update") == []


def test_a_hang_breaks_off_and_shows_as_in_flight(sandbox: Any) -> None:
    set_fault(sandbox, "hang", seconds=1.0)
    caught: list[BaseException] = []

    def wait() -> None:
        try:
            raw(sandbox)
        except (HTTPException, OSError) as error:
            caught.append(error)

    waiting = Thread(target=wait)
    waiting.start()
    deadline = time.monotonic() + 5
    while sandbox.control("GET", "calls")["in_flight"] != {PROFILE: 1}:
        assert time.monotonic() < deadline
    waiting.join(timeout=10)
    assert caught
    assert sandbox.control("GET", "calls")["in_flight"] == {}


@pytest.mark.parametrize("kind", ["latency", "late_answer"])
def test_answers_come_late(sandbox: Any, kind: str) -> None:
    set_fault(sandbox, kind, seconds=0.3)
    began = time.monotonic()
    assert raw(sandbox).status == 200
    assert time.monotonic() - began >= 0.3 - TIMERS_RESOLUTION_SECONDS


def test_an_answer_waits_no_longer_than_for_the_removal_of_its_fault(sandbox: Any) -> None:
    first, second = (set_fault(sandbox, "late_answer", seconds=60.0) for _ in range(2))
    answers: list[int] = []
    waiting = Thread(target=lambda: answers.append(raw(sandbox).status))
    waiting.start()
    deadline = time.monotonic() + 5
    while sandbox.control("GET", "calls")["in_flight"] != {PROFILE: 1}:
        assert time.monotonic() < deadline
    sandbox.control("DELETE", f"faults/{second}")
    waiting.join(timeout=0.2)
    assert answers == []
    sandbox.control("DELETE", f"faults/{first}")
    waiting.join(timeout=10)
    assert answers == [200]


def test_an_error_in_a_good_status(sandbox: Any) -> None:
    set_fault(sandbox, "error", code="isp.system-busy", message="busy")
    error = sandbox.call(PROFILE)["error_response"]
    assert error["code"] == 15
    assert (error["sub_code"], error["sub_msg"]) == ("isp.system-busy", "busy")
    set_fault(sandbox, "error", code="ServiceUnavailable", message="later")
    assert sandbox.call(PROFILE)["error_response"]["code"] == "ServiceUnavailable"


def test_a_dead_token_and_a_skewed_clock(sandbox: Any) -> None:
    set_fault(sandbox, "dead_token")
    assert sandbox.call(PROFILE)["error_response"]["code"] == "IllegalAccessToken"
    set_fault(sandbox, "clock_skew", seconds=8000)
    assert sandbox.call(PROFILE)["error_response"]["code"] == "InvalidTimestamp"
    assert "shop_name" in sandbox.call(PROFILE)


def test_faults_are_for_a_seller_a_count_and_some_calls_first(sandbox: Any) -> None:
    set_fault(sandbox, "error", seller_id="2200100002", count=None)
    set_fault(sandbox, "error", skip=1, count=2, code="Once")
    seen = [sandbox.call(PROFILE).get("error_response", {}).get("code") for _ in range(4)]
    assert seen == [None, "Once", "Once", None]
    assert sandbox.control("DELETE", "faults")["removed"] == 2


def test_a_probability_is_drawn_from_the_seed(sandbox: Any) -> None:
    def draw() -> list[bool]:
        fault = set_fault(sandbox, "error", count=None, probability=0.5)
        drawn = ["error_response" in sandbox.call(PROFILE) for _ in range(30)]
        sandbox.control("DELETE", f"faults/{fault}")
        return drawn

    first, second = draw(), draw()
    assert first == second
    assert 0 < sum(first) < 30


def test_a_stuck_job_goes_on_when_the_fault_is_removed(sandbox: Any, payload: Payload) -> None:
    fault = set_fault(sandbox, "stuck_job", operation="PRODUCT_CREATE")
    items = [{"item_content_id": "1", "item_content": payload("A-1")}]
    job = sandbox.call(
        "aliexpress.solution.feed.submit",
        {"operation_type": "PRODUCT_CREATE", "item_list": items},
    )["job_id"]
    answer = sandbox.call("aliexpress.solution.feed.query", {"job_id": str(job)})
    assert answer["result_list"] == {}
    listed = sandbox.call("aliexpress.solution.feed.list.get", {"page_size": "20"})
    assert listed["job_list"]["batch_operation_job_dto"][0]["status"] == "QUEUEING"
    sandbox.control("DELETE", f"faults/{fault}")
    assert sandbox.await_feed(job)["1"]["success"] is True


def test_a_queued_job_can_be_cancelled_and_a_finished_one_not(
    sandbox: Any, payload: Payload
) -> None:
    set_fault(sandbox, "stuck_job")
    items = [{"item_content_id": "1", "item_content": payload("A-1")}]
    asked = {"operation_type": "PRODUCT_CREATE", "item_list": items}
    jobs = [sandbox.call("aliexpress.solution.feed.submit", asked)["job_id"] for _ in range(2)]
    answer = sandbox.call(
        "aliexpress.solution.feed.invalidate", {"job_id_list": f"{jobs[0]};{jobs[1]};17"}
    )
    assert answer["successful_list"]["number"] == [jobs[0]]
    assert answer["no_need_invalidation_list"]["number"] == [jobs[1]]
    assert answer["failed_list"]["number"] == [17]


def test_results_may_be_missing_or_doubled(sandbox: Any, payload: Payload) -> None:
    items = [{"item_content_id": name, "item_content": payload(f"A-{name}")} for name in ("1", "2")]
    job = sandbox.call(
        "aliexpress.solution.feed.submit",
        {"operation_type": "PRODUCT_CREATE", "item_list": items},
    )["job_id"]

    def ids() -> list[str]:
        answer = sandbox.call("aliexpress.solution.feed.query", {"job_id": str(job)})
        return [r["item_content_id"] for r in answer["result_list"]["single_item_response_dto"]]

    set_fault(sandbox, "missing_results")
    assert ids() == ["1"]
    set_fault(sandbox, "double_results")
    assert ids() == ["1", "2", "1"]
    assert ids() == ["1", "2"]


def test_the_results_of_other_jobs(sandbox: Any, payload: Payload) -> None:
    sandbox.feed("PRODUCT_CREATE", {"other": payload("A-1")})
    sandbox.feed("PRODUCT_CREATE", {"1": payload("A-2")})
    jobs = sandbox.call("aliexpress.solution.feed.list.get", {"page_size": "1"})
    newest = jobs["job_list"]["batch_operation_job_dto"][0]["job_id"]
    set_fault(sandbox, "foreign_results")
    answer = sandbox.call("aliexpress.solution.feed.query", {"job_id": str(newest)})
    results = answer["result_list"]["single_item_response_dto"]
    assert [result["item_content_id"] for result in results] == ["1", "other"]
    assert answer["total_item_count"] == 1


def test_a_redirect_does_nothing(sandbox: Any, update: dict[str, Any]) -> None:
    set_fault(sandbox, "redirect", message="http://127.0.0.1:9/elsewhere")
    answer = raw(sandbox, PRICES, **update)
    assert answer.status == 307
    assert answer.headers["location"] == "http://127.0.0.1:9/elsewhere"
    assert sandbox.ledger(operation="price.update") == []


def test_an_answer_of_other_types_has_its_effect(sandbox: Any, update: dict[str, Any]) -> None:
    right = raw(sandbox, PRICES, **update).json()
    set_fault(sandbox, "wrong_types")
    wrong = raw(sandbox, PRICES, **update).json()
    assert wrong.keys() == right.keys()
    assert all(type(wrong[name]) is not type(right[name]) for name in right)
    assert len(sandbox.ledger(operation="price.update")) == 2


def test_a_giant_answer_holds_the_right_one(sandbox: Any) -> None:
    set_fault(sandbox, "giant")
    giant = raw(sandbox)
    assert len(giant.body) > 64_000_000
    assert giant.json().keys() == raw(sandbox).json().keys()


def test_a_repeated_page(sandbox: Any, payload: Payload) -> None:
    sandbox.feed("PRODUCT_CREATE", {"1": payload("A-1")})
    sandbox.control("POST", "orders", {"seller_id": "2200100001", "count": 3})

    def page(number: int) -> int:
        query = {"page_size": 1, "current_page": number}
        answer = sandbox.call("aliexpress.solution.order.get", {"param0": query})
        identity: int = answer["result"]["target_list"]["order_dto"][0]["order_id"]
        return identity

    first, second = page(1), page(2)
    set_fault(sandbox, "repeated_page", operation="*.order.get")
    assert page(2) == first != second
    assert page(2) == second


def test_business_refusals_of_batches_and_shipments(sandbox: Any, update: dict[str, Any]) -> None:
    set_fault(sandbox, "business_error", operation=PRICES, code="16009999", message="系统异常")
    answer = sandbox.call(PRICES, update)
    assert answer["update_success"] is False
    assert answer["update_error_code"] == "16009999"
    set_fault(sandbox, "business_error", operation="*.fulfill")
    shipment = {"service_name": "EMS", "logistics_no": "x", "out_ref": "1", "send_type": "all"}
    result = sandbox.call("aliexpress.solution.order.fulfill", shipment)["result"]
    assert result["error_message"] == "系统异常，请稍候重试"


def test_a_ban_names_its_seconds_and_ends(sandbox: Any) -> None:
    sandbox.control("POST", "bans", {"operation": "*.profile.get", "seconds": 120})
    error = sandbox.call(PROFILE)["error_response"]
    assert error["code"] == "ApiCallLimit"
    assert "This ban will last for 120 more seconds" in error["msg"]
    sandbox.control("POST", "clock", {"advance_seconds": 100})
    assert "will last for 20 more" in sandbox.call(PROFILE)["error_response"]["msg"]
    sandbox.control("POST", "clock", {"advance_seconds": 20})
    assert "shop_name" in sandbox.call(PROFILE)


def test_the_daily_quota_lasts_until_midnight_in_beijing(start_sandbox: Any) -> None:
    with start_sandbox(daily_quota="3") as client:
        client.control("POST", "clock", {"set": "2027-05-05T15:00:00+00:00", "is_frozen": True})
        client.connect()  # the exchange of the code counts too
        assert "shop_name" in client.call(PROFILE)
        assert "shop_name" in client.call(PROFILE)
        assert "for 3600 more seconds" in client.call(PROFILE)["error_response"]["msg"]
        client.control("POST", "clock", {"advance_seconds": 3600})
        assert "shop_name" in client.call(PROFILE)


def test_schemas_are_limited_per_seller_and_second(sandbox: Any) -> None:
    name = "aliexpress.solution.product.schema.get"
    asked = {"aliexpress_category_id": "152805"}
    answers = [sandbox.call(name, asked) for _ in range(60)]
    refused = [answer for answer in answers if "error_response" in answer]
    elapsed_free = len(answers) - len(refused)
    assert refused, "60 calls took longer than two seconds"
    assert elapsed_free >= 25
    assert "for 1 more seconds" in refused[0]["error_response"]["msg"]


def test_any_method_may_have_a_rate(start_sandbox: Any) -> None:
    rates = json.dumps({PROFILE: [100, 0]})
    with start_sandbox(rates=rates) as client:
        assert client.connect().call(PROFILE)["error_response"]["code"] == "ApiCallLimit"
    with start_sandbox(rates=rates, rate_limits="false") as client:
        assert "shop_name" in client.connect().call(PROFILE)


def test_a_schema_changes_by_switch(sandbox: Any) -> None:
    change = {
        "category_id": 152805,
        "require": ["Feature"],
        "drop_values": {"Material": ["360898"]},
    }
    sandbox.control("POST", "schemas", change)
    answer = sandbox.call(
        "aliexpress.solution.product.schema.get", {"aliexpress_category_id": "152805"}
    )
    attributes = json.loads(answer["result"]["schema"])["properties"]["category_attributes"]
    assert "Feature" in attributes["required"]
    material = attributes["properties"]["Material"]["properties"]["value"]["oneOf"]
    assert "360898" not in {choice["const"] for choice in material}
