"""`channel feeds`: what the commands ask of catalog-service, and what they show of its answers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from channel_cli import output
from channel_cli.__main__ import app
from channel_cli.session import Session
from channel_cli.settings import AUTH, CATALOG, Access

FEED = "/v1/merchants/lumo/feeds/summer"
RESULT: dict[str, Any] = {
    "states": {"valid": {"valid": 3, "excluded": 1}, "none": {"invalid": 2}},
    "kinds": {"changed": 1, "deleted": 1, "unchanged": 4},
    "fields": {"skus.price": 1},
    "skus_affected": 2,
    "excluded": 1,
    "excluded_by": {"exclude": 1},
    "unseen_pictures": 5,
    "causes": [
        {
            "rule": "M3.9", "severity": "error", "field": "price", "message": "it is no number",
            "remedy": "Send one.", "before": 0, "after": 2,
        }
    ],
}  # fmt: skip
DRAFT: dict[str, Any] = {
    "draft_id": 17,
    "feed_id": "summer",
    "state": "ready",
    "families": 6,
    "evaluated": 6,
    "expires_at": "2026-11-27T12:00:00Z",
    "warnings": [],
    "result": RESULT,
}
CHANGE = {
    "family_id": "p1",
    "kind": "changed",
    "title": "Clock",
    "skus_affected": 1,
    "more_fields": 0,
    "before_state": "valid",
    "after_state": "valid",
    "fields": [{"path": ["skus", "p1", "price"], "before": "10.00", "after": "9.00"}],
    "issues_after": [],
}
APPLIED = {"configuration_version": 4, "warnings": []}
Requests = list[httpx2.Request]
Answer = Callable[[httpx2.Request], httpx2.Response]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Requests:
    """The requests of a command, answered as a service would."""
    requests: Requests = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/v1/token":
            return httpx2.Response(200, json={"access_token": "t"})
        requests.append(request)
        match request.method, request.url.path.removeprefix(FEED):
            case "POST", "/drafts":
                return httpx2.Response(201, json=DRAFT | {"state": "evaluating", "evaluated": 0})
            case "GET", "/drafts/17":
                return httpx2.Response(200, json=DRAFT)
            case "GET", "/drafts/17/changes":
                return httpx2.Response(200, json={"items": [CHANGE], "next_cursor": None})
            case "GET", "":
                feed = {"feed_id": "summer", "lifecycle": "active", "online": 12}
                configuration = {"shop": "main", "attributes": {"price": {"field": "p"}}}
                versioned = {"configuration_version": 3, "configuration": configuration}
                return httpx2.Response(200, json=feed | versioned)
            case "GET", "/versions/3/diff":
                change = {"kind": "replace", "words": "attributes.price: field a -> field p"}
                body = {"from_version": 2, "to_version": 3, "changes": [change], "patch": [{}]}
                return httpx2.Response(200, json=body)
            case "DELETE", "":
                return httpx2.Response(200, json={})
            case "PUT" | "POST", _:
                return httpx2.Response(200, json=APPLIED)
        return httpx2.Response(404, json={"title": "not there", "status": 404})

    class Opened:
        async def __aenter__(self) -> Session:
            urls = {name: f"http://{name}" for name in (AUTH, CATALOG)}
            http = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
            return Session(Access(urls, "channel-cli", SecretStr("s")), http)

        async def __aexit__(self, *_: object) -> None:
            return None

    monkeypatch.setattr(output, "open_session", lambda _access: Opened())
    monkeypatch.setattr(output, "find_access", lambda: None)
    return requests


def run(*words: str, code: int = 0, given: str = "") -> str:
    done = CliRunner().invoke(app, ["feeds", *words], input=given, terminal_width=200)
    assert done.exit_code == code, done.output
    return done.output


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "feed.yaml"
    path.write_text("feed: summer\nshop: main\nid_field: code\n")
    return str(path)


def lines_of(requests: Requests) -> list[tuple[str, str]]:
    return [(r.method, r.url.path.removeprefix(FEED)) for r in requests]


def test_a_try_saves_nothing_and_says_how_to(asked: Requests, file: str) -> None:
    shown = run("try", file, "--changes")
    assert lines_of(asked) == [
        ("POST", "/drafts"), ("GET", "/drafts/17"), ("GET", "/drafts/17/changes")
    ]  # fmt: skip
    assert json.loads(asked[0].content) == {"feed": "summer", "shop": "main"}
    for part in ("changed", "skus.p1.price: 10.00 -> 9.00", "it is no number", "skus.price"):
        assert part in shown
    assert "channel feeds try --draft 17 --feed summer --apply" in " ".join(shown.split())


def test_a_draft_is_applied_later(asked: Requests) -> None:
    shown = run("try", "--draft", "17", "--feed", "summer", "--apply", "--note", "lower")
    assert lines_of(asked) == [("GET", "/drafts/17")] * 2 + [("POST", "/drafts/17/apply")]
    assert asked[-1].url.params["note"] == "lower"
    assert "summer has configuration 4" in shown


def test_a_try_is_one_document_for_programs(asked: Requests, file: str) -> None:
    done = CliRunner().invoke(app, ["feeds", "try", file, "--changes", "--apply", "--json"])
    answer = json.loads(done.stdout)
    assert answer["draft"]["result"]["kinds"] == RESULT["kinds"]
    assert answer["changes"][0]["family_id"] == "p1"
    assert answer["applied"]["configuration_version"] == 4


def test_a_try_is_of_a_file_or_of_a_draft(asked: Requests, file: str) -> None:
    run("try", code=1)
    run("try", file, "--draft", "1", code=1)
    assert asked == []


def test_an_apply_names_the_version_it_is_for(asked: Requests, file: str) -> None:
    run("apply", file, "--note", "why", "--if-version", "3")
    put = next(
        request for request in asked if request.method == "PUT" and "feeds" in str(request.url)
    )
    assert put.headers["if-match"] == '"3"'
    assert put.url.params["note"] == "why"


def test_a_feed_is_shown_as_a_document_that_editors_know(asked: Requests) -> None:
    shown = run("show", "summer")
    assert shown.startswith("# yaml-language-server: $schema=")
    assert "price:\n    field: p" in shown
    assert "--if-version 3" in " ".join(shown.split())


def test_an_edit_is_for_the_version_that_was_read(
    asked: Requests, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i s/field:\\ p/field:\\ q/ "$1"\n')
    editor.chmod(0o700)
    monkeypatch.setenv("VISUAL", str(editor))
    run("edit", "summer", "--note", "other price")
    put = asked[-1]
    assert put.headers["if-match"] == '"3"'
    assert json.loads(put.content)["attributes"] == {"price": {"field": "q"}}
    monkeypatch.setenv("VISUAL", "true")
    del asked[:]
    assert "Nothing was changed" in run("edit", "summer")
    assert lines_of(asked) == [("GET", "")]


def test_the_newest_version_is_compared_with_the_one_before(asked: Requests) -> None:
    assert "attributes.price: field a -> field p" in run("diff", "summer")
    assert lines_of(asked) == [("GET", ""), ("GET", "/versions/3/diff")]


def test_a_removal_says_how_many_products_go(asked: Requests) -> None:
    shown = run("delete", "summer", given="n\n", code=1)
    assert "12 of its products are online" in " ".join(shown.split())
    assert lines_of(asked) == [("GET", "")]
    run("delete", "summer", "--json", code=1)
    run("delete", "summer", given="y\n")
    assert lines_of(asked)[-1] == ("DELETE", "")
    run("delete", "summer", "--yes", "--json")
    assert lines_of(asked)[-1] == ("DELETE", "")


def test_a_rollback_names_its_version(asked: Requests) -> None:
    run("rollback", "2", "--feed", "summer", "--if-version", "3")
    run("rollback", "summer", "2")
    assert lines_of(asked) == [("POST", "/versions/2/rollback")] * 2
    assert asked[0].headers["if-match"] == '"3"'
    run("rollback", "summer", code=2)


def test_a_difference_goes_from_the_older_to_the_newer_however_they_are_named(
    asked: Requests,
) -> None:
    run("diff", "summer", "1", "3")
    run("diff", "summer", "3", "1")
    assert {each.url.path.removeprefix(FEED) for each in asked if "diff" in each.url.path} == {
        "/versions/3/diff"
    }
    assert {each.url.params["against"] for each in asked if "diff" in each.url.path} == {"1"}
