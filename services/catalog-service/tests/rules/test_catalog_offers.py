"""Prices and stock of a family: SKU by SKU, and prices apart from stock (M3.8, M3.9, M4.3)."""

from typing import Any

import pytest

from catalog_service.feeds.compile import compile_feed
from catalog_service.feeds.configuration import FeedConfiguration
from catalog_service.feeds.currencies import check_shop_currency
from catalog_service.normalizing.normalize import Normalized, Standing, digest_of
from catalog_service.normalizing.variations import Member
from common.errors import Refusal

from ..catalog_families import StaticLookups, errors, evaluated, feed, member, normalized

ONLINE = Standing(is_online=True, live_locale="en_US")


def prices_of(result: Normalized) -> dict[str, tuple[str, str | None]]:
    return {o.sku_code: (o.price, o.discount_price) for o in result.offers or ()}


def refusers_of(result: Normalized) -> set[str]:
    return {issue.refused_by for issue in result.issues if issue.severity == "error"}


def stock_of(result: Normalized) -> dict[str, int]:
    return {sku.sku_code: sku.inventory for sku in result.stock or ()}


def family(**of_a: Any) -> tuple[Member, ...]:
    """Two children, of which a is the one with changes."""
    return (
        member("p"),
        member("a", "p", size="S", **of_a),
        member("b", "p", size="M", stock="0"),
    )


@pytest.mark.parametrize(
    ("of_a", "refuser"),
    [
        ({"price": "12 EUR"}, "channel"),
        ({"price": "0 EUR"}, "aliexpress"),
        ({"price": "on request"}, "aliexpress"),
        ({"price": "-10"}, "aliexpress"),
        ({"sale": "8 EUR"}, "channel"),
        ({"sale": "18 EUR"}, "aliexpress"),
        ({"price_es": "8 EUR"}, "channel"),
        ({"price_es": "5 EUR"}, "aliexpress"),
        ({"sale": "8", "discount_from": "soon"}, "channel"),
        ({"stock": "many"}, "aliexpress"),
    ],
)
def test_the_channel_alone_refuses_what_aliexpress_would_take_otherwise_than_meant(
    of_a: dict[str, str], refuser: str
) -> None:
    assert refusers_of(evaluated(*family(**of_a))) == {refuser}


@pytest.mark.parametrize(("stock_of_b", "refuser"), [("3", "channel"), ("0", "aliexpress")])
def test_a_missing_stock_is_missed_by_aliexpress_where_no_other_sku_has_some(
    stock_of_b: str, refuser: str
) -> None:
    a, b = member("a", "p", size="S", stock=""), member("b", "p", size="M", stock=stock_of_b)
    assert refusers_of(evaluated(member("p"), a, b)) == {refuser}


@pytest.mark.parametrize(
    "of_a",
    [
        {"price": ""},
        {"price": "on request"},
        {"price": "-10"},
        {"price": "12 EUR"},
        {"price": "0"},
        {"price": "1000000"},
        {"sale": "11"},
        {"sale": "n/a"},
        {"sale": "-1"},
        {"sale": "€8"},
    ],
)
def test_a_bad_price_holds_back_its_own_skus_price_alone(of_a: dict[str, str]) -> None:
    result = evaluated(*family(**of_a))
    assert prices_of(result) == {"b": ("10.00", None)}
    assert stock_of(result) == {"a": 5, "b": 0}
    assert result.offers_part is not None
    assert not result.offers_part.is_valid
    assert [issue.sku for issue in result.offers_part.issues] == ["a"]
    assert result.stock_part is not None
    assert result.stock_part.is_valid
    assert result.state == "offers_invalid"


@pytest.mark.parametrize(
    ("written", "sent"), [("999999.004", "999999.00"), ("999999.005", None), ("0.005", "0.01")]
)
def test_a_price_is_in_range_or_not_as_it_is_sent(written: str, sent: str | None) -> None:
    result = evaluated(member("a", price=written))
    assert prices_of(result) == ({} if sent is None else {"a": (sent, None)})


@pytest.mark.parametrize("stock", ["", "plenty", "2.5", "5 pcs", "1e3", "٥", "4,5"])
def test_a_bad_stock_holds_back_itself_alone(stock: str) -> None:
    result = evaluated(*family(stock=stock))
    assert prices_of(result) == {"a": ("10.00", None), "b": ("10.00", None)}
    assert stock_of(result) == {"b": 0}
    assert result.offers is not None
    assert [offer.inventory for offer in result.offers] == [None, 0]
    assert result.offers_part is not None
    assert result.offers_part.is_valid
    assert result.state == "offers_invalid"
    [issue] = [issue for issue in result.issues if issue.rule == "M4.3"]
    assert (issue.sku, issue.value) == ("a", stock or None)


