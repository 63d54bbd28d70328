"""`channel adopt`: what is listed, what is asked for, and how the command ends."""

import json
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from channel_cli import output
from channel_cli.__main__ import app
from channel_cli.commands_of import in_commands
from channel_cli.session import Session
from channel_cli.settings import AUTH, PUBLISHER, Access


def candidate(family: str, product: str, **changes: Any) -> dict[str, Any]:
    return {
        "family_id": family,
        "marketplace_product_id": product,
        "sku_codes": [family],
        "skus_in_shop": 1,
        "title": "Clock",
        "has_same_title": True,
        "same_barcodes": [],
        "is_ambiguous": False,
    } | changes


CANDIDATES = [
    candidate("a", "1"),
    candidate("b", "2", is_ambiguous=True, same_barcodes=["b"]),
    candidate("b", "3", is_ambiguous=True),
]


class Publisher:
    """feed-publisher as far as adoption goes."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.pages: list[dict[str, Any]] = []

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/v1/token":
            return httpx2.Response(200, json={"access_token": "t"})
        path = request.url.path.removeprefix("/v1/merchants/lumo/feeds/sample/")
        if request.method == "GET":
            return httpx2.Response(200, json={"items": CANDIDATES, "next_cursor": None})
        body = json.loads(request.content or b"null")
        self.asked.append((path, body or dict(request.url.params)))
        if self.pages:
            return httpx2.Response(200, json=self.pages.pop(0))
        items = [item | {"outcome": "adopted"} for item in (body or {}).get("items", [])]
        return httpx2.Response(200, json={"items": items, "next_cursor": None, "stopped": None})


@pytest.fixture
def publisher(monkeypatch: pytest.MonkeyPatch) -> Publisher:
    service = Publisher()

    class Opened:
        async def __aenter__(self) -> Session:
            urls = {name: f"http://{name}" for name in (AUTH, PUBLISHER)}
            http = httpx2.AsyncClient(transport=httpx2.MockTransport(service.answer))
            return Session(Access(urls, "channel-cli", SecretStr("s")), http)

        async def __aexit__(self, *_: object) -> None:
            return None

    monkeypatch.setattr(output, "open_session", lambda _access: Opened())
    monkeypatch.setattr(output, "find_access", lambda: None)
    return service


def run(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["adopt", *words], terminal_width=200)
    assert done.exit_code == code, done.output
    return done.output


@pytest.mark.usefixtures("publisher")
def test_candidates_are_listed_with_what_speaks_for_them() -> None:
    assert len(json.loads(run("list", "--json"))) == 3
    shown = run("list")
    assert "same title" in shown
    assert "ambiguous" in shown


def test_chosen_ones_are_adopted_by_the_product_they_have(publisher: Publisher) -> None:
    run("accept", "a")
    run("accept", "b", "--aliexpress-product", "3")
    assert publisher.asked == [
        ("adoptions", {"items": [{"family_id": "a", "marketplace_product_id": "1"}]}),
        ("adoptions", {"items": [{"family_id": "b", "marketplace_product_id": "3"}]}),
    ]


def test_all_are_asked_for_page_by_page_and_what_was_not_adopted_is_code_3(
    publisher: Publisher,
) -> None:
    done = {"family_id": "a", "marketplace_product_id": "1", "outcome": "adopted"}
    left = {"family_id": "b", "marketplace_product_id": "2", "outcome": "ambiguous"}
    publisher.pages = [
        {"items": [done], "next_cursor": "c1", "stopped": None},
        {"items": [left], "next_cursor": None, "stopped": None},
    ]
    document = json.loads(run("accept", "--all", "--json", code=3))
    assert [item["outcome"] for item in document["items"]] == ["adopted", "ambiguous"]
    assert publisher.asked == [("adopt-all", {}), ("adopt-all", {"cursor": "c1"})]


def test_where_aliexpress_does_not_answer_the_command_fails_and_says_so(
    publisher: Publisher,
) -> None:
    publisher.pages = [{"items": [], "next_cursor": None, "stopped": "AliExpress is down"}]
    assert "AliExpress is down" in run("accept", "--all", code=1)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["accept"], "name products"),
        (["accept", "a", "--all"], "name products"),
        (["accept", "none"], "none has no such candidate"),
        (["accept", "b"], "several candidates: 2, 3"),
        (["accept", "a", "--aliexpress-product", "9"], "no such candidate"),
        (["accept", "a", "b", "--aliexpress-product", "1"], "one product"),
    ],
)
def test_what_is_not_clear_is_not_asked_for(
    publisher: Publisher, words: list[str], expected: str
) -> None:
    assert expected in run(*words, code=1)
    assert publisher.asked == []


def test_the_remedy_of_a_product_that_is_online_already_names_the_command() -> None:
    remedy = "Take it offline on AliExpress, or adopt it: GET .../adoptions lists what can be."
    assert "`channel adopt list` lists" in in_commands(remedy)
