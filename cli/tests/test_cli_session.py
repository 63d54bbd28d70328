"""Requests as the services see them, answered in process."""

import json
from collections.abc import Callable

import httpx2
import pytest
from pydantic import SecretStr

from channel_cli.answers import Shop
from channel_cli.client import Channel
from channel_cli.session import Problem, Session, Unreachable
from channel_cli.settings import AUTH, PUBLISHER, Access

SECRET = "s3cret-of-the-operator"
Answering = Callable[[httpx2.Request], httpx2.Response]


def channel_on(answer: Answering, urls: dict[str, str] | None = None) -> Channel:
    access = Access(urls or {AUTH: "http://auth"}, "channel-cli", SecretStr(SECRET))
    http = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
    return Channel(Session(access, http))


def token_or(answer: Answering, issued: list[str]) -> Answering:
    def answering(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/v1/token":
            issued.append(f"token-{len(issued) + 1}")
            return httpx2.Response(200, json={"access_token": issued[-1]})
        return answer(request)

    return answering


async def test_a_token_that_ran_out_is_replaced_once() -> None:
    issued: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.headers["authorization"] == "Bearer token-2":
            return httpx2.Response(200, json={"items": []})
        return httpx2.Response(401, json={"title": "the token has expired", "status": 401})

    channel = channel_on(token_or(answer, issued))
    assert [shop async for shop in channel.shops("acme")] == []
    assert issued == ["token-1", "token-2"]


async def test_wrong_credentials_end_in_a_problem_instead_of_a_loop() -> None:
    issued: list[str] = []
    refusal = {"title": "no such client", "status": 401, "remedy": "Ask the operator."}
    channel = channel_on(token_or(lambda _: httpx2.Response(401, json=refusal), issued))
    with pytest.raises(Problem) as caught:
        await channel.shop("acme", "main")
    assert caught.value.details.remedy == "Ask the operator."
    assert len(issued) == 2


async def test_a_problem_carries_its_place_its_rule_and_its_remedy() -> None:
    details = {
        "type": "urn:aliexpress-channel:problem:not-eligible",
        "title": "acme is not known",
        "status": 403,
        "rule": "M1.1",
        "field": "merchant_id",
        "remedy": "Ask the operator.",
        "instance": "members we do not know do no harm",
    }
    channel = channel_on(token_or(lambda _: httpx2.Response(403, json=details), []))
    with pytest.raises(Problem) as caught:
        await channel.connect_shop("acme", "main")
    found = caught.value.details
    assert (found.slug, found.rule, found.field) == ("not-eligible", "M1.1", "merchant_id")


async def test_an_answer_that_is_no_problem_document_is_still_a_problem() -> None:
    channel = channel_on(token_or(lambda _: httpx2.Response(502, text="<html>"), []))
    with pytest.raises(Problem, match="HTTP 502"):
        await channel.shop("acme", "main")


async def test_all_pages_of_a_list_are_read() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        shop = {"connection": "connected", "generation": 1}
        if request.url.params.get("cursor") == "second":
            return httpx2.Response(200, json={"items": [{"shop_id": "b"} | shop]})
        page = {"items": [{"shop_id": "a"} | shop], "next_cursor": "second"}
        return httpx2.Response(200, json=page)

    found = channel_on(token_or(answer, [])).shops("acme")
    assert [item.shop_id async for item in found if isinstance(item, Shop)] == ["a", "b"]


async def test_ids_with_slashes_stay_one_part_of_the_path() -> None:
    paths: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        paths.append(request.url.raw_path.decode())
        return httpx2.Response(200, json={"families": 0})

    urls = {AUTH: "http://auth", "catalog-service": "http://catalog"}
    await channel_on(token_or(answer, []), urls).preview_family("acme", "summer", "shoe/42")
    assert paths == ["/v1/merchants/acme/feeds/summer/preview/shoe%2F42"]


async def test_a_silent_service_is_named_with_its_address() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused")

    with pytest.raises(Unreachable, match="auth-service does not answer at http://auth"):
        await channel_on(answer).shop("acme", "main")


async def test_a_service_without_an_address_is_named_with_the_setting() -> None:
    with pytest.raises(Unreachable, match="CHANNEL_PUBLISHER_URL"):
        channel_on(lambda _: httpx2.Response(200)).session.url(PUBLISHER)


async def test_no_secret_is_in_what_a_traceback_would_show() -> None:
    issued: list[str] = []
    channel = channel_on(token_or(lambda _: httpx2.Response(200, json={"items": []}), issued))
    assert [shop async for shop in channel.shops("acme")] == []
    shown = repr(channel.session) + json.dumps(repr(channel.session.access))
    assert SECRET not in shown
    assert issued[0] not in shown
