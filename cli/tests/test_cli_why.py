"""`channel why` and `channel plan`: what they ask, join and conclude."""

import json
from typing import Any

import httpx2
import msgspec
import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from channel_cli import output
from channel_cli.__main__ import app
from channel_cli.commands.plan import _side
from channel_cli.conclude import conclude
from channel_cli.session import Session
from channel_cli.settings import AUTH, CATALOG, PUBLISHER, Access
from channel_cli.sku_answers import PublishedSku, WantedSku

NOW = "2026-11-26T12:00:00Z"
ISSUE = {
    "rule": "M3.9", "field": "sku_info_list > price", "message": "not a price",
    "remedy": "Correct it.", "value": "x", "sku": "A-1", "severity": "error",
    "sources": {"price": "x"},
}  # fmt: skip
CAUSE = {"code": "M3.9", "message": "not a price", "explanation": "E.", "remedy": "Correct it."}
CALL = {
    "operation": "create", "state": "done", "called_at": NOW, "job_id": "77", "ended_at": NOW,
}  # fmt: skip
OFFER = {"price": "10.00", "discount_price": None, "inventory": 5}
ITEM = {
    "run_id": "r1", "kind": "product", "action": "create", "status": "accepted",
    "decided_at": NOW, "cause": None, "call": CALL,
}  # fmt: skip


def wanted(**changes: Any) -> dict[str, Any]:
    return {
        "sku_code": "A-1",
        "family_id": "a",
        "configuration_version": 2,
        "evaluated_with": 2,
        "revision": 7,
        "is_pending": False,
        "state": "valid",
        "product_id": "a-1",
        "source": {"product_id": "a-1", "version": 3, "updated_at": NOW, "is_deleted": False},
        "matches": [
            {
                "field": "sku_info_list > price", "product_id": "a-1", "value": "10",
                "origin": "the field 'price'", "sources": {"price": "10"}, "failure": None,
            }
        ],
        "issues": [],
        "wanted": OFFER | {"currency": "USD"},
        "excluded_by": [],
    } | changes  # fmt: skip


def step(kind: str = "product", verdict: str = "unchanged", *actions: str, **more: Any) -> Any:
    planned = [{"action": action, "before": None, "after": OFFER} for action in actions]
    return {"kind": kind, "verdict": verdict, "actions": planned, "causes": []} | more


def published(**changes: Any) -> dict[str, Any]:
    return {
        "sku_code": "A-1",
        "feed_id": "sample",
        "family_id": "a",
        "is_first_run_confirmed": True,
        "waits_for_shop": None,
        "holder": {"feed_id": "sample", "family_id": "a"},
        "desired": {"revision": 7},
        "accepted": {
            "status": "live", "marketplace_product_id": "1005", "configuration_version": 2,
            "is_content_desired": True, "offer": OFFER,
        },
        "next_steps": [step(), step("offer")],
        "open_item": None,
        "last_outcome": ITEM,
        "shown": {
            "is_live": True, "as_of": NOW, "age_seconds": 0, "status": "onSelling",
            "title": "Clock", "offer": OFFER, "differences": [],
        },
        "live_problem": None,
    } | changes  # fmt: skip


def concluded(wanted_part: dict[str, Any] | None, published_part: dict[str, Any] | None) -> str:
    return conclude(
        None if wanted_part is None else msgspec.convert(wanted_part, WantedSku),
        None if published_part is None else msgspec.convert(published_part, PublishedSku),
    )


CANDIDATE = {
    "family_id": "a", "marketplace_product_id": "77", "sku_codes": ["A-1"], "skus_in_shop": 1,
    "has_same_title": True, "same_barcodes": [], "is_ambiguous": False,
}  # fmt: skip
GONE = {"status": "none", "offer": None}
REJECTED = ITEM | {"status": "rejected", "cause": CAUSE}


@pytest.mark.parametrize(
    ("wanted_part", "published_part", "said"),
    [
        (wanted(), published(), "as it is wanted"),
        (wanted(is_pending=True, waits_for="image:x"), published(), "waits for image:x"),
        (
            wanted(is_pending=True, waits_for="photo:main:https://p/1.jpg"),
            published(),
            "waits for the upload of https://p/1.jpg into the photo bank of main",
        ),
        (wanted(state="excluded", excluded_by=["exclude.any.1"]), None, "by exclude.any.1"),
        (wanted(state="excluded"), published(), "takes it off AliExpress"),
        (wanted(state="deleted"), published(accepted=GONE), "deleted from the catalogue."),
        (wanted(), None, "has not heard of it"),
        (wanted(revision=8), published(), "its newest state"),
        (wanted(), published(holder={"feed_id": "other", "family_id": "b"}), "feed other (M1.7)"),
        (wanted(), published(open_item=ITEM | {"status": "in_job"}), "under way (in_job)"),
        (wanted(), published(open_item=ITEM | {"status": "withheld"}), "channel run confirm r1"),
        (
            wanted(),
            published(open_item=ITEM | {"status": "pending"}, is_first_run_confirmed=False),
            "channel run confirm r1",
        ),
        (wanted(), published(next_steps=[step("offer", "planned", "price")]), "offer-feed"),
        (
            wanted(),
            published(next_steps=[step("product", "planned", "create")], last_outcome=REJECTED),
            "Last time it was refused: E. Correct it.",
        ),
        (
            wanted(),
            published(
                next_steps=[step("product", "planned", "create", is_paused=True, pause_reason="no")]
            ),
            "paused (no)",
        ),
        (
            wanted(),
            published(
                next_steps=[step("product", "planned", "create")], waits_for_shop="it is expired"
            ),
            "once it may: it is expired",
        ),
        (wanted(), published(next_steps=[step(verdict="waits", causes=[CAUSE])]), "not a price"),
        (wanted(issues=[ISSUE]), published(), "M3.9 sku_info_list > price"),
        (wanted(), published(shown=None), "not on AliExpress"),
        (wanted(), published(shown=published()["shown"] | {"status": "offline"}), "offline"),
        (wanted(), published(shown=published()["shown"] | {"offer": None}), "without this SKU"),
        (
            wanted(),
            published(shown=published()["shown"] | {"offer": OFFER | {"inventory": 4}}),
            "another inventory",
        ),
        (wanted(), published(candidates=[CANDIDATE]), "product 77, which"),
        (None, published(), "as it is wanted"),
    ],
)  # fmt: skip
def test_the_first_link_that_does_not_hold_is_the_conclusion(
    wanted_part: dict[str, Any] | None, published_part: dict[str, Any] | None, said: str
) -> None:
    assert said in concluded(wanted_part, published_part)


