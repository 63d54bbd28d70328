"""What differs in the shop, what of it is repaired, and which edits are another's."""

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aliexpress.products import ListedProduct, Product, ProductSku
from common.contracts.product import (
    Content,
    LocalText,
    Offer,
    Part,
    ProductNormalized,
    SkuStock,
)
from feed_publisher.desired.marks import Unsure
from feed_publisher.drift.causes import cause_of
from feed_publisher.drift.differences import (
    Difference,
    What,
    find_differences,
    has_other_content,
    unsure_offers,
    with_age,
)
from feed_publisher.drift.edited import Known, choose_edited
from feed_publisher.listings.change import Change, StockChange
from feed_publisher.listings.listing import AcceptedSku, AcceptedState, Listing, Refused
from feed_publisher.listings.outcomes import Outcome, Sent, apply_outcome
from feed_publisher.planning.plan import plan_offers

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
CODES = ("a", "b", "c")
CONTENT = Content(
    category_id="1",
    main_locale="en_US",
    titles=[LocalText("en_US", "Warm  coat"), LocalText("fr_FR", "Manteau")],
    descriptions=[],
    image_urls=[],
    category_attributes={},
    skus=[],
    product_units_type="1",
    inventory_deduction_strategy="place_order_withhold",
    package_weight_kg="1",
    package_length_cm=1,
    package_width_cm=1,
    package_height_cm=1,
    shipping_preparation_days=1,
    shipping_template_id="1",
)


def desired(
    stock: dict[str, int], *, codes: tuple[str, ...] = CODES, price: str = "10.00"
) -> ProductNormalized:
    offers = [Offer(sku_code=code, price=price, currency="USD") for code in codes]
    return ProductNormalized(
        merchant_id="m",
        feed_id="f",
        family_id="coat",
        revision=1,
        shop_id="s",
        presence="present",
        sku_codes=list(codes),
        content_part=Part(is_valid=True, hash="content"),
        content=CONTENT,
        offers_part=Part(is_valid=True, hash="offers"),
        offers=offers,
        stock_part=Part(is_valid=True, hash="stock"),
        stock=[SkuStock(code, inventory) for code, inventory in stock.items()],
    )


def listing(**skus: AcceptedSku) -> Listing:
    accepted = AcceptedState(content_hash="content", main_locale="en_US", skus=skus)
    return Listing(
        feed_id="f",
        family_id="coat",
        shop_id="s",
        status="live",
        marketplace_product_id="1",
        accepted=accepted,
    )


def accepted(inventory: int | None = 5, price: str | None = "10.00", **more: Any) -> AcceptedSku:
    return AcceptedSku(price=price, inventory=inventory, **more)


def product(*skus: tuple[str, int | None, str], **changes: Any) -> Product:
    values: dict[str, Any] = dict.fromkeys(Product.__struct_fields__)
    values |= {
        "product_id": "1",
        "status": "onSelling",
        "titles": {"en_US": "Warm coat", "fr_FR": "Un manteau"},
        "skus": tuple(
            ProductSku(code, code, price, None, inventory, "USD", None, ())
            for code, inventory, price in skus
        ),
    }
    return Product(**(values | changes))


SHOP = product(("a", 5, "10.00"))


@pytest.mark.parametrize(
    ("shop", "found"),
    [
        (SHOP, []),
        (None, [("product", "", "online", "gone")]),
        (product(("a", 4, "10.00")), [("inventory", "a", "5", "4")]),
        (product(("a", 9, "10.0")), [("inventory", "a", "5", "9")]),
        (product(("a", None, "10.00")), []),
        (product(("a", 5, "9.99")), [("price", "a", "10.00", "9.99")]),
        (product(("a", 5, "10.00"), status="offline"), [("status", "", "onSelling", "offline")]),
        (product(("a", 5, "10.00"), status="auditing"), []),
        (product(("a", 5, "10.00"), titles={"en_US": "A"}), [("title", "", "Warm  coat", "A")]),
        (product(("a", 5, "10.00"), titles={"fr_FR": "A"}), []),
        (product(), [("sku", "a", "online", "gone")]),
        (product(("a", 5, "10.00"), ("z", 1, "1.00")), [("sku", "z", "unknown", "online")]),
    ],
)
def test_what_differs_in_the_shop(
    shop: Product | None, found: list[tuple[str, str, str, str]]
) -> None:
    differences = find_differences(listing(a=accepted()), desired({"a": 5}, codes=("a",)), shop)
    assert [(d.what, d.sku_code, d.accepted, d.found) for d in differences] == found


def test_the_stock_of_an_unmanaged_sku_is_left_alone() -> None:
    shop = product(("a", 99, "10.00"))
    assert find_differences(listing(a=accepted()), desired({}, codes=("a",)), shop) == []
    assert find_differences(listing(a=accepted(None)), desired({"a": 5}, codes=("a",)), shop) == []


