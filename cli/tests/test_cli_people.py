"""`channel people` and `channel audit`: links are shown, people found by address, audits merged."""

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from typer.testing import CliRunner, Result

from channel_cli import output
from channel_cli.__main__ import app
from channel_cli.session import Session
from channel_cli.settings import SERVICES, Access

Answers = Callable[[httpx2.Request], Any]
ANA = {
    "person_id": "1",
    "email": "ana@shop.example",
    "role": "viewer",
    "display_name": None,
    "accepted_at": None,
}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answers, list[str]], Result]:
    def invoke(answers: Answers, arguments: list[str]) -> Result:
        def answer(request: httpx2.Request) -> httpx2.Response:
            if request.url.path == "/v1/token":
                return httpx2.Response(200, json={"access_token": "t"})
            return httpx2.Response(200, json=answers(request))

        class Opened:
            async def __aenter__(self) -> Session:
                http = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
                urls = {name: f"http://{name}" for name in SERVICES}
                return Session(Access(urls, "channel-cli", SecretStr("s")), http)

            async def __aexit__(self, *_: object) -> None:
                return None

        monkeypatch.setattr(output, "open_session", lambda _access: Opened())
        monkeypatch.setattr(output, "find_access", lambda: None)
        return CliRunner().invoke(app, arguments, terminal_width=300)

    return invoke


def page(*items: Any) -> dict[str, Any]:
    return {"items": list(items), "next_cursor": None}


@pytest.mark.parametrize(
    ("more", "path"), [([], "/v1/merchants/lumo/members"), (["--operator"], "/v1/operators")]
)
def test_an_invitation_shows_its_link(
    run: Callable[[Answers, list[str]], Result], more: list[str], path: str
) -> None:
    asked = []

    def answers(request: httpx2.Request) -> Any:
        asked.append((request.method, request.url.path))
        return ANA | {"expires_at": "2026-12-04T08:00:00Z", "link": "http://auth/i?link=abc"}

    done = run(answers, ["people", "invite", "ana@shop.example", *more])
    assert done.exit_code == 0, done.output
    assert "http://auth/i?link=abc" in done.output
    assert asked == [("POST", path)]


def test_a_member_is_found_by_address(run: Callable[[Answers, list[str]], Result]) -> None:
    asked = []

    def answers(request: httpx2.Request) -> Any:
        asked.append((request.method, request.url.path))
        return page(ANA)

    done = run(answers, ["people", "role", "ANA@shop.example", "agent"])
    assert done.exit_code == 0, done.output
    assert asked[-1] == ("PUT", "/v1/merchants/lumo/members/1")
    missing = run(answers, ["people", "remove", "bob@shop.example"])
    assert missing.exit_code == 1
    assert "no member of lumo" in missing.output


def test_the_audits_of_all_services_are_one_list_by_time(
    run: Callable[[Answers, list[str]], Result],
) -> None:
    hours = {"auth-service": (9, 3), "catalog-service": (8, 7), "order-importer": (5,)}

    def answers(request: httpx2.Request) -> Any:
        assert request.url.path == "/v1/merchants/lumo/audit"
        assert request.url.params["action"] == "feed."
        return page(
            *(
                {
                    "id": hour,
                    "at": f"2026-11-27T0{hour}:00:00Z",
                    "actor": "person:1",
                    "action": "feed.paused",
                    "subject": f"{hour}",
                    "details": {},
                }
                for hour in hours.get(request.url.host, ())
            )
        )

    done = run(answers, ["audit", "--action", "feed.", "--limit", "4", "--json"])
    assert done.exit_code == 0, done.output
    shown = [(entry["service"], entry["subject"]) for entry in json.loads(done.output)]
    assert shown == [
        ("auth-service", "9"),
        ("catalog-service", "8"),
        ("catalog-service", "7"),
        ("order-importer", "5"),
    ]