# -- the commands ------------------------------------------------------------------------------


RUN = {"run_id": "r1", "kind": "product", "state": "planned", "counts": {"items": 2},
       "progress": {"total": 2, "decided": 0, "under_way": 0}}  # fmt: skip
EMPTY = RUN | {"run_id": "r2", "progress": {"total": 0, "decided": 0, "under_way": 0}}
TITLE = {"locale": "en_US", "text": "Clock"}
LINES = [
    {
        "action": "create", "planned_action": "create", "family_id": "a", "status": "pending",
        "after": {"content": {"titles": [TITLE]}, "skus": {"A-1": OFFER}},
    },
    {
        "action": "withheld", "planned_action": "stock", "family_id": "b", "sku": "B-1",
        "status": "withheld", "before": {"inventory": 5}, "after": {"inventory": 0},
        "code": "removal-guard", "message": "a large share",
    },
]  # fmt: skip
REPORT = {"run_id": "r1", "kind": "product", "state": "planned", "counts": {}, "causes": [],
          "missing": 1, "unchanged": 9, "samples": []}  # fmt: skip
NOT_FOUND = {"title": "SKU not found", "status": 404, "remedy": "The nearest known ones: A-1."}


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """By host and path what is answered; anything else is not found."""
    routes: dict[str, Any] = {}

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/v1/token":
            return httpx2.Response(200, json={"access_token": "t"})
        found = routes.get(f"{request.url.host}{request.url.path}")
        if found is None:
            return httpx2.Response(404, json=NOT_FOUND)
        routes.setdefault("queries", []).append(dict(request.url.params))
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
    return routes


def run(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, [*words], terminal_width=300)
    assert done.exit_code == code, done.output
    return done.output


SKU = "/v1/merchants/lumo/feeds/sample/skus/A-1"


def test_why_joins_what_both_services_know(answers: dict[str, Any]) -> None:
    answers[CATALOG + SKU] = wanted(issues=[ISSUE])
    answers[PUBLISHER + SKU] = published()
    document = json.loads(run("why", "A-1", "--json"))
    assert document["wanted"]["source"]["version"] == 3
    assert document["published"]["last_outcome"]["call"]["job_id"] == "77"
    assert "M3.9" in document["conclusion"]
    assert answers["queries"] == [{}, {"family_id": "a", "live": "true"}]
    shown = run("why", "A-1", "--no-live")
    for part in ("the field 'price'", "price = 10", "job 77", "read just now", "version 3"):
        assert part in shown.replace("\n", " "), shown
    assert answers["queries"][-1]["live"] == "false"


def test_why_shows_what_one_service_knows_and_names_the_nearest_where_none_does(
    answers: dict[str, Any],
) -> None:
    answers[PUBLISHER + SKU] = published()
    document = json.loads(run("why", "A-1", "--json"))
    assert (document["wanted"], document["published"]["family_id"]) == (None, "a")
    assert "family_id" not in answers["queries"][-1]
    assert "catalog-service does not know it" in run("why", "A-1")
    del answers[PUBLISHER + SKU]
    assert "The nearest known ones: A-1." in run("why", "A-1", code=1)


def test_plan_shows_a_runs_lines_and_what_needs_nothing(answers: dict[str, Any]) -> None:
    of_run = f"{PUBLISHER}/v1/merchants/lumo/runs/r1"
    answers[of_run] = RUN
    answers[f"{of_run}/report"] = REPORT
    answers[f"{of_run}/plan"] = {"items": LINES, "next_cursor": None}
    answers[f"{PUBLISHER}/v1/merchants/lumo/feeds/sample/runs"] = {"items": [EMPTY, RUN]}
    document = json.loads(run("plan", "--json"))
    assert document["counts"] == {"create": 1, "withheld": 1}
    assert (document["unchanged"], document["missing"]) == (9, 1)
    shown = run("plan", "r1")
    for part in ("Clock", "A-1:", "stock,", "removal", "9 products unchanged, 1 missing"):
        assert part in shown.replace("\n", " "), shown
    assert json.loads(run("plan", "r1", "--action", "stock", "--json"))["counts"] == {"withheld": 1}


def test_plan_without_a_run_says_how_to_make_one(answers: dict[str, Any]) -> None:
    answers[f"{PUBLISHER}/v1/merchants/lumo/feeds/sample/runs"] = {"items": []}
    assert "channel run product-feed --dry-run" in run("plan", code=1)


def test_a_plan_shows_prices_of_countries_in_words() -> None:
    prices = [
        {"country": "ES", "price": "13.40", "discount_price": "12.00"},
        {"country": "FR", "price": "14.40", "discount_price": None},
    ]
    shown = _side({"price": "13.30", "country_prices": prices})
    assert shown == "price 13.30, country_prices ES 13.40, sale 12.00; FR 14.40"
