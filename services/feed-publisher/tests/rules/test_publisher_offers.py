"""Prices and stock stand apart, SKU by SKU: what is wrong with one holds back nothing else."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contracts.product import (
    AttributeValue,
    Content,
    ContentSku,
    CountryPrice,
    LocalText,
    Offer,
    Part,
    ProductNormalized,
    SkuStock,
)
from common.errors import Issue
from feed_publisher.listings.causes import explain
from feed_publisher.listings.listing import AcceptedSku, AcceptedState, Listing, Refused, digest
from feed_publisher.listings.outcomes import Outcome, Sent, apply_outcome
from feed_publisher.listings.status import status_of
from feed_publisher.planning.plan import FamilyPlan, plan_offers, plan_product

NOW = datetime(2026, 11, 24, tzinfo=UTC)
CODES = ("a", "b", "c")


def offer(code: str, price: str = "10.00", **more: Any) -> Offer:
    return Offer(sku_code=code, price=price, currency="USD", **more)


def price_issue(code: str) -> Issue:
    return Issue(
        "M3.9",
        "sku_info_list > discount_price",
        "the discounted price is not below the price 10.00",
        "Send a discounted price strictly lower than the price, or none.",
        value="39.90",
        sku=code,
    )


def part(data: object, issues: list[Issue]) -> Part:
    return Part(is_valid=not issues, hash=digest(data, issues), issues=issues)


def desired(
    offers: list[Offer],
    stock: dict[str, int] | None,
    *,
    bad_prices: tuple[str, ...] = (),
    bad_stock: tuple[str, ...] = (),
    codes: tuple[str, ...] = CODES,
    title: str = "Coat",
) -> ProductNormalized:
    """The state of a product whose prices and stock are valid but for some."""
    content = Content(
        category_id="348",
        main_locale="en_US",
        titles=[LocalText("en_US", title)],
        descriptions=[LocalText("en_US", "Warm")],
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
    levels = None if stock is None else [SkuStock(code, n) for code, n in stock.items()]
    stock_issues = [
        Issue("M4.3", "sku_info_list > inventory", "no", "Fill it.", sku=c) for c in bad_stock
    ]
    return ProductNormalized(
        merchant_id="m",
        feed_id="f",
        family_id="coat",
        revision=7,
        shop_id="s",
        presence="present",
        sku_codes=list(codes),
        content_part=part(content, []),
        content=content,
        offers_part=part(offers, [price_issue(code) for code in bad_prices]),
        offers=offers or None,
        stock_part=None if stock is None else part(levels, stock_issues),
        stock=levels,
    )


def online(**skus: AcceptedSku) -> Listing:
    return Listing(
        feed_id="f",
        family_id="coat",
        shop_id="s",
        status="live",
        marketplace_product_id="99",
        accepted=AcceptedState(content_hash=None, main_locale="en_US", skus=skus),
    )


SOLD = AcceptedSku(price="10.00", inventory=5)
THREE = online(a=SOLD, b=SOLD, c=SOLD)


def sent(plan: FamilyPlan) -> dict[str, dict[str, Any]]:
    """What reaches AliExpress: per action, per SKU."""
    out: dict[str, dict[str, Any]] = {}
    for item in plan.items:
        if item.refused is None:
            values = out.setdefault(item.action, {})
            values.update({change.sku_code: change.after for change in item.change.stock})
            values.update({c.sku_code: c.after.price for c in item.change.prices})
    return out


def test_a_bad_price_holds_back_no_stock_and_no_other_price() -> None:
    state = desired([offer("b", "11.00"), offer("c")], {"a": 0, "b": 0, "c": 5}, bad_prices=("a",))
    assert sent(plan_offers(state, THREE)) == {"stock": {"a": 0, "b": 0}, "price": {"b": "11.00"}}


def test_with_every_price_bad_all_stock_is_sent() -> None:
    state = desired([], {"a": 0, "b": 1, "c": 2}, bad_prices=CODES)
    assert sent(plan_offers(state, THREE)) == {"stock": {"a": 0, "b": 1, "c": 2}}


def test_a_bad_stock_holds_back_no_price_and_no_other_stock() -> None:
    state = desired(
        [offer("a", "11.00"), offer("b"), offer("c")], {"b": 0, "c": 5}, bad_stock=("a",)
    )
    assert sent(plan_offers(state, THREE)) == {"stock": {"b": 0}, "price": {"a": "11.00"}}


def test_stock_that_is_named_wins_over_what_the_offers_say() -> None:
    state = desired([offer(code, inventory=9) for code in CODES], {"a": 1})
    assert sent(plan_offers(state, THREE)) == {"stock": {"a": 1}}


def test_an_event_of_the_first_form_has_its_stock_in_the_offers() -> None:
    offers = [offer("a", inventory=0), offer("b"), offer("c", inventory=5)]
    state = desired(offers, None)
    assert sent(plan_offers(state, THREE)) == {"stock": {"a": 0}}


@pytest.mark.parametrize("bad", ["bad_prices", "bad_stock"])
def test_only_a_whole_product_and_only_a_whole_new_sku_is_created(bad: str) -> None:
    offers, stock = [offer(code) for code in CODES], dict.fromkeys(CODES, 5)
    nothing = Listing(feed_id="f", family_id="coat", shop_id="s")
    assert plan_product(desired(offers, stock), nothing, {}).items
    assert plan_product(desired(offers, stock, **{bad: ("a",)}), nothing, {}).items == ()  # type: ignore[arg-type]
    two = online(a=SOLD, b=SOLD)
    assert plan_product(desired(offers, stock), two, {}).items
    assert plan_product(desired(offers, stock, **{bad: ("a",)}), two, {}).items == ()  # type: ignore[arg-type]


def test_a_creation_takes_its_stock_from_where_the_event_has_it() -> None:
    nothing = Listing(feed_id="f", family_id="coat", shop_id="s")
    state = desired([offer(code) for code in CODES], {"a": 1, "b": 2, "c": 3})
    [item] = plan_product(state, nothing, {}).items
    assert [sku.inventory for sku in item.change.offers.values()] == [1, 2, 3]


def test_content_is_updated_while_a_price_is_bad() -> None:
    state = desired([offer("b"), offer("c")], {"a": 5}, bad_prices=("a",), title="New")
    [item] = plan_product(state, THREE, {}).items
    assert item.action == "update"


# -- country prices ----------------------------------------------------------------------------

IN_SPAIN = AcceptedSku(price="10.00", inventory=5, country_prices=(CountryPrice("ES", "9.00"),))


def test_a_country_price_that_is_bad_stays_as_the_shop_has_it() -> None:
    spain = online(a=IN_SPAIN, b=IN_SPAIN, c=IN_SPAIN)
    prices = [CountryPrice("ES", "9.00")]
    state = desired(
        [
            offer("a", "11.00", kept_countries=["ES"]),
            offer("b", country_prices=prices),
            offer("c", country_prices=prices),
        ],
        dict.fromkeys(CODES, 5),
        bad_prices=("a",),
    )
    [item, _] = plan_offers(state, spain).items
    assert [change.sku_code for change in item.change.prices] == ["a"]
    assert {sku.country_prices for sku in item.change.countries.values()} == {
        (CountryPrice("ES", "9.00"),)
    }
    assert plan_offers(desired([offer("a", kept_countries=["ES"])], {}), spain).items == ()


def test_a_kept_country_price_that_would_be_refused_is_left_out() -> None:
    state = desired([offer("a", "20.00", kept_countries=["ES"])], {"a": 5}, codes=("a",))
    [item] = plan_offers(state, online(a=IN_SPAIN)).items
    assert item.change.countries == {}


def test_a_sku_whose_price_is_bad_keeps_its_country_prices_when_its_sisters_are_sent() -> None:
    state = desired(
        [offer("b", "12.00", country_prices=[CountryPrice("ES", "11.00")])],
        {"a": 5, "b": 5},
        bad_prices=("a",),
        codes=("a", "b"),
    )
    [item, _] = plan_offers(state, online(a=IN_SPAIN, b=IN_SPAIN)).items
    assert item.change.countries["a"].country_prices == IN_SPAIN.country_prices


def test_country_prices_are_not_dropped_because_they_are_bad() -> None:
    state = desired([], {}, bad_prices=("a",), codes=("a",))
    spain = online(a=IN_SPAIN)
    same = spain.with_accepted(content_hash=state.content_part.hash if state.content_part else "")
    assert plan_product(state, same, {}).items == ()


# -- what is reported ---------------------------------------------------------------------------


def take(listing: Listing, plan: FamilyPlan) -> Listing:
    """The listing after planning, and after AliExpress accepted what was sent."""
    for side in plan.settled:
        listing = listing.refusing(side, None)
    for number, item in enumerate(plan.items):
        if item.refused is not None:
            listing = listing.refusing(item.refused_side, item.refused)
        else:
            listing = apply_outcome(
                listing,
                Outcome(item_no=number, verdict="accepted", product_id="99"),
                action=item.action,
                change=item.change,
                sent=Sent(),
                now=NOW,
            )
    return listing


def test_what_cannot_be_sent_is_named_once_with_rule_and_remedy_until_it_is_right() -> None:
    bad = desired([offer("b"), offer("c")], {"a": 0, "b": 5, "c": 5}, bad_prices=("a",))
    plan = plan_offers(bad, THREE)
    [named] = [item for item in plan.items if item.refused is not None]
    assert (named.action, named.sku_codes) == ("price", ("a",))
    listing = take(THREE, plan)
    status, [cause] = status_of(listing)
    assert (status, cause.code) == ("rejected", "offers-invalid")
    for part in ("M3.9", "SKU a", "'39.90'", "strictly lower than the price"):
        assert part in cause.message
    assert cause.remedy
    assert plan_offers(bad, listing).items == ()

    right = desired([offer(code) for code in CODES], {"a": 0, "b": 5, "c": 5})
    assert plan_offers(right, listing).settled == ("offers",)
    assert status_of(take(listing, plan_offers(right, listing))) == ("live", [])


def test_a_price_that_aliexpress_refused_is_not_forgotten_because_it_is_bad_now() -> None:
    refused = THREE.refusing("price", Refused("X-1", "no", "hash"))
    bad = desired([offer("b"), offer("c")], dict.fromkeys(CODES, 5), bad_prices=("a",))
    assert take(refused, plan_offers(bad, refused)).refuses("price", "hash")


def test_our_own_code_is_explained_whatever_its_message_says() -> None:
    cause = explain(Refused("offers-invalid", "M3.9, SKU 150008: System exception"))
    assert "price or stock of the catalogue" in (cause.explanation or "")


# -- any state ---------------------------------------------------------------------------------

prices = st.none() | st.sampled_from(["9.00", "10.00", "11.50"])
levels = st.none() | st.integers(0, 5)


@given(
    st.fixed_dictionaries(dict.fromkeys(CODES, prices)),
    st.fixed_dictionaries(dict.fromkeys(CODES, levels)),
)
def test_every_valid_price_and_stock_arrives_and_nothing_else_changes(
    wanted: dict[str, str | None], stock: dict[str, int | None]
) -> None:
    """None is a price or stock that is bad."""
    state = desired(
        [offer(code, price) for code, price in wanted.items() if price],
        {code: level for code, level in stock.items() if level is not None},
        bad_prices=tuple(code for code, price in wanted.items() if price is None),
        bad_stock=tuple(code for code, level in stock.items() if level is None),
    )
    after = take(THREE, plan_offers(state, THREE))
    for code, sku in after.accepted.skus.items():
        assert sku.price == (wanted[code] or "10.00")
        assert sku.inventory == (5 if stock[code] is None else stock[code])
    assert plan_offers(state, after).items == ()


def test_an_event_of_the_first_form_is_read() -> None:
    state = desired([offer("a", inventory=1)], None, codes=("a",))
    stored = msgspec.json.decode(msgspec.json.encode(state))
    del stored["stock"], stored["stock_part"]
    assert msgspec.json.decode(msgspec.json.encode(stored), type=ProductNormalized) == state