@pytest.mark.parametrize("price_es", ["n/a", "6.99", "£9", "-9"])
def test_a_bad_country_price_is_that_countrys_alone(price_es: str) -> None:
    result = evaluated(*family(price_es=price_es, sale="8"))
    assert prices_of(result)["a"] == ("10.00", "8.00")
    assert result.offers is not None
    assert (result.offers[0].country_prices, result.offers[0].kept_countries) == ([], ["ES"])
    assert ("M3.8", "sku_info_list > multi_country_price_configuration > ES") in errors(result)
    assert stock_of(result) == {"a": 5, "b": 0}


def test_a_bad_country_discount_keeps_the_countrys_price_as_it_is() -> None:
    match = {"price": {"field": "price_es"}, "discount_price": {"field": "sale_es"}}
    result = evaluated(member("a", price_es="9", sale_es="9.5"), country_prices={"ES": match})
    assert result.offers is not None
    assert result.offers[0].kept_countries == ["ES"]


@pytest.mark.parametrize("stock", ["-4", "4-", "(4)", "−4", -4, "-1,000"], ids=repr)
def test_a_stock_below_zero_is_none_left_with_advice(stock: str | int) -> None:
    result = evaluated(member("a", stock=stock), standing=ONLINE)
    assert stock_of(result) == {"a": 0}
    assert errors(result) == []
    assert str(stock) in {issue.value for issue in result.issues if issue.rule == "M4.3"}


def test_more_stock_than_the_marketplace_takes_is_cut_with_advice() -> None:
    result = evaluated(member("a", stock="2,000,000"))
    assert stock_of(result) == {"a": 999_999}
    assert "M4.3" in {issue.rule for issue in result.issues}


def test_an_unmanaged_stock_is_named_nowhere() -> None:
    form = feed().form.model_dump(by_alias=True, exclude_none=True)
    del form["attributes"]["inventory"]
    compiled = compile_feed("m", "f", 1, FeedConfiguration.model_validate(form))
    result = normalized(compiled, member("a"), standing=ONLINE)
    assert isinstance(result, Normalized)
    assert (result.stock, result.state) == ([], "valid")
    new = normalized(compiled, member("a"))
    assert isinstance(new, Normalized)
    assert (new.state, errors(new)) == ("offers_invalid", [("M4.3", "sku_info_list > inventory")])


def test_of_a_code_that_two_children_have_neither_price_nor_stock_is_known() -> None:
    result = evaluated(
        member("p"),
        member("a", "p", size="S", code="X"),
        member("b", "p", size="M", code="X", stock="0"),
        member("c", "p", size="L", code="Y", stock="0"),
        attributes={"sku_code": {"field": "code"}},
    )
    assert (list(prices_of(result)), stock_of(result)) == (["Y"], {"Y": 0})
    assert result.state == "invalid"


def test_a_change_of_what_is_valid_beside_an_issue_is_a_new_state() -> None:
    before = evaluated(*family(price="n/a"))
    restocked = evaluated(
        member("p"), member("a", "p", size="S", price="n/a"), member("b", "p", size="M")
    )
    assert digest_of(before, shop_id="s") != digest_of(restocked, shop_id="s")
    dearer = evaluated(
        member("p"),
        member("a", "p", size="S", price="n/a"),
        member("b", "p", size="M", stock="0", price="11"),
    )
    assert digest_of(before, shop_id="s") != digest_of(dearer, shop_id="s")
    assert digest_of(before, shop_id="s") == digest_of(evaluated(*family(price="n/a")), shop_id="s")


# -- numbers as catalogues write them ----------------------------------------------------------

COMMA = {"units": {"decimal": ","}}


