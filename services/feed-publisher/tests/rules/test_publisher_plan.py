"""What is planned from a difference: by tables, and for any state by Hypothesis."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from aliexpress.payload import product_payload
from common.contracts.product import (
    AttributeValue,
    Content,
    ContentSku,
    CountryPrice,
    LocalText,
    Offer,
    Part,
    ProductNormalized,
)
from feed_publisher.claims.holder import Holder
from feed_publisher.desired.desired_state import product_digest
from feed_publisher.listings.listing import AcceptedSku, AcceptedState, Listing, Refused, digest
from feed_publisher.listings.outcomes import Outcome, Sent, apply_outcome
from feed_publisher.planning.plan import FamilyPlan, plan_offers, plan_product
from feed_publisher.runs.items.planned import Planned

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def offer(code: str, price: str = "10.00", stock: int | None = 3, **more: Any) -> Offer:
    return Offer(sku_code=code, price=price, currency="USD", inventory=stock, **more)


def content_of(*codes: str, title: str = "Coat", locale: str = "en_US") -> Content:
    return Content(
        category_id="348",
        main_locale=locale,
        titles=[LocalText(locale, title)],
        descriptions=[LocalText(locale, "Warm")],
        image_urls=["https://shop.example/1.jpg"],
        category_attributes={"Brand Name": AttributeValue("201")},
        skus=[ContentSku(code) for code in codes],
        product_units_type="100000015",
        inventory_deduction_strategy="place_order_withhold",
        package_weight_kg="0.350",
        package_length_cm=1,
        package_width_cm=2,
        package_height_cm=3,
        shipping_preparation_days=3,
        shipping_template_id="1000",
    )


def desired(
    *offers: Offer, title: str = "Coat", content: bool = True, locale: str = "en_US", **more: Any
) -> ProductNormalized:
    codes = [each.sku_code for each in offers]
    wanted = content_of(*codes, title=title, locale=locale)
    return ProductNormalized(
        **{
            "merchant_id": "m",
            "feed_id": "f",
            "family_id": "coat",
            "revision": 7,
            "shop_id": "s",
            "presence": "present",
            "sku_codes": codes,
            "content_part": Part(is_valid=content, hash=digest(wanted)),
            "content": wanted if content else None,
            "offers_part": Part(is_valid=True, hash=digest(offers)),
            "offers": list(offers),
            **more,
        }
    )


def gone(reason: Any = "deleted") -> ProductNormalized:
    return desired(
        presence="absent", absent_reason=reason, content_part=None, content=False,
        offers_part=None, offers=None,
    )  # fmt: skip


EMPTY = Listing(feed_id="f", family_id="coat", shop_id="s")


def after(listing: Listing, plan: FamilyPlan) -> Listing:
    """The listing once AliExpress accepted everything planned."""
    for number, item in enumerate(plan.items):
        if item.refused is None:
            listing = apply_outcome(
                listing,
                Outcome(item_no=number, verdict="accepted", product_id="99"),
                action=item.action,
                change=item.change,
                sent=Sent(item.change.offers, dict(listing.accepted.skus)),
                now=NOW,
            )
    return listing


def live(*offers: Offer, **more: Any) -> Listing:
    return after(EMPTY, plan_product(desired(*offers, **more), EMPTY, {}))


def actions(plan: FamilyPlan) -> list[tuple[str, tuple[str, ...]]]:
    return [(item.action, item.sku_codes) for item in plan.items]


A, B = offer("a"), offer("b")


@pytest.mark.parametrize(
    ("state", "listing", "expected"),
    [
        pytest.param(desired(A, B), EMPTY, [("create", ("a", "b"))], id="new"),
        pytest.param(desired(A), live(A), [], id="unchanged"),
        pytest.param(desired(A, title="New"), live(A), [("update", ("a",))], id="content"),
        pytest.param(desired(A, B), live(A), [("update", ("a", "b"))], id="child-added"),
        pytest.param(desired(A), live(A, B), [("update", ("a",))], id="child-removed"),
        pytest.param(desired(offer("a", "11.00")), live(A), [], id="price-is-not-content"),
        pytest.param(desired(A, content=False), live(A), [], id="invalid-content-keeps"),
        pytest.param(desired(A, content=False), EMPTY, [], id="invalid-content-creates-nothing"),
        pytest.param(desired(A, offers=None), EMPTY, [], id="invalid-offers-create-nothing"),
        pytest.param(gone(), live(A, B), [("delete", ("a", "b"))], id="gone"),
        pytest.param(gone(), EMPTY, [], id="gone-and-never-there"),
    ],
)
def test_a_product_run_plans_the_difference(
    state: ProductNormalized, listing: Listing, expected: list[Any]
) -> None:
    assert actions(plan_product(state, listing, {})) == expected


@pytest.mark.parametrize(
    ("state", "listing", "expected"),
    [
        pytest.param(desired(A), EMPTY, [], id="not-online"),
        pytest.param(desired(A), live(A), [], id="unchanged"),
        pytest.param(desired(offer("a", "10.0")), live(A), [], id="same-amount-otherwise-written"),
        pytest.param(desired(offer("a", "11.00")), live(A), [("price", ("a",))], id="price"),
        pytest.param(
            desired(offer("a", discount_price="9.00")), live(A), [("price", ("a",))], id="discount"
        ),
        pytest.param(
            desired(A), live(offer("a", discount_price="9.00")), [("price", ("a",))],
            id="discount-taken-back",
        ),
        pytest.param(desired(offer("a", stock=0)), live(A), [("stock", ("a",))], id="sold-out"),
        pytest.param(desired(offer("a", stock=None)), live(A), [], id="unmanaged-is-left-alone"),
        pytest.param(desired(A), live(A, B), [("stock", ("b",))], id="child-gone"),
        pytest.param(gone(), live(A, B), [("stock", ("a", "b"))], id="all-gone"),
        pytest.param(gone(), live(offer("a", stock=1), offer("b", stock=0)), [("stock", ("a",))],
                     id="only-what-has-stock"),
        pytest.param(desired(A, B), live(A), [], id="a-new-child-waits-for-the-product-run"),
        pytest.param(
            desired(offer("a", stock=0), content=False), live(A), [("stock", ("a",))],
            id="broken-content-still-sends-stock",
        ),
        pytest.param(desired(A, offers=None), live(A), [], id="broken-offers-send-nothing"),
    ],
)  # fmt: skip
def test_an_offer_run_plans_the_difference(
    state: ProductNormalized, listing: Listing, expected: list[Any]
) -> None:
    assert actions(plan_offers(state, listing)) == expected


@pytest.mark.parametrize(
    ("state", "listing", "is_removal"),
    [
        pytest.param(gone(), live(A), True, id="gone"),
        pytest.param(desired(offer("a", stock=0)), live(A), True, id="sold-out-whole"),
        pytest.param(desired(A, offer("b", stock=0)), live(A, B), False, id="one-of-two"),
        pytest.param(desired(offer("a", stock=9)), live(A), False, id="restocked"),
    ],
)
def test_only_a_product_without_any_stock_left_counts_as_zeroed(
    state: ProductNormalized, listing: Listing, is_removal: bool
) -> None:
    [item] = plan_offers(state, listing).items
    assert item.removes_product is is_removal


def test_the_guard_does_not_count_what_goes_with_its_feed() -> None:
    [item] = plan_product(gone("feed_removed"), live(A), {}).items
    assert (item.action, item.is_removal) == ("delete", False)
    [item] = plan_offers(gone("feed_removed"), live(A)).items
    assert (item.action, item.is_removal) == ("stock", False)


@pytest.mark.parametrize(
    ("state", "listing", "holders", "code"),
    [
        pytest.param(desired(A), EMPTY, {"a": Holder("g", "x")}, "sku-claimed", id="claimed"),
        pytest.param(desired(offer("a", stock=0)), EMPTY, {}, "no-stock", id="no-stock"),
        pytest.param(
            desired(offer("a", stock=None)), EMPTY, {}, "no-stock", id="no-stock-reported"
        ),
        pytest.param(desired(A, locale="es_ES"), live(A), {}, "locale-fixed", id="locale"),
    ],
)
def test_what_cannot_be_sent_is_refused_once(
    state: ProductNormalized, listing: Listing, holders: dict[str, Holder], code: str
) -> None:
    [item] = plan_product(state, listing, holders).items
    assert item.refused is not None
    assert item.refused.code == code
    known = listing.refusing("content", item.refused)
    assert plan_product(state, known, holders).items == ()


@pytest.mark.parametrize("is_transient", [False, True])
def test_what_aliexpress_refused_for_good_is_not_sent_again(is_transient: bool) -> None:
    [item] = plan_product(desired(A), EMPTY, {}).items
    refused = Refused("X-1", "no", is_transient=is_transient)
    listing = apply_outcome(
        EMPTY,
        Outcome(item_no=1, verdict="rejected", refused=refused),
        action="create",
        change=item.change,
        sent=Sent(),
        now=NOW,
    )
    assert bool(plan_product(desired(A), listing, {}).items) is is_transient
    assert plan_product(desired(offer("a", "12.00")), listing, {}).items


def test_a_refusal_falls_when_the_difference_does() -> None:
    listing = live(A).refusing("price", Refused("X", "no", "hash"))
    assert plan_offers(desired(A), listing).settled == ("price",)


def test_country_prices_travel_whole_and_are_dropped_by_an_update() -> None:
    priced = [CountryPrice("FR", "9.00")]
    both = (offer("a", country_prices=priced), offer("b", country_prices=priced))
    changed = (offer("a", "11.00", country_prices=priced), both[1])
    [item] = plan_offers(desired(*changed), live(*both)).items
    assert [each.sku_code for each in item.change.prices] == ["a"]
    assert set(item.change.countries) == {"a", "b"}
    [update] = plan_product(desired(A, B), live(*both), {}).items
    assert (update.action, update.change.drops_countries) == ("update", True)
    assert plan_offers(desired(A, B), live(*both)).items == ()


def test_many_skus_are_split_under_the_limit_of_a_call() -> None:
    codes = [f"s{n:03}" for n in range(450)]
    before = live(*[offer(code) for code in codes])
    plan = plan_offers(desired(*[offer(code, "11.00") for code in codes]), before)
    assert [len(item.sku_codes) for item in plan.items] == [200, 200, 50]


def test_an_update_does_not_take_back_what_the_offer_feed_sent_meanwhile() -> None:
    listing = live(A, B)
    [item] = plan_product(desired(A, B, title="New"), listing, {}).items
    sent = Sent(item.change.offers, dict(listing.accepted.skus))
    cheaper = AcceptedSku(price="8.00", inventory=3)
    listing = listing.with_accepted(skus=listing.accepted.skus | {"a": cheaper})
    updated = apply_outcome(
        listing,
        Outcome(item_no=1, verdict="accepted", product_id="99"),
        action="update",
        change=item.change,
        sent=sent,
        now=NOW,
    )
    again = plan_offers(desired(offer("a", "8.00"), B), updated)
    assert actions(again) == [("stock", ("a",)), ("price", ("a",))]


# -- any state -----------------------------------------------------------------------------------

prices = st.sampled_from(["9.99", "10.00", "25.50"])
skus = st.dictionaries(
    st.sampled_from(["a", "b", "c", "d"]),
    st.tuples(prices, st.none() | st.just("5.00"), st.none() | st.integers(0, 9)),
    min_size=1,
)
states = st.one_of(
    st.builds(
        lambda offers, title: desired(
            *[
                offer(code, price, stock, discount_price=discount)
                for code, (price, discount, stock) in sorted(offers.items())
            ],
            title=title,
        ),
        skus,
        st.sampled_from(["Coat", "Hat"]),
    ),
    st.just(gone()),
)


@given(st.lists(states, min_size=1, max_size=6))
def test_after_any_history_the_runs_reach_the_desired_state_and_then_are_silent(
    history: list[ProductNormalized],
) -> None:
    listing = EMPTY
    for state in history:
        for _ in range(2):
            listing = after(listing, plan_product(state, listing, {}))
            listing = after(listing, plan_offers(state, listing))
    last = history[-1]
    assert not [i for i in plan_product(last, listing, {}).items if i.refused is None]
    assert plan_offers(last, listing).items == ()
    if last.presence == "absent":
        assert not listing.is_online
    elif listing.is_online:
        wanted = {desired_offer.sku_code: desired_offer for desired_offer in last.offers or ()}
        assert listing.accepted.skus.keys() == wanted.keys()
        for code, sku in listing.accepted.skus.items():
            assert sku.price == wanted[code].price
            assert sku.discount_price == wanted[code].discount_price
            if wanted[code].inventory is not None:
                assert sku.inventory == wanted[code].inventory


offers_of_a_coat = st.tuples(prices, st.none() | st.integers(0, 9), st.booleans(), st.booleans())


def coat(price: str, stock: int | None, has_country: bool, is_valid: bool) -> ProductNormalized:
    countries = [CountryPrice("FR", price)] if has_country else []
    offers = [offer("a", price, stock, country_prices=countries), B]
    return desired(*offers, offers_part=Part(is_valid=is_valid, hash=digest(offers)))


@given(st.lists(offers_of_a_coat, min_size=1, max_size=4), offers_of_a_coat)
def test_a_state_that_product_runs_go_by_alike_gives_a_product_run_nothing_to_do(
    history: list[tuple[str, int | None, bool, bool]], then: tuple[str, int | None, bool, bool]
) -> None:
    """As such a state marks the family for offer runs alone."""
    listing, last, state = live(A, B), coat(*history[-1]), coat(*then)
    for before in map(coat, *zip(*history, strict=True)):
        listing = after(listing, plan_product(before, listing, {}))
        listing = after(listing, plan_offers(before, listing))
    assume(product_digest(state) == product_digest(last))
    assert plan_product(state, listing, {}) == FamilyPlan()
    listing = after(listing, plan_offers(state, listing))
    assert plan_product(state, listing, {}) == FamilyPlan()


@pytest.mark.parametrize(
    "state",
    [
        desired(A, B, title="Hat"),
        desired(A),
        desired(A, B, configuration_version=2),
        desired(A, B, shop_id="t"),
        desired(A, B, offers_part=Part(is_valid=False, hash="")),
        desired(offer("a", country_prices=[CountryPrice("FR", "9.00")]), B),
        desired(A, B, content=False),
        gone(),
    ],
    ids=["content", "SKUs", "version", "shop", "validity", "countries", "no content", "gone"],
)
def test_what_product_runs_go_by_tells_states_apart(state: ProductNormalized) -> None:
    assert product_digest(state) != product_digest(desired(A, B))


def test_of_what_has_no_content_it_cannot_be_said_what_product_runs_go_by() -> None:
    assert product_digest(gone()) is product_digest(desired(A, content=False)) is None


@given(states, states)
def test_an_offer_run_before_the_product_run_only_ever_takes_stock_from_what_goes(
    first: ProductNormalized, then: ProductNormalized
) -> None:
    listing = after(EMPTY, plan_product(first, EMPTY, {}))
    staying = {each.sku_code for each in then.offers or ()}
    for item in plan_offers(then, listing).items:
        for change in item.change.stock:
            assert change.sku_code in staying or change.after == 0
        assert {change.sku_code for change in item.change.prices} <= staying


def test_the_payload_has_exactly_the_fields_of_the_schema_way() -> None:
    accepted = AcceptedSku("10.50", "9.00", 4, (CountryPrice("GB", "9.50", "8.00"),))
    payload = product_payload(content_of("a"), {"a": accepted})
    assert msgspec.json.decode(msgspec.json.encode(payload)) == {
        "title_multi_language_list": [{"locale": "en_US", "title": "Coat"}],
        "description_multi_language_list": [
            {"locale": "en_US", "module_list": [{"type": "html", "html": {"content": "Warm"}}]}
        ],
        "locale": "en_US",
        "product_units_type": "100000015",
        "category_id": 348,
        "image_url_list": ["https://shop.example/1.jpg"],
        "category_attributes": {"Brand Name": {"value": "201"}},
        "sku_info_list": [
            {"sku_code": "a", "inventory": 4, "price": "10.50", "discount_price": "9.00"}
        ],
        "inventory_deduction_strategy": "place_order_withhold",
        "package_weight": "0.350",
        "package_length": 1,
        "package_width": 2,
        "package_height": 3,
        "shipping_preparation_time": 3,
        "shipping_template_id": "1000",
        "service_template_id": "0",
        "multi_country_price_configuration": {
            "price_type": "absolute",
            "country_price_list": [
                {
                    "ship_to_country": "UK",
                    "sku_price_by_country_list": [
                        {"sku_code": "a", "price": "9.50", "discount_price": "8.00"}
                    ],
                }
            ],
        },
    }  # amounts are Decimal here: the client writes them as numbers


def test_a_listing_survives_its_storage() -> None:
    accepted = live(A, offer("b", country_prices=[CountryPrice("FR", "9.00")])).accepted
    assert msgspec.json.decode(msgspec.json.encode(accepted), type=AcceptedState) == accepted


def test_items_survive_their_storage() -> None:
    [item] = plan_product(desired(A, B), EMPTY, {}).items
    assert isinstance(item, Planned)
    stored = msgspec.json.encode(item.change)
    assert msgspec.json.decode(stored, type=type(item.change)) == item.change