def test_the_title_is_compared_only_where_the_accepted_one_is_known() -> None:
    shop = product(("a", 5, "10.00"), titles={"en_US": "Other"})
    newer = msgspec.structs.replace(
        desired({"a": 5}, codes=("a",)), content_part=Part(is_valid=True, hash="newer")
    )
    assert find_differences(listing(a=accepted()), newer, shop) == []


def test_a_title_that_differs_stays_reported_while_other_content_is_wanted() -> None:
    shop = product(("a", 5, "10.00"), titles={"en_US": "Bargain"})
    known = listing(a=accepted()).with_accepted(title="Warm coat")
    newer = msgspec.structs.replace(
        desired({"a": 5}, codes=("a",)), content_part=Part(is_valid=True, hash="newer")
    )
    for target in (newer, None):
        [found] = find_differences(known, target, shop)
        assert (found.what, found.accepted, found.found) == ("title", "Warm coat", "Bargain")
    unknown = known.with_accepted(content_hash=None)
    assert find_differences(unknown, newer, shop) == []


quantities = st.integers(0, 3)
prices = st.sampled_from(["1.00", "2.00"])


@given(
    wanted=st.dictionaries(st.sampled_from(CODES), quantities),
    skus=st.dictionaries(st.sampled_from(CODES), st.tuples(quantities, prices), min_size=1),
    shop=st.dictionaries(st.sampled_from(CODES), st.tuples(quantities, prices)),
    price=prices,
)
def test_after_comparing_and_an_offer_run_the_shop_is_as_desired(
    wanted: dict[str, int],
    skus: dict[str, tuple[int, str]],
    shop: dict[str, tuple[int, str]],
    price: str,
) -> None:
    """Whatever was accepted and whatever others made of it: one comparison and one run later every
    SKU that both have is as desired, and a second run has nothing to do."""
    target = desired(wanted, price=price)
    before = listing(**{code: accepted(*known) for code, known in skus.items()})
    found = find_differences(
        before, target, product(*[(code, *offer) for code, offer in shop.items()])
    )
    compared = before.with_unsure(unsure_offers(found))
    plan = plan_offers(target, compared)
    after, there = compared, dict(shop)
    for number, item in enumerate(plan.items):
        after = apply_outcome(
            after,
            Outcome(item_no=number, verdict="accepted"),
            action=item.action,
            change=item.change,
            sent=Sent(),
            now=NOW,
        )
        for change in item.change.stock:
            if change.sku_code in there:
                there[change.sku_code] = (change.after, there[change.sku_code][1])
        for priced in item.change.prices:
            if priced.sku_code in there:
                there[priced.sku_code] = (there[priced.sku_code][0], priced.after.price or "")
    for code in there.keys() & skus.keys():
        assert there[code][1] == price
        assert there[code][0] == wanted.get(code, shop[code][0])
    assert plan_offers(target, after).items == ()


@given(
    known=st.dictionaries(st.sampled_from(CODES), quantities, min_size=1),
    codes=st.sets(st.sampled_from([*CODES, "unknown"])),
)
def test_only_unsure_stock_is_sent_again_and_the_guard_counts_no_second_zeroing(
    known: dict[str, int], codes: set[str]
) -> None:
    before = listing(**{code: accepted(inventory) for code, inventory in known.items()})
    items = plan_offers(desired(known), before.with_unsure(Unsure(stock=codes))).items
    sent = {change.sku_code: change.after for item in items for change in item.change.stock}
    assert sent == {code: known[code] for code in codes & known.keys()}
    was_zero = not any(known.values())
    assert not any(item.is_removal for item in items) or not was_zero


def test_unsure_of_nothing_accepted_is_the_listing_itself() -> None:
    one = listing(a=accepted())
    assert one.with_unsure(Unsure(stock=["b"], prices=["c"])) is one
    twice = one.with_unsure(Unsure(stock=["a"]))
    assert twice.with_unsure(Unsure(stock=["a"])) is twice


def test_a_rejected_change_leaves_the_stock_unsure() -> None:
    one = listing(a=accepted()).with_unsure(Unsure(stock=["a"], prices=["a"]))
    stock = Change(stock=(StockChange("a", 5, 5),))

    def outcome(verdict: Any) -> AcceptedSku:
        after = apply_outcome(
            one,
            Outcome(item_no=1, verdict=verdict),
            action="stock",
            change=stock,
            sent=Sent(),
            now=NOW,
        )
        return after.accepted.skus["a"]

    assert outcome("rejected") == one.accepted.skus["a"]
    assert outcome("accepted") == accepted(is_price_unsure=True)


