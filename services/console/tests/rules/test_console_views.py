"""What pages show first, and what their buttons do: pure rules."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from console.answers.alerts import Trouble
from console.answers.auth import Shop
from console.answers.catalog import Completeness
from console.answers.orders import Carrier, Order
from console.answers.publisher import Report, Run
from console.pages.alerts.views import repaired_at
from console.pages.feeds.views import rail
from console.pages.orders.views import asked_of, likely_carrier, unshipped
from console.pages.runs.views import CHART_HEIGHT, chart_of, confirmation
from console.pages.today.views import due_of, newest_runs, shop_troubles

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def a_shop(**values: Any) -> Shop:
    usual = {
        "merchant_id": "acme",
        "shop_id": "main",
        "is_eligible": True,
        "connection": "connected",
        "generation": 1,
        "seller_id": None,
        "seller_name": None,
        "connected_at": None,
        "expires_at": None,
        "refreshes_itself": False,
        "next_refresh_at": None,
        "refresh_refused": None,
    }
    return msgspec.convert({**usual, **values}, Shop)


@pytest.mark.parametrize(
    ("values", "steps"),
    [
        ({}, []),
        ({"expires_at": NOW + timedelta(days=8)}, []),
        ({"expires_at": NOW + timedelta(days=7)}, ["Renew now"]),
        ({"expires_at": NOW + timedelta(days=1), "refreshes_itself": True}, []),
        ({"connection": "lapsed"}, ["Connect again"]),
        ({"connection": "disconnected"}, ["Connect again"]),
        ({"connection": "pending"}, ["Connect"]),
        ({"connection": "lapsed", "is_eligible": False}, ["See the shop"]),
    ],
)
def test_a_connection_is_a_trouble_from_the_first_announcement_on(
    values: dict[str, Any], steps: list[str]
) -> None:
    assert [each.step for each in shop_troubles([a_shop(**values)], NOW)] == steps


def a_run(**values: Any) -> Run:
    usual = {
        "run_id": "r",
        "feed_id": "f",
        "shop_id": "main",
        "kind": "product",
        "cause": "asked",
        "is_dry_run": False,
        "state": "completed",
        "waiting_reason": None,
        "trouble": None,
        "needs_confirmation": False,
        "counts": {},
        "progress": {"total": 0, "decided": 0, "under_way": 0},
        "asked_at": NOW,
        "planned_at": None,
        "confirmed_at": None,
        "started_at": None,
        "finished_at": None,
    }
    return msgspec.convert({**usual, **values}, Run)


def test_the_newest_run_of_a_kind_is_no_dry_run() -> None:
    runs = [
        a_run(run_id="1", is_dry_run=True),
        a_run(run_id="2"),
        a_run(run_id="3"),
        a_run(run_id="4", kind="offer"),
    ]
    assert {kind: run.run_id for kind, run in newest_runs(runs).items()} == {
        "product": "2",
        "offer": "4",
    }


@pytest.mark.parametrize(
    ("state", "counts", "said"),
    [
        ("withheld", {"delete": {"withheld": 19, "accepted": 3}}, "Delete 19 products"),
        (
            "withheld",
            {"delete": {"withheld": 2}, "stock": {"withheld": 3}},
            "Send the 5 withheld changes",
        ),
        ("planned", {"create": {"pending": 84}}, "Send 84 changes to AliExpress"),
        ("running", {"create": {"pending": 84}}, None),
        ("completed", {}, None),
        ("planned", {}, None),
    ],
)
def test_a_button_says_what_it_does(
    state: str, counts: dict[str, dict[str, int]], said: str | None
) -> None:
    report = Report(counts=counts, missing=0, unchanged=None, causes=[])
    found = confirmation(a_run(state=state), report)
    assert (found.name.said("en") if found else None) == said
    if found:
        assert found.is_removal == (state == "withheld" or "delete" in counts)
        assert found.name.said("fr") != said


def test_the_chart_shows_what_was_sent_the_oldest_first() -> None:
    newest_first = [
        a_run(run_id="4", counts={"items": 41, "create": 6, "price": 4, "rejected": 30, "x": 1}),
        a_run(run_id="3", counts={"create": 5}, is_dry_run=True),
        a_run(run_id="2", counts={"items": 0, "create": 0, "missing": 3}),
        a_run(run_id="1", counts={"update": 3999, "rejected": 1}),
    ]
    first, last = chart_of(newest_first)
    assert (first.run.run_id, last.run.run_id) == ("1", "4")
    assert first.left < last.left
    assert first.accepted_height <= CHART_HEIGHT
    assert first.refused_height == 2, "one in four thousand is seen"
    assert (last.accepted, last.refused) == (10, 30)
    assert chart_of([]) == []


def an_order(**values: Any) -> Order:
    money = {"amount": "1.00", "currency": "USD"}
    line = {
        "sku_code": "A",
        "title": "A",
        "quantity": 1,
        "unit_price": money,
        "total": money,
        "variant": [],
        "image_url": None,
    }
    usual: dict[str, Any] = dict.fromkeys(Order.__struct_fields__)
    usual |= {
        "order_id": "81",
        "shop_id": "main",
        "status": "waiting_shipment",
        "marketplace_status": "x",
        "placed_at": NOW,
        "modified_at": NOW,
        "lines": [{**line, "line_id": "1"}, {**line, "line_id": "2"}],
        "total": money,
        "parcels": [],
    }
    return msgspec.convert({**usual, **values}, Order)


def a_parcel(*lines: str, **values: Any) -> dict[str, Any]:
    return {
        "shipment_id": "s",
        "carrier": "c",
        "tracking_number": "n",
        "line_ids": lines,
        "state": "confirmed",
        "shipped_at": None,
        "origin": "channel",
        "gone_at": None,
        "more_follow": False,
        "former_numbers": [],
        **values,
    }


@pytest.mark.parametrize(
    ("parcels", "left"),
    [
        ([], ["1", "2"]),
        ([a_parcel("1")], ["2"]),
        ([a_parcel("1", "2")], []),
        ([a_parcel("1", state="refused")], ["1", "2"]),
        ([a_parcel("1", gone_at=NOW)], ["1", "2"]),
        ([a_parcel("1", more_follow=True), a_parcel("2")], ["1"]),
        ([a_parcel("1", more_follow=True), a_parcel("1", more_follow=True)], ["1", "2"]),
        ([a_parcel("1", more_follow=True), a_parcel("1")], ["2"]),
        ([a_parcel("1", more_follow=True), a_parcel("1", state="refused")], ["1", "2"]),
    ],
)
def test_a_line_in_a_living_parcel_is_shipped(
    parcels: list[dict[str, Any]], left: list[str]
) -> None:
    assert [line.line_id for line in unshipped(an_order(parcels=parcels))] == left


def test_the_carrier_the_buyer_chose_is_suggested() -> None:
    known = [Carrier("CAINIAO_STANDARD", "AliExpress Standard Shipping", None)]
    assert likely_carrier(an_order(shipping_choice="cainiao_standard"), known) == (
        "AliExpress Standard Shipping"
    )
    assert likely_carrier(an_order(shipping_choice="pigeon"), known) == ""
    assert likely_carrier(an_order(), known) == ""


def test_orders_are_counted_by_what_is_left_of_their_deadline() -> None:
    hours = (-1, 0, 1, 24, 25, 48, 49)
    orders = [an_order(due_at=NOW + timedelta(hours=each)) for each in hours]
    due = due_of([*orders, an_order()], NOW, is_more=False)
    assert (due.late, due.today, due.tomorrow, due.later) == (2, 2, 2, 1)


def test_a_list_by_deadline_asks_for_what_is_to_be_shipped() -> None:
    asked = asked_of("due", {"sku": "A", "number": ""}, NOW)
    assert asked["status"] == "waiting_shipment"
    assert asked["due_before"] == "2026-12-27T12:00:00Z"
    assert (asked["sku"], asked["number"]) == ("A", None)
    assert asked_of("nonsense", {}, NOW)["status"] is None


def test_the_rail_says_what_is_open_in_each_step() -> None:
    states = {"valid": 80, "content_invalid": 3, "excluded": 9, "offers_invalid": 1}
    known = Completeness(products=93, ready=80, share=0.86, states=states, lacking=[])
    assert {step.key: step.open for step in rail(known)}["preview"] == 4
    assert all(step.open is None for step in rail())


@pytest.mark.parametrize(
    ("named", "place"),
    [
        ({}, None),
        ({"shop_id": "main"}, "/shops/main"),
        ({"shop_id": "main", "feed_id": "f"}, "/feeds/f"),
        ({"shop_id": "main", "feed_id": "f", "run_id": "r"}, "/runs/r"),
        ({"shop_id": "main", "order_id": "81"}, "/orders/main/81"),
        ({"catalogue_id": "a/../b"}, "/catalogues/a%2F..%2Fb"),
        ({"page": "https://console.example/runs/r"}, "/runs/r"),
        ({"page": "https://elsewhere.example/runs/r", "feed_id": "f"}, "/feeds/f"),
        ({"page": "https://console.example//elsewhere.example"}, None),
    ],
)
def test_a_trouble_leads_to_where_it_is_repaired(named: dict[str, str], place: str | None) -> None:
    usual: dict[str, Any] = dict.fromkeys(Trouble.__struct_fields__)
    usual |= dict.fromkeys(("trouble_id", "kind", "subject", "severity", "state", "title"), "x")
    usual |= {"meaning": "x", "remedy": "x", "since": NOW, "times": 1}
    trouble = msgspec.convert({**usual, **named}, Trouble)
    assert repaired_at(trouble, "https://console.example") == place
