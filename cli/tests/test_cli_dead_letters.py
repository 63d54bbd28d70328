"""What `channel dead-letters` makes of several services' answers, answered in process."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
import typer
from pydantic import SecretStr

from channel_cli.across_services import find_letter, visible
from channel_cli.client import Channel
from channel_cli.editing import compact, open_in_editor, spread
from channel_cli.session import Problem, Session, Unreachable
from channel_cli.settings import AUTH, CATALOG, ORDERS, Access
from channel_cli.settling import SettleRequest, settle

Answering = Callable[[httpx2.Request], httpx2.Response]
LETTER = {
    "group": "g",
    "place": "t/0/1",
    "reason": "not-json",
    "detail": "",
    "remedy": "",
    "state": "open",
    "created_at": "2026-11-24T00:00:00Z",
}


def channel_on(answer: Answering) -> Channel:
    """A channel of three services; `answer` is given what none but they are asked."""

    def answering(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/v1/token":
            return httpx2.Response(200, json={"access_token": "t"})
        return answer(request)

    urls = {name: f"http://{name}" for name in (AUTH, CATALOG, ORDERS)}
    http = httpx2.AsyncClient(transport=httpx2.MockTransport(answering))
    return Channel(Session(Access(urls, "channel-cli", SecretStr("s")), http))


def kept_by(*services: str) -> Answering:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.host in services:
            return httpx2.Response(200, json=LETTER | {"id": 7})
        return httpx2.Response(404, json={"title": "dead letter not found", "status": 404})

    return answer


async def test_a_number_is_looked_for_in_every_service() -> None:
    name, letter = await find_letter(channel_on(kept_by(ORDERS)), "acme", 7, None)
    assert (name, letter.id) == (ORDERS, 7)


async def test_a_number_that_two_services_have_is_asked_back(
    capsys: pytest.CaptureFixture[str],
) -> None:
    channel = channel_on(kept_by(CATALOG, ORDERS))
    with pytest.raises(typer.Exit):
        await find_letter(channel, "acme", 7, None)
    shown = " ".join(capsys.readouterr().err.split())
    assert "catalog-service and order-importer" in shown
    assert "--service catalog-service" in shown
    assert (await find_letter(channel, "acme", 7, ORDERS))[0] == ORDERS


def parts(*answers: httpx2.Response | None) -> tuple[Answering, list[dict[str, object]]]:
    """The catalogue's answers to one request after the other (None: it is gone); the requests."""
    left, asked = list(answers), []

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.host != CATALOG:
            return httpx2.Response(200, json={"found": 0, "items": []})
        asked.append(json.loads(request.content))
        given = left.pop(0)
        if given is None:
            raise httpx2.ConnectError("refused")
        return given

    return answer, asked


def part(found: int, *items: tuple[int, str], cursor: str | None = None) -> httpx2.Response:
    outcomes = [{"id": number, "outcome": outcome} for number, outcome in items]
    return httpx2.Response(200, json={"found": found, "items": outcomes, "next_cursor": cursor})


ALL = SettleRequest("replay", "acme", None, (), {"all": True}, is_dry_run=False)


async def test_a_bulk_goes_on_with_the_cursor_until_there_is_none() -> None:
    answer, asked = parts(
        part(3), part(3, (1, "taken"), (2, "rejected"), cursor="c"), part(1, (3, "taken"))
    )
    settled = await settle(channel_on(answer), ALL)
    assert [(name, item.id, item.outcome) for name, item in settled.outcomes] == [
        (CATALOG, 1, "taken"),
        (CATALOG, 2, "rejected"),
        (CATALOG, 3, "taken"),
    ]
    assert (settled.found, settled.is_well, settled.failure) == (3, False, None)
    assert [request.get("dry_run") for request in asked] == [True, False, False]
    assert [request.get("cursor") for request in asked] == [None, None, "c"]


async def test_what_was_done_is_shown_when_a_service_goes_midway() -> None:
    answer, _ = parts(part(3), part(3, (1, "taken"), cursor="c"), None)
    settled = await settle(channel_on(answer), ALL)
    assert isinstance(settled.failure, Unreachable)
    assert [item.id for _, item in settled.outcomes] == [1]
    assert not settled.is_well
    assert "catalog-service" in settled.document()["stopped"]


async def test_where_nothing_was_done_the_failure_is_the_answer() -> None:
    away = httpx2.Response(503, json={"title": "not now", "status": 503})
    answer, _ = parts(part(3), away)
    with pytest.raises(Problem, match="not now"):
        await settle(channel_on(answer), ALL)


async def test_numbers_that_were_not_tried_are_sent_again() -> None:
    found = part(2, (1, "open"), (2, "open"))
    answer, asked = parts(found, part(2, (1, "taken"), (2, "not-tried")), part(1, (2, "taken")))

    def only_catalogue(request: httpx2.Request) -> httpx2.Response:
        if request.url.host == CATALOG:
            return answer(request)
        return part(2, (1, "not-found"), (2, "not-found"))

    request = SettleRequest("replay", "acme", None, [1, 2], {}, is_dry_run=False)
    settled = await settle(channel_on(only_catalogue), request)
    assert [(item.id, item.outcome) for _, item in settled.outcomes] == [(1, "taken"), (2, "taken")]
    assert [request["ids"] for request in asked] == [[1, 2], [1, 2], [2]]


def test_what_producers_send_cannot_steer_the_terminal() -> None:
    assert visible("a\x1b[2Jb\r\u202ec\n\tü") == "a\\u001b[2Jb\\u000d\\u202ec\n\tü"
    assert visible(None) is None


@pytest.mark.parametrize("text", ['{"a":1.10,"b":[1e400,"ü"]}', "{not json", ""])
def test_spreading_for_the_editor_changes_nothing_of_the_data(text: str) -> None:
    assert compact(spread(text)) == text


@pytest.mark.parametrize(
    ("command", "says"),
    [
        pytest.param("", "VISUAL nor EDITOR", id="none"),
        pytest.param("no-such-editor --wait", "cannot be run", id="not-there"),
        pytest.param("false", "ended with 1", id="fails"),
    ],
)
def test_without_a_working_editor_nothing_is_sent_and_nothing_left_behind(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    command: str,
    says: str,
) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", command)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(typer.Exit):
        open_in_editor("{}", name="letter", instead="send a file")
    shown = " ".join(capsys.readouterr().err.split())
    assert says in shown
    assert "send a file" in shown
    assert not list(tmp_path.iterdir())
