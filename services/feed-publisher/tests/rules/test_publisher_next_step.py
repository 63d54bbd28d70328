"""What the next run would do for a family, or why nothing; and how two bodies differ."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from aliexpress.payload import creation_payload
from common.contracts.product import Part
from common.errors import Issue
from feed_publisher.claims.holder import Holder
from feed_publisher.desired.marks import Unsure
from feed_publisher.explaining.body_changes import MOST_CHANGES, find_body_changes, shown_body
from feed_publisher.listings.listing import AcceptedSku, AcceptedState, Listing, Refused
from feed_publisher.planning.next_step import next_step
from feed_publisher.planning.plan import plan_product
from feed_publisher.sending.bodies import creation_body

from .test_publisher_plan import desired, gone, offer

PRICE = Issue("M3.9", "sku_info_list > price", "not a price", "Correct it.", sku="b")


def listing(**changes: Any) -> Listing:
    return Listing(feed_id="f", family_id="coat", shop_id="s", **changes)


def online(wanted: Any, **changes: Any) -> Listing:
    accepted = AcceptedState(
        content_hash=wanted.content_part.hash,
        main_locale="en_US",
        skus={o.sku_code: AcceptedSku(o.price, inventory=o.inventory) for o in wanted.offers},
        **changes,
    )
    return listing(status="live", marketplace_product_id="10", accepted=accepted)


def test_a_new_product_is_created_by_the_product_run_alone() -> None:
    wanted = desired(offer("a"), offer("b"))
    step = next_step("product", wanted, listing(), {})
    assert (step.verdict, [item.action for item in step.items]) == ("planned", ["create"])
    assert next_step("offer", wanted, listing(), {}).verdict == "not-online"


def test_nothing_differs() -> None:
    wanted = desired(offer("a"))
    for kind in ("product", "offer"):
        step = next_step(kind, wanted, online(wanted), {})
        assert (step.verdict, step.items, step.causes) == ("unchanged", (), ())


def test_what_is_gone_and_not_online_needs_nothing() -> None:
    assert next_step("product", gone(), listing(), {}).verdict == "not-online"
    deletion = next_step("product", gone(), online(desired(offer("a"))), {})
    assert [item.action for item in deletion.items] == ["delete"]


def test_a_new_product_waits_for_its_invalid_price_and_the_cause_says_so() -> None:
    wanted = desired(
        offer("a"), offers_part=Part(is_valid=False, hash="x", issues=[PRICE]), sku_codes=["a", "b"]
    )
    step = next_step("product", wanted, listing(), {})
    assert (step.verdict, [cause.code for cause in step.causes]) == ("waits", ["M3.9"])


def test_a_code_of_another_product_is_refused_by_name() -> None:
    step = next_step("product", desired(offer("a")), listing(), {"a": Holder("f", "jacket")})
    assert (step.verdict, step.causes[0].code) == ("refused", "sku-claimed")
    assert "jacket" in step.causes[0].message


def test_what_aliexpress_refused_and_what_has_not_changed_since_keeps_its_cause() -> None:
    wanted = desired(offer("a"))
    [planned] = next_step("product", wanted, listing(), {}).items
    refused = Refused("F00-00-10007-015", "sku_attribute_name you input does not exist")
    known = listing().refusing(
        "content", msgspec.structs.replace(refused, wanted=planned.change.wanted)
    )
    step = next_step("product", wanted, known, {})
    assert (step.verdict, [c.code for c in step.causes]) == ("refused", ["F00-00-10007-015"])
    # changed since, or no fault of the data: it is tried again, and the old cause is not shown
    changed = desired(offer("a"), title="Warm coat")
    transient = listing().refusing("content", msgspec.structs.replace(refused, is_transient=True))
    for again in (
        next_step("product", changed, known, {}),
        next_step("product", wanted, transient, {}),
    ):
        assert (again.verdict, again.causes) == ("planned", ())


def test_of_one_sku_only_its_own_price_and_stock_are_named() -> None:
    wanted = desired(offer("a", "12.00"), offer("b", stock=9))
    before = desired(offer("a"), offer("b"))
    known = online(before)
    known = known.with_accepted(content_hash=wanted.content_part.hash)  # type: ignore[union-attr]
    step = next_step("offer", wanted, known, {})
    assert [item.action for item in step.of_sku("a").items] == ["price"]
    assert [item.action for item in step.of_sku("b").items] == ["stock"]
    assert step.of_sku("a").verdict == "planned"
    assert step.of_sku("c").verdict == "unchanged"


def test_what_is_unsure_is_sent_again_though_it_is_the_same() -> None:
    wanted = desired(offer("a"))
    unsure = online(wanted).with_unsure(Unsure(stock=["a"]))
    step = next_step("offer", wanted, unsure, {})
    assert [item.action for item in step.items] == ["stock"]


@pytest.mark.parametrize("stock", [None, 0, 3])
def test_the_planned_creation_is_what_the_event_alone_would_create(stock: int | None) -> None:
    wanted = desired(offer("a", stock=stock), offer("b", "11.50", discount_price="9.99"))
    [item] = plan_product(wanted, listing(), {}).items
    assert creation_body(item.change) == creation_payload(wanted)


# -- bodies ------------------------------------------------------------------------------------


def test_members_of_lists_are_compared_by_their_names_not_their_places() -> None:
    before = {
        "locale": "en_US",
        "sku_info_list": [{"sku_code": "a", "price": Decimal("1.50")}, {"sku_code": "b"}],
        "image_url_list": ["1", "2"],
    }
    after = {
        "locale": "en_US",
        "sku_info_list": [{"sku_code": "b"}, {"sku_code": "a", "price": Decimal("1.60")}],
        "image_url_list": ["2"],
        "size_chart_id": "7",
    }
    changes = [(c.path, c.before, c.after) for c in find_body_changes(before, after)]
    assert changes == [
        (("sku_info_list", "a", "price"), 1.5, 1.6),
        (("image_url_list",), ["1", "2"], ["2"]),
        (("size_chart_id",), None, "7"),
    ]


def test_a_sku_that_comes_or_goes_is_one_change_and_amounts_are_compared_as_numbers() -> None:
    before = {"sku_info_list": [{"sku_code": "a", "price": Decimal("1.0")}]}
    after = {"sku_info_list": [{"sku_code": "a", "price": Decimal("1.00")}, {"sku_code": "b"}]}
    [change] = find_body_changes(before, after)
    assert change.path == ("sku_info_list", "b")
    assert find_body_changes(before, before) == []


def test_no_more_changes_are_shown_than_can_be_read() -> None:
    before = {f"field{n}": n for n in range(MOST_CHANGES * 2)}
    assert len(find_body_changes(before, {})) == MOST_CHANGES


def test_a_body_is_shown_as_it_is_read_from_the_wire() -> None:
    body = shown_body({"price": Decimal("20.10"), "id": 10_050_000_000_000_001})
    assert body == {"price": 20.1, "id": 10_050_000_000_000_001}