@pytest.mark.parametrize(
    ("carried", "after"),
    [
        (accepted(5), accepted(5)),
        (accepted(4), accepted(5, is_stock_unsure=True)),
        (accepted(5, "9.00"), accepted(5, is_price_unsure=True)),
        (accepted(5, discount_price="9.00"), accepted(5, is_price_unsure=True)),
    ],
)
def test_an_update_that_carries_another_offer_back_leaves_ours_unsure(
    carried: AcceptedSku, after: AcceptedSku
) -> None:
    one = listing(a=accepted(5))
    updated = apply_outcome(
        one,
        Outcome(item_no=1, verdict="accepted"),
        action="update",
        change=Change(content=CONTENT, content_hash="content"),
        sent=Sent(offers={"a": carried}, base=one.accepted.skus),
        now=NOW,
    )
    assert updated.accepted.skus == {"a": after}
    assert updated.written_at == NOW


@pytest.mark.parametrize(
    ("carried", "after", "is_for_good"),
    [
        (accepted(5), accepted(5), True),
        (accepted(4), accepted(5, is_stock_unsure=True), False),
        (accepted(5, "9.00"), accepted(5, is_price_unsure=True), False),
    ],
)
def test_an_update_refused_with_another_s_offers_is_tried_again_once_ours_are_back(
    carried: AcceptedSku, after: AcceptedSku, is_for_good: bool
) -> None:
    one = listing(a=accepted(5))
    refused = apply_outcome(
        one,
        Outcome(item_no=1, verdict="rejected", refused=Refused("code", "message")),
        action="update",
        change=Change(content=CONTENT, content_hash="content", wanted="content"),
        sent=Sent(offers={"a": carried}, base=one.accepted.skus),
        now=NOW,
    )
    assert refused.accepted.skus == {"a": after}
    assert refused.refuses("content", "content") is is_for_good


def test_a_difference_keeps_the_time_it_was_first_found() -> None:
    old = Difference("inventory", "a", "5", "4", NOW)
    same, other = Difference("inventory", "a", "5", "4"), Difference("inventory", "a", "5", "3")
    later = NOW + timedelta(hours=1)
    assert with_age([same], [old], later) == [old]
    assert with_age([other], [old], later) == [Difference("inventory", "a", "5", "3", later)]
    assert with_age([], [old], later) == []


def test_every_difference_has_a_cause_and_a_remedy() -> None:
    for what in get_args(What):
        explained = cause_of(Difference(what, "a", "1", "2"))
        assert explained.cause.endswith(".")
        assert explained.remedy.endswith(".")


def test_what_is_repaired_of_a_difference() -> None:
    found = [
        Difference("inventory", "a", "5", "4"),
        Difference("discount_price", "b", "none", "1.00"),
        Difference("status", "", "onSelling", "offline"),
    ]
    assert unsure_offers(found) == Unsure(stock=frozenset("a"), prices=frozenset("b"))
    assert not has_other_content(found)
    assert has_other_content([Difference("title", "", "Coat", "Hat")])


SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("known", "modified_at", "was_edited"),
    [
        (Known(None, None), NOW, True),
        (Known(NOW, None), NOW, False),
        (Known(NOW, None), NOW - SECOND, False),
        (Known(NOW, None), NOW + SECOND, True),
        (Known(None, NOW), NOW, True),  # it may have been edited later in the same second
        (Known(None, NOW + SECOND), NOW, False),
        (Known(NOW, NOW + 9 * SECOND), NOW + 5 * SECOND, False),
        (Known(NOW, NOW + 2 * SECOND), NOW + 5 * SECOND, True),
    ],
)
def test_which_modification_is_another_s(
    known: Known, modified_at: datetime, was_edited: bool
) -> None:
    assert known.was_edited(modified_at) is was_edited


def listed(product_id: str, modified_at: datetime | None) -> ListedProduct:
    return ListedProduct(product_id, None, None, None, None, None, None, None, None, modified_at)


@given(
    edits=st.dictionaries(
        st.sampled_from([*"pqrstu"]), st.integers(-20, 0).map(lambda n: NOW + n * SECOND)
    ),
    limit=st.integers(1, 4),
)
def test_looks_within_their_limit_find_every_edit(edits: dict[str, datetime], limit: int) -> None:
    known = {product_id: Known(None, None) for product_id in "pqrst"}
    left, through, begin = dict(edits), NOW - timedelta(days=1), set[str]()
    for _ in range(len(edits) + 1):
        shown = [listed(p, at) for p, at in left.items() if at >= through]
        found = choose_edited(shown, known, limit=limit, looked_at=NOW)
        assert len(found.product_ids) <= limit
        begin |= {*found.product_ids}
        known |= {p: Known(None, NOW + SECOND) for p in found.product_ids}
        through = found.through
    assert begin == edits.keys() & set("pqrst")
    assert through == NOW