@pytest.mark.parametrize(
    ("fields", "changes", "price", "weight"),
    [
        pytest.param({"price": ".99"}, {}, "0.99", "0.500", id="leading point"),
        pytest.param({"price": ",99"}, COMMA, "0.99", "500.000", id="leading comma"),
        pytest.param({"weight": ".35"}, {"units": {}}, "10.00", "0.350", id="weight"),
        pytest.param(
            {"price": "19,90"},
            COMMA | {"attributes": {"package_weight": {"field": "weight", "default": 0.5}}},
            "19.90",
            "0.500",
            id="a default is a number",
        ),
        pytest.param({"price": 19.125}, COMMA, "19.13", "500.000", id="a JSON number is one"),
        pytest.param({"price": 12.345}, COMMA, "12.35", "500.000", id="three decimals"),
        pytest.param({"weight": 0.125}, COMMA, "10.00", "0.125", id="a weight in JSON"),
        pytest.param(
            {"price": "19,90"},
            COMMA
            | {
                "attributes": {
                    "price": {"template": "{{ price | replace(',', '.') | float * 1.25 }}"}
                }
            },
            "24.88",
            "500.000",
            id="a template's number",
        ),
        pytest.param(
            {"size": "xl"},
            COMMA | {"attributes": {"price": {"map": {"from": "size", "values": {"XL": 12.5}}}}},
            "12.50",
            "500.000",
            id="a map's number",
        ),
        pytest.param(
            {},
            COMMA | {"attributes": {"price": {"constant": 7.5}}},
            "7.50",
            "500.000",
            id="constant",
        ),
        pytest.param({"price": "1 234,50 $"}, COMMA, "1234.50", "500.000", id="narrow blank"),
        pytest.param({"weight": "1.2 kg"}, {}, "10.00", "1.200", id="its own unit"),
        pytest.param({"weight": "8 oz"}, {}, "10.00", "0.227", id="its own unit, ounces"),
    ],
)
def test_numbers_are_read_by_what_they_are(
    fields: dict[str, Any], changes: dict[str, Any], price: str, weight: str
) -> None:
    result = evaluated(member("a", **fields), **changes)
    assert errors(result) == []
    assert prices_of(result)["a"][0] == price
    assert result.content is not None
    assert result.content.package_weight_kg == weight


@pytest.mark.parametrize(
    ("changed", "rule", "field_name", "shown"),
    [
        ({"price": "0,350"}, "M3.9", "sku_info_list > price", "0,350"),
        ({"price": "€20"}, "M3.9", "sku_info_list > price", "€20"),
        ({"price": "18 eur"}, "M3.9", "sku_info_list > price", "18 eur"),
        ({"price": "4-"}, "M3.9", "sku_info_list > price", "4-"),
        ({"price": 1e300}, "M3.9", "sku_info_list > price", "1e+300"),
        ({"price": "9" * 40}, "M3.9", "sku_info_list > price", "9" * 40),
        ({"price": True}, "M3.9", "sku_info_list > price", "true"),
        ({"price": ["10", "12"]}, "M3.9", "sku_info_list > price", None),
        ({"sale": ".5.0"}, "M3.9", "sku_info_list > discount_price", ".5.0"),
        ({"weight": "12 stone"}, "M3.13", "package_weight", "12 stone"),
        ({"weight": "0,35"}, "M3.13", "package_weight", "0,35"),
        ({"weight": "-5"}, "M3.13", "package_weight", "-5"),
        ({"weight": "0"}, "M3.13", "package_weight", "0"),
        ({"weight": 9e14}, "M3.13", "package_weight", "900000000000000.0"),
        ({"days": "2.7"}, "M3.10", "shipping_preparation_time", "2.7"),
        ({"days": 2.7}, "M3.10", "shipping_preparation_time", "2.7"),
        ({"days": "3 weeks"}, "M3.10", "shipping_preparation_time", "3 weeks"),
        ({"days": "0"}, "M3.10", "shipping_preparation_time", "0"),
        ({"days": "-3"}, "M3.10", "shipping_preparation_time", "-3"),
        ({"length": "30 x 20"}, "M3.13", "package_length", "30 x 20"),
        ({"length": "9 m"}, "M3.13", "package_length", "9 m"),
    ],
)
def test_a_text_that_is_not_used_whole_is_an_issue_that_shows_it(
    changed: dict[str, Any], rule: str, field_name: str, shown: str | None
) -> None:
    days = {"field": "days", "default": 3}
    length = {"field": "length", "default": 255}
    attributes = {"shipping_preparation_time": days, "package_length": length}
    result = evaluated(member("a", **changed), attributes=attributes)
    found = [i for i in result.issues if i.severity == "error"]
    assert [(i.rule, i.field, i.value) for i in found] == [(rule, field_name, shown)]
    assert found[0].remedy


# -- the shop's currency -----------------------------------------------------------------------


def test_in_another_currency_than_the_shops_no_price_is_sent() -> None:
    foreign = StaticLookups(shop_currency="EUR")
    result = evaluated(*family(), lookups=foreign)
    assert errors(result) == [("M3.9", "currency")]
    assert (result.offers, result.state) == (None, "offers_invalid")
    assert stock_of(result) == {"a": 5, "b": 0}
    assert evaluated(*family(), lookups=foreign, currency="EUR").state == "valid"
    assert evaluated(*family(), lookups=StaticLookups(shop_currency="USD")).state == "valid"


def test_a_feed_in_another_currency_than_its_shops_is_refused() -> None:
    check_shop_currency("USD", None)
    check_shop_currency("USD", "USD")
    with pytest.raises(Refusal, match="EUR") as refused:
        check_shop_currency("USD", "EUR")
    assert (refused.value.status, refused.value.field) == (422, "currency")
