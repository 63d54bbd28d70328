"""The pages a seller clicks through, and what its tokens are worth."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

REDIRECT = "http://127.0.0.1:8001/v1/oauth/callback"
ASKED = {
    "response_type": "code",
    "force_auth": "true",
    "client_id": "500100",
    "redirect_uri": REDIRECT,
    "state": "s t+a/te",
}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PROFILE = "aliexpress.solution.merchant.profile.get"


def decide(sandbox: Any, **chosen: str) -> Any:
    """Send the form of the page as a browser would, with what a person chose."""
    page = sandbox.request("GET", f"/oauth/authorize?{urlencode(ASKED)}").body.decode()
    hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page))
    assert hidden == ASKED
    return sandbox.request("POST", "/oauth/authorize", urlencode(hidden | chosen), FORM)


def sent_back(reply: Any) -> dict[str, list[str]]:
    assert reply.status == 302
    assert reply.headers["location"].startswith(REDIRECT + "?")
    return parse_qs(urlsplit(reply.headers["location"]).query)


def test_the_page_offers_every_seller(sandbox: Any) -> None:
    page = sandbox.request("GET", f"/oauth/authorize?{urlencode(ASKED)}")
    assert page.status == 200
    for seller in ("2200100001", "2200100002", "2200100003"):
        assert f'value="{seller}"' in page.body.decode()


def test_agreeing_gives_a_code_that_becomes_the_chosen_sellers_token(sandbox: Any) -> None:
    back = sent_back(decide(sandbox, seller_id="2200100003", decision="agree"))
    assert back["state"] == [ASKED["state"]]
    token = sandbox.system("/auth/token/create", {"code": back["code"][0]})
    assert token["seller_id"] == "2200100003"
    assert token["expires_in"] == 30 * 86_400
    assert token["refresh_expires_in"] == 0


def test_refusing_gives_no_code(sandbox: Any) -> None:
    back = sent_back(decide(sandbox, seller_id="2200100001", decision="refuse"))
    assert back["error"] == ["access_denied"]
    assert "code" not in back


@pytest.mark.parametrize(
    "change",
    [
        {"redirect_uri": REDIRECT + "/"},
        {"redirect_uri": "http://evil.example/"},
        {"client_id": "500101"},
        {"response_type": "token"},
    ],
    ids=["longer", "other", "app", "type"],
)
def test_a_wrong_authorisation_is_never_sent_anywhere(sandbox: Any, change: dict[str, str]) -> None:
    for method in ("GET", "POST"):
        asked = urlencode(ASKED | change | {"seller_id": "2200100001", "decision": "agree"})
        reply = sandbox.request(method, f"/oauth/authorize?{asked}")
        assert reply.status == 400
        assert "location" not in reply.headers


def test_a_code_dies_after_half_an_hour(sandbox: Any) -> None:
    asked = {"seller_id": "2200100001", "redirect_uri": REDIRECT}
    code = sandbox.control("POST", "codes", asked)["code"]
    sandbox.control("POST", "clock", {"advance_seconds": 1801})
    assert sandbox.system("/auth/token/create", {"code": code})["code"] == "InvalidCode"


def test_a_token_lives_thirty_days_and_a_new_one_resumes(sandbox: Any) -> None:
    sandbox.control("POST", "clock", {"advance_seconds": 30 * 86_400 - 60})
    assert "shop_name" in sandbox.call(PROFILE)
    sandbox.control("POST", "clock", {"advance_seconds": 61})
    assert sandbox.call(PROFILE)["error_response"]["code"] == "IllegalAccessToken"
    sandbox.token = ""
    assert "shop_name" in sandbox.connect().call(PROFILE)


def test_expired_by_hand(sandbox: Any) -> None:
    assert sandbox.control("POST", "tokens/expire", {"seller_id": "2200100001"})["expired"] == 1
    assert sandbox.call(PROFILE)["error_response"]["code"] == "IllegalAccessToken"


def test_the_refresh_token_is_returned_and_useless(sandbox: Any) -> None:
    asked = {"seller_id": "2200100001", "redirect_uri": REDIRECT}
    code = sandbox.control("POST", "codes", asked)["code"]
    token = sandbox.system("/auth/token/create", {"code": code})
    assert token["refresh_token"]
    answer = sandbox.system("/auth/token/refresh", {"refresh_token": token["refresh_token"]})
    assert answer["code"] == "IllegalRefreshToken"


REFRESH = "/auth/token/refresh"


def granted(client: Any) -> dict[str, Any]:
    asked = {"seller_id": "2200100001", "redirect_uri": REDIRECT}
    code = client.control("POST", "codes", asked)["code"]
    token: dict[str, Any] = client.system("/auth/token/create", {"code": code})
    return token


def test_a_refresh_token_is_good_once_and_a_new_pair_comes(start_sandbox: Any) -> None:
    with start_sandbox(refresh_tokens="true") as client:
        first = granted(client)
        assert first["refresh_expires_in"] == 60 * 86_400
        second = client.system(REFRESH, {"refresh_token": first["refresh_token"]})
        assert second["seller_id"] == "2200100001"
        assert second["expires_in"] == 30 * 86_400
        for name in ("access_token", "refresh_token"):
            assert second[name] != first[name]
        again = client.system(REFRESH, {"refresh_token": first["refresh_token"]})
        assert again["code"] == "IllegalRefreshToken"
        third = client.system(REFRESH, {"refresh_token": second["refresh_token"]})
        assert third["refresh_token"]


def test_a_refresh_token_is_refused_after_its_end_or_when_it_was_taken_back(
    start_sandbox: Any,
) -> None:
    with start_sandbox(refresh_seconds="3600") as client:
        late = granted(client)
        client.control("POST", "clock", {"advance_seconds": 3601})
        answer = client.system(REFRESH, {"refresh_token": late["refresh_token"]})
        assert answer["code"] == "IllegalRefreshToken"
        taken_back = granted(client)
        client.control("POST", "tokens/expire", {"seller_id": "2200100001"})
        answer = client.system(REFRESH, {"refresh_token": taken_back["refresh_token"]})
        assert answer["code"] == "IllegalRefreshToken"


def test_refresh_and_revocation_by_switch(start_sandbox: Any) -> None:
    with start_sandbox(refresh_seconds="86400", reauthorisation_revokes="true") as client:
        asked = {"seller_id": "2200100001", "redirect_uri": REDIRECT}
        code = client.control("POST", "codes", asked)["code"]
        first = client.system("/auth/token/create", {"code": code})
        fresh = {"refresh_token": first["refresh_token"]}
        second = client.system("/auth/token/security/refresh", fresh)
        client.token = second["access_token"]
        assert "shop_name" in client.call(PROFILE)
        client.token = first["access_token"]
        assert client.call(PROFILE)["error_response"]["code"] == "IllegalAccessToken"


def test_the_old_platform_exchanges_without_a_signature(sandbox: Any) -> None:
    asked = {"seller_id": "2200100002", "redirect_uri": REDIRECT}
    code = sandbox.control("POST", "codes", asked)["code"]
    form = {
        "client_id": "500100",
        "client_secret": "sandbox-app-secret-not-for-production",
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT,
        "sp": "ae",
    }
    wrong = sandbox.request("POST", "/token", urlencode(form | {"client_secret": "x"}), FORM)
    assert wrong.status == 400
    token = sandbox.request("POST", "/token", urlencode(form), FORM).json()
    assert token["user_id"] == "2200100002"
    assert {"w1_valid", "w2_valid", "r1_valid", "r2_valid", "expire_time"} <= set(token)


def test_a_question_for_the_clock_waits_for_its_next_move(sandbox: Any) -> None:
    known = sandbox.control("GET", "clock")["move"]
    with ThreadPoolExecutor(1) as asking:
        answer = asking.submit(sandbox.control, "GET", f"clock?after_move={known}")
        sandbox.control("POST", "clock", {"advance_seconds": 60})
        assert answer.result()["move"] == known + 1
    asked_at = time.monotonic()
    unmoved = sandbox.control("GET", f"clock?after_move={known + 1}")
    assert unmoved["move"] == known + 1
    assert time.monotonic() - asked_at > 1.0
    assert sandbox.control("GET", "clock?after_move=x")["move"] == known + 1
