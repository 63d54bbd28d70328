"""`channel merchants register`: nobody's merchant is overwritten unasked."""

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from channel_cli import output
from channel_cli.__main__ import app
from channel_cli.session import Session
from channel_cli.settings import SERVICES, Access

Run = Callable[..., tuple[int, str, dict[str, dict[str, Any]]]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command on an auth-service that has these merchants; what it has after, too."""

    def invoke(there: dict[str, dict[str, Any]], *arguments: str) -> tuple[int, str, Any]:
        def answer(request: httpx2.Request) -> httpx2.Response:
            if request.url.path == "/v1/token":
                return httpx2.Response(200, json={"access_token": "t"})
            merchant = request.url.path.rpartition("/")[2]
            if request.method == "PUT":
                if request.headers.get("if-none-match") == "*" and merchant in there:
                    return httpx2.Response(412, json={"title": "it is there", "status": 412})
                there[merchant] = json.loads(request.content)
            return httpx2.Response(200, json=there[merchant] | {"merchant_id": merchant})

        class Opened:
            async def __aenter__(self) -> Session:
                http = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
                urls = {name: f"http://{name}" for name in SERVICES}
                return Session(Access(urls, "channel-cli", SecretStr("s")), http)

            async def __aexit__(self, *_: object) -> None:
                return None

        monkeypatch.setattr(output, "open_session", lambda _access: Opened())
        monkeypatch.setattr(output, "find_access", lambda: None)
        words = ["merchants", "register", "acme", *arguments]
        done = CliRunner().invoke(app, words, terminal_width=300)
        return done.exit_code, done.output, there

    return invoke


def merchant(name: str = "ACME", *, is_eligible: bool = True) -> dict[str, Any]:
    return {"name": name, "is_eligible": is_eligible}


def test_a_new_merchant_is_called_as_is_said_or_by_its_id(run: Run) -> None:
    assert run({})[2] == {"acme": merchant("acme")}
    code, _, there = run({}, "--name", "ACME", "--no-eligible")
    assert (code, there) == (0, {"acme": merchant(is_eligible=False)})


@pytest.mark.parametrize("arguments", [[], ["--name", "ACME"], ["--name", "ACME", "--change"]])
def test_the_same_again_changes_nothing(run: Run, arguments: list[str]) -> None:
    code, shown, there = run({"acme": merchant()}, *arguments)
    assert (code, there) == (0, {"acme": merchant()})
    assert "ACME" in shown


@pytest.mark.parametrize("arguments", [["--name", "Other"], ["--no-eligible"]])
def test_another_is_refused_unless_a_change_is_meant(run: Run, arguments: list[str]) -> None:
    code, shown, there = run({"acme": merchant()}, *arguments)
    assert (code, there) == (1, {"acme": merchant()})
    assert "there is a merchant acme already: 'ACME', eligible; nothing was changed" in shown
    assert "--change" in shown
    code, _, there = run({"acme": merchant()}, *arguments, "--change")
    wanted = merchant("Other") if "--name" in arguments else merchant(is_eligible=False)
    assert (code, there) == (0, {"acme": wanted})
