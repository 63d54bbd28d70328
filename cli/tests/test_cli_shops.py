"""`channel shops list`: whether a shop's token renews itself, and when."""

from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from channel_cli import output
from channel_cli.__main__ import app
from channel_cli.session import Session
from channel_cli.settings import AUTH, Access

SHOP: dict[str, Any] = {
    "shop_id": "main",
    "connection": "connected",
    "generation": 1,
    "expires_at": "2026-12-27T12:00:00Z",
}
AT = "2026-12-11T08:30:00Z"


@pytest.mark.parametrize(
    ("refresh", "shown"),
    [
        ({}, "no"),
        ({"refreshes_itself": False, "next_refresh_at": None, "refresh_refused": None}, "no"),
        ({"refreshes_itself": True, "next_refresh_at": AT}, "2026-12-11 08:30 UTC"),
        ({"refresh_refused": "IllegalRefreshToken"}, "refused: IllegalRefreshToken"),
    ],
    ids=["older service", "off", "on", "refused"],
)
def test_the_list_says_when_a_token_renews_itself(
    monkeypatch: pytest.MonkeyPatch, refresh: dict[str, Any], shown: str
) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/v1/token":
            return httpx2.Response(200, json={"access_token": "t"})
        return httpx2.Response(200, json={"items": [SHOP | refresh], "next_cursor": None})

    class Opened:
        async def __aenter__(self) -> Session:
            http = httpx2.AsyncClient(transport=httpx2.MockTransport(answer))
            return Session(Access({AUTH: "http://auth"}, "channel-cli", SecretStr("s")), http)

        async def __aexit__(self, *_: object) -> None:
            return None

    monkeypatch.setattr(output, "open_session", lambda _access: Opened())
    monkeypatch.setattr(output, "find_access", lambda: None)

    done = CliRunner().invoke(app, ["shops", "list"], terminal_width=200)

    assert done.exit_code == 0, done.output
    rows = [line.split("│") for line in done.output.splitlines() if line.startswith("│")]
    assert " ".join(row[-2].strip() for row in rows).strip() == shown, done.output
