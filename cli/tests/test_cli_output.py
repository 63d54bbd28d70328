"""What a person and a program read: no Python value, commands for REST paths, exit codes."""

import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner

import channel_cli.output
from channel_cli.__main__ import app
from channel_cli.answers import Run, RunProgress
from channel_cli.client import Channel
from channel_cli.commands_of import in_commands
from channel_cli.output import cell, show, table_of
from channel_cli.session import Problem, ProblemDetails, Unreachable

PYTHON = re.compile(r"\bNone\b|\bTrue\b|\bFalse\b|[{}\[\]]|<[a-z_.]+ ?object|datetime\.")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        ("a", "a"),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02 03:04 UTC"),
        ({"a": 1, "b": None}, "a: 1\nb: "),
        (
            [{"path": "x", "products": 2}, {"path": "y", "products": 1}],
            "path: x, products: 2\npath: y, products: 1",
        ),
        ({}, ""),
        ([], ""),
        (RunProgress(total=3, decided=2, under_way=1), "total: 3\ndecided: 2\nunder_way: 1"),
    ],
)
def test_a_value_is_shown_as_people_write_it(value: Any, shown: str) -> None:
    assert cell(value) == shown


PLAIN = st.none() | st.booleans() | st.integers() | st.datetimes(timezones=st.just(UTC))


@given(
    st.recursive(
        PLAIN,
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from("abc"), inner),
    )
)
def test_no_value_is_shown_as_python_writes_it(value: Any) -> None:
    assert PYTHON.search(cell(value)) is None


@pytest.mark.parametrize(
    ("remedy", "shown"),
    [
        ("List the feeds: GET /v1/merchants/{m}/feeds.", "List the feeds: `channel feeds list`."),
        (
            "Connect the shop first: POST /v1/merchants/{m}/shops/{s}/connect of auth-service.",
            "Connect the shop first: `channel shops connect`.",
        ),
        (
            "Read the newer plan, /v1/merchants/lumo/runs/01J, and confirm that one.",
            "Read the newer plan, `channel report 01J`, and confirm that one.",
        ),
        ("`POST .../runs/7/confirm`", "`channel run confirm 7`"),
        ("Read GET /v1/merchants/a/unheard/of.", "Read GET /v1/merchants/a/unheard/of."),
        ("Correct the file.", "Correct the file."),
        (
            "Read it; then send yours with its `ETag`.",
            "Read it; then name its version with --if-version.",
        ),
    ],
)
def test_a_remedy_speaks_of_commands(remedy: str, shown: str) -> None:
    assert in_commands(remedy) == shown


ROOT = Path(__file__).parents[2]
REST = re.compile(r"(?:GET|PUT|POST|DELETE) (?:/v1|\.\.\.)/[\w{}/.-]+|/v1/merchants/[\w{}/.-]+")


def test_every_remedy_of_a_service_has_its_command() -> None:
    remedies = [
        found.group()
        for file in (ROOT / "services").glob("*/src/**/*.py")
        for found in re.finditer(r"remedy=(?:f?\"[^\"]*\"\s*)+", file.read_text())
    ]
    assert len(remedies) > 50
    left = [text for text in remedies if REST.search(in_commands(text))]
    assert left == []


def run_of(run_id: str, state: str, **more: Any) -> Run:
    counts = RunProgress(total=more.pop("total", 3), decided=0, under_way=0)
    return Run(run_id=run_id, kind="product", state=state, progress=counts, **more)


