"""A body is read of those alone who may send it, and only so much of it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx2
import pytest
from fastapi import FastAPI, Form
from pydantic import BaseModel, ConfigDict

from common.errors import Outage
from common.web.door import MAX_BODY_BYTES, Door
from common.web.identity import Verifier, merchant_with
from common.web.problem import MOST_FIELDS, ProblemApp

from .test_common_identity import KEY, jwk, token

PATH, LONG, PUBLIC = "/v1/merchants/m1/things", "/v1/merchants/m1/files", "/v1/token"
MEBIBYTE = b" " * 1_048_576


@pytest.fixture
def app() -> FastAPI:
    app = ProblemApp(max_body_size=MAX_BODY_BYTES)
    app.add_middleware(Door, public=[PUBLIC])
    app.state.verifier = Verifier("http://127.0.0.1:1/nowhere")
    app.state.verifier.trust({"k1": jwk(KEY, "k1")})

    @app.post("/v1/merchants/{merchant_id}/things")
    async def things(
        body: dict[str, Any], merchant: Annotated[str, merchant_with("orders:read")]
    ) -> int:
        return len(body)

    @app.post("/v1/merchants/{merchant_id}/files", max_body_size=2 * MAX_BODY_BYTES)
    async def files(
        body: dict[str, Any], merchant: Annotated[str, merchant_with("orders:read")]
    ) -> int:
        return len(body)

    @app.post(PUBLIC)
    async def public(name: Annotated[str, Form()]) -> str:
        return name

    return app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


class Sent:
    """A body that counts what of it is taken, of no stated length."""

    def __init__(self, mebibytes: int) -> None:
        self.left = mebibytes
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self.left:
            self.left -= 1
            self.taken += 1
            yield MEBIBYTE


def authorized() -> dict[str, str]:
    return {"authorization": f"Bearer {token()}"}


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer of-nothing"}])
@pytest.mark.parametrize("path", [PATH, LONG, "/v1/nowhere"])
async def test_without_a_token_nothing_of_a_body_is_read(
    client: httpx2.AsyncClient, path: str, headers: dict[str, str]
) -> None:
    body = Sent(300)
    answer = await client.post(path, content=body, headers=headers)
    assert answer.status_code == 401
    assert answer.json()["remedy"]
    assert answer.headers["content-type"] == "application/problem+json"
    assert body.taken <= 1


@pytest.mark.parametrize(("path", "most"), [(PATH, MAX_BODY_BYTES), (LONG, 2 * MAX_BODY_BYTES)])
async def test_a_body_longer_than_its_route_takes_is_refused_early(
    client: httpx2.AsyncClient, path: str, most: int
) -> None:
    body = Sent(300)
    answer = await client.post(path, content=body, headers=authorized())
    assert answer.status_code == 413
    assert answer.json()["remedy"] == "Send less at once."
    assert body.taken <= most / len(MEBIBYTE) + 2
    stated = {"content-length": str(most + 1), "content-type": "application/json"}
    answer = await client.post(path, content=b"{}", headers=authorized() | stated)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["remedy"] == "Send less at once."


async def test_a_body_within_the_limit_is_read(client: httpx2.AsyncClient) -> None:
    for path, size in ((PATH, MAX_BODY_BYTES), (LONG, 2 * MAX_BODY_BYTES)):
        body = b'{"a": 1}'.ljust(size)
        sent = {"content-type": "application/json"}
        answer = await client.post(path, content=body, headers=authorized() | sent)
        assert (answer.status_code, answer.json()) == (200, 1)


async def test_a_public_path_takes_its_body_of_anyone(client: httpx2.AsyncClient) -> None:
    assert (await client.post(PUBLIC, data={"name": "x"})).json() == "x"


async def test_while_keys_cannot_be_fetched_it_is_an_outage(
    app: FastAPI, client: httpx2.AsyncClient
) -> None:
    app.state.verifier = Verifier("http://127.0.0.1:1/nowhere")
    answer = await client.post(PATH, json={}, headers=authorized())
    assert answer.status_code == 503
    assert answer.headers["retry-after"]


async def test_answers_say_how_they_are_to_be_taken(client: httpx2.AsyncClient) -> None:
    for answer in (
        await client.post(PATH, json={}, headers=authorized()),
        await client.post(PATH, json=[], headers=authorized()),
        await client.get("/v1/nowhere"),
    ):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "frame-ancestors" in answer.headers["content-security-policy"]


async def test_unknown_key_ids_do_not_make_a_request_each(monkeypatch: pytest.MonkeyPatch) -> None:
    fetched = 0

    async def fetch(self: Verifier) -> None:
        nonlocal fetched
        fetched += 1
        self.trust({"k1": jwk(KEY, "k1")})

    monkeypatch.setattr(Verifier, "_fetch", fetch)
    verifier = Verifier("http://127.0.0.1:1/nowhere")
    for number in range(50):
        with pytest.raises(Exception, match="unknown key"):
            await verifier.verify(token(kid=f"of-nobody-{number}"))
    assert fetched == 1
    assert (await verifier.verify(token())).merchant_id == "m1"


async def test_keys_that_could_not_be_fetched_are_asked_for_again() -> None:
    verifier = Verifier("http://127.0.0.1:1/nowhere")
    for _ in range(2):
        with pytest.raises(Outage):
            await verifier.verify(token())


class StrictBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str


async def test_a_body_of_nothing_but_mistakes_gets_a_short_answer(
    app: FastAPI, client: httpx2.AsyncClient
) -> None:
    @app.put("/v1/merchants/{merchant_id}/strict")
    async def strict(
        body: StrictBody, merchant: Annotated[str, merchant_with("orders:read")]
    ) -> str:
        return body.name

    unknown = {f"key-{number}": 1 for number in range(100_000)} | {"n" * 10_000: 1}
    answer = await client.put(
        "/v1/merchants/m1/strict", json={"name": "x"} | unknown, headers=authorized()
    )
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) == MOST_FIELDS
    assert len(answer.content) < 50_000


@pytest.mark.parametrize("opened", [b"[", b'{"a":'])
async def test_a_body_nested_without_end_is_refused_in_words(
    client: httpx2.AsyncClient, opened: bytes
) -> None:
    sent = {"content-type": "application/json"}
    answer = await client.post(PATH, content=opened * 200_000, headers=authorized() | sent)
    assert answer.status_code in {400, 422}
    assert answer.json()["remedy"]


async def test_requests_that_wait_for_keys_share_the_outcome_of_one_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each would else wait for its own answer, one after the other."""
    fetched, may_end = 0, asyncio.Event()

    async def fetch(self: Verifier) -> None:
        nonlocal fetched
        fetched += 1
        await may_end.wait()
        raise Outage("auth-service's keys cannot be fetched")

    monkeypatch.setattr(Verifier, "_fetch", fetch)
    verifier = Verifier("http://127.0.0.1:1/nowhere")
    waiting = [asyncio.create_task(verifier.verify(token())) for _ in range(20)]
    await asyncio.sleep(0)  # all of them begin
    may_end.set()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {Outage}
    assert fetched == 1
