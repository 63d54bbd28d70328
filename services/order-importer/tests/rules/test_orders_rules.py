"""Status, windows, carriers, parcels and refusals: the rules that need no I/O."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from aliexpress.logistics import Carrier
from aliexpress.wire import from_pacific, to_pacific
from common.contracts.money import Money
from common.contracts.order import Order, OrderLine, Parcel
from common.errors import Refusal
from order_importer.carriers.choose_carrier import (
    CarrierAmbiguous,
    CarrierUnknown,
    WebsiteMissing,
    choose_carrier,
)
from order_importer.importing.problems import find_known
from order_importer.importing.window import OVERLAP, SLICE, Window, next_window
from order_importer.orders.status import channel_status
from order_importer.shipping.obstacles import OrderState, find_obstacle
from order_importer.shipping.parcels import (
    LinesNotNamed,
    LinesNotShippable,
    LinesTaken,
    LinesUnknown,
    OrderComplete,
    OrderNotShippable,
    lines_of_parcel,
    send_type,
)
from order_importer.shipping.refusals import meaning_of

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("marketplace_status", "status"),
    [
        ("RISK_CONTROL", "new"),
        ("SELLER_PART_SEND_GOODS", "waiting_shipment"),
        ("WAITING_SHIPMENT", "waiting_shipment"),
        ("WAIT_SELLER_SEND_GOODS", "waiting_shipment"),
        ("SHIPPED", "shipped"),
        ("WAIT_BUYER_ACCEPT_GOODS", "shipped"),
        ("FINISH", "closed"),
        ("PLACE_ORDER_SUCCESS", "other"),
        ("PAYMENT_PROCESSING", "other"),
        ("WAIT_SELLER_EXAMINE_MONEY", "other"),
        ("RISK_CONTROL_HOLD", "other"),
        ("FUND_PROCESSING", "other"),
        ("IN_CANCEL", "other"),
        ("IN_ISSUE", "other"),
        ("IN_FROZEN", "other"),
        ("ARCHIVE", "other"),
        ("SOMETHING_NEW", "other"),
    ],
)
def test_the_status_map(marketplace_status: str, status: str) -> None:
    assert channel_status(marketplace_status) == status


# -- windows ----------------------------------------------------------------------------------


def test_the_first_window_reaches_back_as_configured() -> None:
    assert next_window(None, NOW, timedelta(days=7)) == Window(NOW - timedelta(days=7), NOW)


@given(st.integers(0, 400 * 86_400), st.integers(-86_400, 400 * 86_400), st.booleans())
def test_windows_follow_each_other_without_a_gap(at: int, later: int, is_first: bool) -> None:
    """Even where the clock went back: the next begins before the end of the last."""
    covered = NOW + timedelta(seconds=at)
    window = next_window(None if is_first else covered, covered + timedelta(seconds=later), SLICE)

    if not is_first:
        assert window.start <= covered - OVERLAP
    slices = list(window.slices())
    assert slices[0][0] == window.start
    assert slices[-1][1] > window.end
    for (_, end), (start, _) in pairwise(slices):
        assert end == start
    assert all(end - start <= SLICE for start, end in slices[:-1])


def test_the_overlap_covers_the_repeated_hour_of_november() -> None:
    assert timedelta(hours=2) <= OVERLAP


@given(
    st.sampled_from([datetime(2027, 11, 7, 9, tzinfo=UTC), datetime(2027, 3, 14, 10, tzinfo=UTC)]),
    st.integers(-300, 300),
    st.integers(0, 300),
    st.integers(0, 300),
)
def test_what_changed_in_the_nights_of_the_clock_change_is_asked_for(
    night: datetime, covered: int, changed_after: int, read_after: int
) -> None:
    """However AliExpress compares its local times: as texts, or the repeated hour as its first."""
    covered_until = night + timedelta(minutes=covered)
    changed_at = covered_until + timedelta(minutes=changed_after)
    window = next_window(covered_until, changed_at + timedelta(minutes=read_after), SLICE)

    [(start, end)] = window.slices()
    assert to_pacific(start) <= to_pacific(changed_at) <= to_pacific(end)
    first, last = from_pacific(to_pacific(start)), from_pacific(to_pacific(end))
    assert first is not None
    assert last is not None
    assert first <= changed_at <= last


# -- carriers ---------------------------------------------------------------------------------


def carrier(
    name: str, display: str | None = None, company: str | None = None, pattern: str | None = None
) -> Carrier:
    return Carrier(name, display, company, pattern, None, None, None)


CARRIERS = [
    carrier("CPAM", "China Post Registered Air Mail", "CPAM", r"^[a-zA-Z]{2}[A-Za-z0-9]{9}CN$"),
    carrier("UPS", "UPS Express Saver", "UPS", r"^1Z[A-Za-z0-9]{16}$"),
    carrier("CAINIAO_STANDARD", "AliExpress Standard Shipping", "CAINIAO"),
    carrier("CAINIAO_ECONOMY", "AliExpress Saver Shipping", "CAINIAO"),
    carrier("OTHER_ES_LOCAL", "Other (ES, local)", "Other"),
    carrier("OTHER_ES_OVERSEAS", "Other (ES, overseas)", "Other"),
    carrier("Other", "Seller's Shipping Method", "Other"),
]


@pytest.mark.parametrize(
    ("wanted", "country", "website", "chosen"),
    [
        pytest.param("UPS", "ES", None, "UPS", id="key"),
        pytest.param("ups", "ES", None, "UPS", id="case"),
        pytest.param("cainiao-standard", "ES", None, "CAINIAO_STANDARD", id="punctuation"),
        pytest.param("aliexpress standard shipping", None, None, "CAINIAO_STANDARD", id="display"),
        pytest.param("China Post Registered Air Mail", "ES", None, "CPAM", id="display-name"),
        pytest.param("Correos Express", "ES", "www.correos.es", "OTHER_ES_LOCAL", id="local"),
        pytest.param("Correos Express", "FR", "www.correos.es", "OTHER_ES_OVERSEAS", id="abroad"),
        pytest.param("other", "ES", "www.17track.net", "Other", id="other"),
        pytest.param("OTHER_ES_LOCAL", "ES", "www.17track.net", "OTHER_ES_LOCAL", id="named-other"),
    ],
)
def test_a_carrier_is_found_by_any_of_its_names(
    wanted: str, country: str | None, website: str | None, chosen: str
) -> None:
    choice = choose_carrier(wanted, CARRIERS, country=country, tracking_website=website)

    assert choice.carrier.service_name == chosen
    assert choice.is_substitute == wanted.startswith("Correos")


def test_without_country_carriers_the_plain_other_takes_the_place() -> None:
    choice = choose_carrier("X", [CARRIERS[-1]], country="ES", tracking_website="x.example")
    assert choice.carrier.service_name == "Other"


@pytest.mark.parametrize(
    ("wanted", "obstacle"),
    [
        pytest.param("Correos", CarrierUnknown, id="unlisted-without-website"),
        pytest.param("cainiao", CarrierAmbiguous, id="company-of-two"),
        pytest.param("OTHER_ES_LOCAL", WebsiteMissing, id="other-without-website"),
        pytest.param("!!", CarrierUnknown, id="no-letters"),
    ],
)
def test_a_carrier_that_cannot_be_found_is_refused_with_the_choice(
    wanted: str, obstacle: type[Refusal]
) -> None:
    with pytest.raises(obstacle) as refusal:
        choose_carrier(wanted, CARRIERS, country="ES", tracking_website=None)
    assert refusal.value.field in {"carrier", "tracking_website"}
    assert refusal.value.status == 422


# -- parcels ----------------------------------------------------------------------------------


def order(
    *lines: str,
    parcels: list[Parcel] | None = None,
    marketplace_status: str = "WAIT_SELLER_SEND_GOODS",
) -> Order:
    price = Money("9.90", "USD")
    return Order(
        order_id="1",
        status=channel_status(marketplace_status),
        marketplace_status=marketplace_status,
        placed_at=NOW,
        modified_at=NOW,
        lines=[
            OrderLine(
                line_id=line,
                sku_code=line,
                marketplace_product_id="1",
                title="",
                quantity=1,
                unit_price=price,
                total=price,
            )
            for line in lines
        ],
        total=price,
        parcels=parcels or [],
    )


def parcel(
    *lines: str, state: str, more: bool = False, sent_as: Literal["all", "part"] | None = None
) -> Parcel:
    return Parcel(
        shipment_id="s",
        carrier="UPS",
        tracking_number="1",
        line_ids=list(lines),
        state=state,  # type: ignore[arg-type]
        more_follow=more,
        sent_as=sent_as,
    )


def goes_as(whole: Order, lines: Sequence[str], *, more: bool = False) -> str:
    """How the next parcel of these lines goes."""
    new = replace(parcel(*lines, state="pending", more=more), shipment_id="new")
    return send_type(replace(whole, parcels=[*whole.parcels, new]), "new")


@pytest.mark.parametrize(
    ("parcels", "wanted", "held", "sent"),
    [
        pytest.param([], None, ["a", "b"], "all", id="whole"),
        pytest.param([], ["b"], ["b"], "part", id="part"),
        pytest.param([], ["b", "a"], ["a", "b"], "all", id="all-named"),
        pytest.param([parcel("a", state="confirmed")], None, ["b"], "all", id="the-rest"),
        pytest.param([parcel("a", state="refused")], None, ["a", "b"], "all", id="after-refusal"),
        pytest.param([parcel("a", state="pending")], None, ["b"], "part", id="one-not-yet-sent"),
    ],
)
def test_the_last_parcel_goes_as_all(
    parcels: list[Parcel], wanted: list[str] | None, held: list[str], sent: str
) -> None:
    whole = order("a", "b", parcels=parcels)
    lines = lines_of_parcel(whole, wanted)
    assert lines == held
    assert goes_as(whole, lines) == sent


@pytest.mark.parametrize(
    ("parcels", "wanted", "more", "held", "sent"),
    [
        pytest.param([], ["a", "b"], True, ["a", "b"], "part", id="more-to-follow"),
        pytest.param(
            [parcel("a", "b", state="confirmed", more=True)],
            None,
            False,
            ["a", "b"],
            "all",
            id="what-followed",
        ),
        pytest.param(
            [parcel("a", state="confirmed", more=True)], ["b"], False, ["b"], "part", id="not-yet"
        ),
        pytest.param(
            [parcel("a", state="pending", more=True)],
            ["a", "b"],
            False,
            ["a", "b"],
            "part",
            id="one-is-open",
        ),
        pytest.param(
            [parcel("a", state="confirmed", more=True), parcel("a", state="refused")],
            ["a", "b"],
            False,
            ["a", "b"],
            "all",
            id="a-refused-one-counts-for-nothing",
        ),
    ],
)
def test_a_line_with_more_to_follow_stays_to_be_shipped(
    parcels: list[Parcel], wanted: list[str] | None, more: bool, held: list[str], sent: str
) -> None:
    whole = order("a", "b", parcels=parcels)
    lines = lines_of_parcel(whole, wanted)
    assert lines == held
    assert goes_as(whole, lines, more=more) == sent


def test_a_further_parcel_holds_lines_that_are_in_one_already() -> None:
    whole = order("a", "b", parcels=[parcel("a", state="confirmed", sent_as="part")])
    with pytest.raises(LinesTaken) as refusal:
        lines_of_parcel(whole, ["a"])
    assert "`further`" in refusal.value.remedy
    assert lines_of_parcel(whole, ["a"], is_further=True) == ["a"]
    assert goes_as(whole, ["a"]) == "part"
    with pytest.raises(LinesNotNamed):
        lines_of_parcel(whole, None, is_further=True)


@pytest.mark.parametrize("state", ["sent", "confirmed"])
def test_after_the_last_parcel_there_is_no_further_one(state: str) -> None:
    last = parcel("a", state=state, sent_as="all")
    with pytest.raises(OrderComplete) as refusal:
        lines_of_parcel(order("a", parcels=[last]), ["a"], is_further=True)
    assert (refusal.value.status, refusal.value.rule) == (409, "M8.4")
    assert "no further parcel" in refusal.value.title
    refused = parcel("a", state="refused", sent_as="all")
    assert lines_of_parcel(order("a", parcels=[refused]), ["a"], is_further=True) == ["a"]


def in_states(whole: Order, **states: str) -> Order:
    """The order with these lines in states of their own."""
    lines = [
        replace(line, marketplace_status=states.get(line.line_id, whole.marketplace_status))
        for line in whole.lines
    ]
    return replace(whole, lines=lines)


@pytest.mark.parametrize("state", ["FINISH", "IN_CANCEL", "IN_ISSUE", "IN_FROZEN"])
def test_a_stopped_line_is_left_out_and_the_order_is_complete_without_it(state: str) -> None:
    whole = in_states(order("a", "b", "c", parcels=[parcel("a", state="confirmed")]), c=state)
    assert lines_of_parcel(whole, None) == ["b"]
    assert goes_as(whole, ["b"]) == "all"
    with pytest.raises(LinesNotShippable) as refusal:
        lines_of_parcel(whole, ["b", "c"])
    assert refusal.value.title.endswith(f": c is {state}")


@pytest.mark.parametrize(
    "state", ["WAIT_SELLER_SEND_GOODS", "WAIT_BUYER_ACCEPT_GOODS", "NEW_STATE"]
)
def test_a_line_in_another_state_is_shipped(state: str) -> None:
    assert lines_of_parcel(in_states(order("a", "b"), b=state), None) == ["a", "b"]


@pytest.mark.parametrize(
    ("whole", "wanted", "obstacle", "status"),
    [
        pytest.param(order("a"), ["z"], LinesUnknown, 422, id="unknown"),
        pytest.param(order("a"), [], LinesUnknown, 422, id="none"),
        pytest.param(
            order("a", parcels=[parcel("a", state="sent")]), ["a"], LinesTaken, 409, id="taken"
        ),
        pytest.param(
            order("a", parcels=[parcel("a", state="confirmed")]), None, LinesTaken, 409, id="done"
        ),
        *(
            pytest.param(
                order("a", marketplace_status=marketplace_status),
                None,
                OrderNotShippable,
                409,
                id=marketplace_status,
            )
            for marketplace_status in (
                "RISK_CONTROL",
                "IN_CANCEL",
                "IN_ISSUE",
                "IN_FROZEN",
                "FINISH",
                "PLACE_ORDER_SUCCESS",
            )
        ),
    ],
)
def test_what_cannot_be_shipped_is_refused(
    whole: Order, wanted: list[str] | None, obstacle: type[Refusal], status: int
) -> None:
    with pytest.raises(obstacle) as refusal:
        lines_of_parcel(whole, wanted)
    assert refusal.value.status == status
    if obstacle is OrderNotShippable:
        assert whole.marketplace_status in refusal.value.title


ENDED = "by its delivery, a cancellation or a refund"


@pytest.mark.parametrize(
    ("state", "named", "because"),
    [
        pytest.param(("IN_CANCEL",), "other (IN_CANCEL)", "asks to cancel", id="cancelled"),
        pytest.param(("IN_FROZEN", "IN_FROZEN"), "other (IN_FROZEN)", "frozen", id="frozen"),
        pytest.param(
            ("WAIT_SELLER_SEND_GOODS", "IN_FROZEN"),
            "waiting_shipment (IN_FROZEN)",
            "frozen",
            id="waits-but-frozen",
        ),
        pytest.param(
            ("SELLER_PART_SEND_GOODS", None, "IN_ISSUE"),
            "waiting_shipment (IN_ISSUE)",
            "dispute",
            id="waits-but-disputed",
        ),
        pytest.param(
            ("WAIT_SELLER_SEND_GOODS", "IN_FROZEN", "IN_ISSUE"),
            "waiting_shipment (IN_FROZEN, IN_ISSUE)",
            "frozen",
            id="frozen-and-disputed",
        ),
        pytest.param(
            ("IN_CANCEL", "NO_FROZEN", "IN_ISSUE"),
            "other (IN_CANCEL, IN_ISSUE)",
            "asks to cancel",
            id="cancelled-and-disputed",
        ),
        pytest.param(
            ("FINISH", None, "END_ISSUE", "buyer_cancel_order"),
            "closed (FINISH, buyer_cancel_order)",
            ENDED,
            id="ended",
        ),
        pytest.param(("SHIPPED",), "shipped (SHIPPED)", "already", id="shipped"),
        pytest.param(("SOMETHING_NEW",), "other (SOMETHING_NEW)", "does not know", id="unknown"),
    ],
)
def test_a_state_in_which_nothing_is_shipped_is_named_and_explained(
    state: tuple[str | None, ...], named: str, because: str
) -> None:
    status, frozen, issue, ended = (*state, None, None, None)[:4]
    obstacle = find_obstacle(OrderState(status or "", frozen, issue, ended))
    assert obstacle is not None
    assert obstacle.state == named
    assert because in obstacle.because
    assert obstacle.remedy


@given(
    st.sampled_from(["WAIT_SELLER_SEND_GOODS", "SELLER_PART_SEND_GOODS", "WAITING_SHIPMENT"]),
    st.sampled_from([None, "NO_FROZEN", "SOMETHING_NEW"]),
    st.sampled_from([None, "NO_ISSUE", "END_ISSUE", "SOMETHING_NEW"]),
    st.sampled_from([None, "seller_send_goods"]),
)
def test_what_waits_for_its_shipment_is_shipped(
    status: str, frozen: str | None, issue: str | None, ended: str | None
) -> None:
    assert find_obstacle(OrderState(status, frozen, issue, ended)) is None


@pytest.mark.parametrize(
    ("message", "follows", "word"),
    [
        ("该交易订单已填写发货通知，无需重复操作。", "refused-unless-there", "already"),
        ("该交易订单缺少履约信息，请联系客服处理。", "refused", "state"),
        ("该货运跟踪号未通过物流风控审核，请更换货运跟踪号后重试。", "refused", "tracking number"),
        ("系统异常，请稍候重试", "retry-unless-there", "failed"),
        ("您填写的交易订单号有误或不属于当前账号，请修改后重试。", "refused", "does not know"),
        ("从未见过的答复", "refused", "从未见过的答复"),
    ],
)
def test_chinese_answers_are_explained(message: str, follows: str, word: str) -> None:
    meaning = meaning_of(message)
    assert meaning.next == follows
    assert word in meaning.explanation
    assert meaning.remedy


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        ("aliexpress.solution.order.info.get: account not found (F00-10-10000-001)", "not show"),
        ("aliexpress.solution.order.get: System exception (16009999)", "error of its own"),
        ("系统异常", "error of its own"),
    ],
)
def test_known_problems_of_an_import_are_explained(problem: str, words: str) -> None:
    known = find_known(problem)
    assert known is not None
    assert words in known.explanation
    assert known.remedy


def test_another_problem_is_shown_as_it_is() -> None:
    assert find_known("the order's total is no number") is None
    assert find_known(None) is None