@pytest.mark.parametrize(
    ("run", "has_sent"),
    [
        (run_of("1", "completed"), True),
        (run_of("1", "completed_with_errors"), True),
        (run_of("1", "completed", total=0), False),
        (run_of("1", "planned", is_dry_run=True), False),
        (run_of("1", "completed", is_dry_run=True), False),
        (run_of("1", "completed", is_dry_run=True, confirmed_at=datetime.now(UTC)), True),
        (run_of("1", "superseded"), False),
        (run_of("1", "failed"), True),
    ],
)
def test_a_report_is_of_a_run_that_sent(run: Run, has_sent: bool) -> None:
    assert run.has_sent is has_sent


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Runs a command whose question is answered so, or fails so."""
    monkeypatch.setattr(channel_cli.output, "_printing", channel_cli.output._Printing())
    monkeypatch.setenv("CHANNEL_AUTH_URL", "http://auth")
    monkeypatch.setenv("CHANNEL_CATALOG_URL", "http://catalog")
    monkeypatch.setenv("CHANNEL_PUBLISHER_URL", "http://publisher")
    monkeypatch.setenv("CHANNEL_CLIENT_ID", "c")
    monkeypatch.setenv("CHANNEL_CLIENT_SECRET", "s")

    def run(answer: object, *arguments: str) -> Any:
        async def answering(*_: Any, **__: Any) -> Any:
            if isinstance(answer, Exception):
                raise answer
            return msgspec.to_builtins(answer)

        monkeypatch.setattr("channel_cli.session.Session._authorised", answering)
        return CliRunner().invoke(app, arguments)

    return run


PROBLEM = ProblemDetails(
    title="feed not found",
    status=404,
    type="urn:aliexpress-channel:problem:not-found",
    remedy="List the feeds: GET /v1/merchants/{m}/feeds.",
)


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (
            Problem(PROBLEM),
            {
                "title": "feed not found",
                "type": "urn:aliexpress-channel:problem:not-found",
                "status": 404,
                "remedy": "List the feeds: `channel feeds list`.",
            },
        ),
        (
            Unreachable("feed-publisher", "http://publisher", "ConnectError"),
            {
                "title": "feed-publisher does not answer at http://publisher (ConnectError)",
                "remedy": "Start the stack with `channel up`, or look at `channel status`.",
            },
        ),
    ],
)
def test_with_json_a_failure_is_json_too(
    command: Callable[..., Any], failure: Exception, error: dict[str, Any]
) -> None:
    result = command(failure, "feeds", "list", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {"error": error}
    assert result.stderr == ""


def test_without_json_a_failure_is_a_sentence_with_a_command(command: Callable[..., Any]) -> None:
    result = command(Problem(PROBLEM), "feeds", "list")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Next: List the feeds: `channel feeds list`." in " ".join(result.stderr.split())


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize(
    ("state", "code"), [("completed", 0), ("completed_with_errors", 3), ("failed", 1)]
)
def test_the_exit_code_says_how_a_run_ended(
    monkeypatch: pytest.MonkeyPatch,
    command: Callable[..., Any],
    state: str,
    code: int,
    as_json: bool,
) -> None:
    async def confirmed(*_: Any, **__: Any) -> None:
        """Nothing is asked."""

    async def ended(*_: Any, **__: Any) -> Run:
        return run_of("7", state)

    monkeypatch.setattr(Channel, "confirm_run", confirmed)
    monkeypatch.setattr(Channel, "run", ended)
    result = command(None, "run", "confirm", "7", *(["--json"] if as_json else []))
    assert result.exit_code == code
    if as_json:
        assert json.loads(result.stdout)["state"] == state


def test_a_command_that_asks_loads_nothing_of_the_stack() -> None:
    code = "import sys, channel_cli.__main__ as m; print('stack.run' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_an_id_is_shown_whole_however_narrow_the_terminal_is() -> None:
    shown = io.StringIO()
    order_id = "81000001000000003"
    columns = [f"column {number}" for number in range(9)]
    Console(file=shown, width=80).print(table_of(columns, [[order_id] * len(columns)]))
    cells = zip(
        *(line.split("│")[1:-1] for line in shown.getvalue().splitlines() if "│" in line),
        strict=True,
    )
    assert {"".join(part.strip() for part in parts) for parts in cells} == {order_id}


def test_a_link_stays_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    monkeypatch.setattr(channel_cli.output, "out", Console(file=written, width=40))
    link = "http://127.0.0.1:8001/v1/connect/" + "ticket" * 20
    show(link, as_json=False, table=lambda: link)
    assert written.getvalue() == link + "\n"
