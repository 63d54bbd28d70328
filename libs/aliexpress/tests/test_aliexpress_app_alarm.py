"""Whoever operates the channel is told that AliExpress refuses our app: once, while it lasts."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from aliexpress import app_alarm, oauth, shop
from aliexpress.app_alarm import FORGOTTEN_AFTER, AppAlarm
from aliexpress.app_refusals import ADDRESS
from aliexpress.errors import AppRefused, CallerFault, MarketplaceFailure, PlatformFault
from aliexpress.gateway import new_gateway, old_gateway
from aliexpress.operation import AccessToken

CODE = "isv.permission-ip-whitelist-limit"
Readings = dict[tuple[tuple[str, str], ...], float]


def refusal(code: str = CODE) -> AppRefused:
    return AppRefused("a", "no", remedy=ADDRESS.remedy, code="11", sub_code=code, request_id="r1")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Calls:
    """Calls that are refused, taken or fail, and what an operator sees of them."""

    def __init__(self, gauge: dict[str, Readings]) -> None:
        self.clock = Clock()
        self._alarm = AppAlarm(monotonic=self.clock)
        self._gauge = gauge

    def __call__(
        self, operation: str = "a", seller: str | None = "1", outcome: Exception | None = None
    ) -> list[EventDict]:
        """Make a call with this outcome; what was logged."""
        with (
            capture_logs() as logged,
            suppress(MarketplaceFailure),
            self._alarm.watching(operation, seller),
        ):
            if outcome is not None:
                raise outcome
        return logged

    @property
    def shown(self) -> dict[str, float]:
        """The gauge's readings by code."""
        return {dict(names)["code"]: value for names, value in self._gauge["now"].items()}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    gauge: dict[str, Readings] = {"now": {}}
    monkeypatch.setattr(
        app_alarm._refused, "replace", lambda readings: gauge.update(now=dict(readings))
    )
    return Calls(gauge)


def test_one_error_names_code_reason_and_remedy_however_many_calls_are_refused(
    calls: Calls,
) -> None:
    [error] = calls(outcome=refusal())
    assert error == {
        "log_level": "error",
        "event": "aliexpress.app_refused",
        "code": f"11 {CODE}",
        "reason": "no",
        "operation": "a",
        "request_id": "r1",
        "remedy": ADDRESS.remedy,
    }
    for minute in range(120):
        calls.clock.now = 60.0 * minute
        assert calls("a", outcome=refusal()) == []
        assert calls("b", "2", outcome=refusal()) == []
    assert calls.shown == {f"11 {CODE}": 2}
    [other] = calls("c", outcome=refusal("isv.permission-other"))
    assert other["code"] == "11 isv.permission-other"
    assert calls.shown == {f"11 {CODE}": 2, "11 isv.permission-other": 1}


def test_it_ends_when_what_was_refused_is_taken(calls: Calls) -> None:
    calls("a", outcome=refusal())
    calls("b", outcome=refusal())
    assert calls("a", seller="2") == []
    assert calls("c") == []
    assert calls("a", outcome=PlatformFault("a", "down")) == []
    assert calls.shown == {f"11 {CODE}": 2}
    assert calls("a") == []
    assert calls.shown == {f"11 {CODE}": 1}
    assert [line["event"] for line in calls("b", outcome=CallerFault("b", "no"))] == [
        "aliexpress.app_accepted"
    ]
    assert calls.shown == {}
    assert calls("a") == []


def test_one_seller_who_is_refused_beside_others_is_no_new_alarm_each_time(calls: Calls) -> None:
    assert len(calls(seller="1", outcome=refusal())) == 1
    for _ in range(20):
        assert calls(seller="2") == []
        assert calls(seller="1", outcome=refusal()) == []


def test_after_a_time_without_it_the_operator_is_told_again(calls: Calls) -> None:
    calls(outcome=refusal())
    calls.clock.now = FORGOTTEN_AFTER.total_seconds() + 1
    calls("b")
    assert calls.shown == {}
    assert [line["log_level"] for line in calls(outcome=refusal())] == ["error"]


async def test_every_way_to_call_is_watched(
    answering: Callable[..., Any], token: AccessToken
) -> None:
    answer = {"error_response": {"code": 11, "msg": "no", "sub_code": CODE}}
    for call, gateway in (
        (lambda client: shop.load_merchant_profile(client, token), new_gateway()),
        (lambda client: oauth.create_token(client, "code"), new_gateway()),
        (lambda client: oauth.create_token(client, "code"), old_gateway()),
    ):
        with capture_logs() as logged, pytest.raises(AppRefused):
            await call(answering(answer, gateway=gateway))
        assert [line["event"] for line in logged] == ["aliexpress.app_refused"]
