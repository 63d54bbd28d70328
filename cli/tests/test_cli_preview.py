"""`channel preview`: a feed's products, one of them in full, and the whole as a file."""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from channel_cli import output
from channel_cli.__main__ import app
from channel_cli.session import Session
from channel_cli.settings import AUTH, CATALOG, PUBLISHER, Access

FEED = "/v1/merchants/lumo/feeds/sample"
ISSUE = {
    "rule": "M3.9", "field": "price", "message": "not a price", "remedy": "Correct it.",
    "value": None, "sku": None, "severity": "error", "refused_by": "aliexpress",
}  # fmt: skip
FAMILY = {"family_id": "a", "state": "invalid", "issues": [ISSUE]}
FORECAST = {
    "kind": "product", "actions": {"create": 3}, "refused": 0, "waiting": 1, "unchanged": 9,
    "is_partial": False,
}  # fmt: skip


@pytest.fixture
def routes(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What is answered, by service and path below the feed; a text is answered as it is."""
    answers: dict[str, Any] = {}

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/v1/token":
            return httpx2.Response(200, json={"access_token": "t"})
        place = f"{request.url.host} {request.url.path.removeprefix(FEED)}"
        found = answers.get(place)
        answers.setdefault("asked", []).append((place, dict(request.url.params)))
        if found is None:
            return httpx2.Response(404, json={"title": "not found", "status": 404})
        if isinstance(found, str):
            return httpx2.Response(200, text=found)
        return httpx2.Response(200, json=found)

    class Opened:
        async def __aenter__(self) -> Session:
            urls = {name: f"http://{name}" for name in (AUTH, CATALOG, PUBLISHER)}
            http = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
            return Session(Access(urls, "channel-cli", SecretStr("s")), http)

        async def __aexit__(self, *_: object) -> None:
            return None

    monkeypatch.setattr(output, "open_session", lambda _access: Opened())
    monkeypatch.setattr(output, "find_access", lambda: None)
    return answers


def run(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["preview", *words], terminal_width=200)
    assert done.exit_code == code, done.output
    return done.output


def test_a_product_in_full_has_what_would_be_sent_and_what_that_changes(
    routes: dict[str, Any],
) -> None:
    routes[f"{CATALOG} /preview/a"] = FAMILY | {"body": {"locale": "en_US"}}
    assert json.loads(run("a"))["publishing"] is None  # not handed over yet
    routes[f"{PUBLISHER} /bodies/a"] = {"body": {"locale": "en_US"}, "changes": []}
    document = json.loads(run("a"))
    assert document["body"] == document["publishing"]["body"]
    assert document["issues"] == [ISSUE]


def test_a_feeds_products_are_listed_with_what_the_next_run_would_do(
    routes: dict[str, Any],
) -> None:
    routes[f"{CATALOG} /preview"] = {"items": [FAMILY], "next_cursor": None}
    assert "M3.9" in run()
    assert "held back" not in run()
    routes[f"{CATALOG} /preview"]["items"] = [
        FAMILY | {"issues": [ISSUE | {"refused_by": "channel"}]}
    ]
    assert "held back" in run()
    routes[f"{PUBLISHER} /forecast"] = FORECAST
    assert "create 3, refused 0, waiting 1, unchanged 9" in run()
    assert [family["family_id"] for family in json.loads(run("--json"))] == ["a"]


def test_where_no_product_has_an_issue_of_a_rule_those_there_are_are_named(
    routes: dict[str, Any],
) -> None:
    routes[f"{CATALOG} /preview"] = {"items": [], "next_cursor": None}
    routes[f"{CATALOG} /issues"] = [ISSUE, ISSUE | {"rule": "M3.12"}, ISSUE | {"field": "stock"}]
    shown = " ".join(run("--rule", "M99.9").split())
    assert "no product has an issue of rule M99.9; there are issues of M3.12, M3.9" in shown
    assert json.loads(run("--rule", "M99.9", "--json")) == []
    assert "fits the other filters" in run("--rule", "M3.12", "--state", "excluded")
    routes[f"{CATALOG} /issues"] = []
    assert "no product has any issue" in run("--rule", "M99.9")


def test_the_whole_preview_is_saved_as_what_the_file_is_named(
    routes: dict[str, Any], tmp_path: Path
) -> None:
    routes[f"{CATALOG} /preview-download"] = "product,sku\na,A-1\n"
    file = tmp_path / "preview.csv"
    run("--download", str(file))
    assert file.read_text() == "product,sku\na,A-1\n"
    assert routes["asked"][-1] == (f"{CATALOG} /preview-download", {"format": "csv"})
    assert [path.name for path in tmp_path.iterdir()] == ["preview.csv"]


def test_what_cannot_be_saved_leaves_no_file(routes: dict[str, Any], tmp_path: Path) -> None:
    assert "not found" in run("--download", str(tmp_path / "a.jsonl"), code=1)
    assert "no known format" in run("--download", str(tmp_path / "a.ods"), code=1)
    assert list(tmp_path.iterdir()) == []


def test_a_workbook_is_asked_for_by_its_name(routes: dict[str, Any], tmp_path: Path) -> None:
    routes[f"{CATALOG} /preview-download"] = "PK"
    run("--download", str(tmp_path / "preview.XLSX"))
    assert routes["asked"][-1] == (f"{CATALOG} /preview-download", {"format": "xlsx"})


def test_quality_stands_beside_each_product_and_for_the_feed(routes: dict[str, Any]) -> None:
    routes[f"{CATALOG} /preview"] = {"items": [FAMILY | {"quality": 63}], "next_cursor": None}
    spread = [{"quality": 63, "products": 1}, {"quality": 100, "products": 2}]
    quality = {"average": 87.7, "products": 3, "unknown": 1, "distribution": spread}
    routes[f"{CATALOG} /completeness"] = {"quality": quality}
    shown = run("--quality-to", "70")
    assert "63" in shown
    assert "87.7 on average; 1 at 63, 2 at 100; of 1 it cannot be said" in " ".join(shown.split())
    asked = dict(routes["asked"])[f"{CATALOG} /preview"]
    assert asked["quality_to"] == "70"
    quality |= {"average": None, "products": 0, "distribution": []}
    assert "it can be said of no product yet" in run()
