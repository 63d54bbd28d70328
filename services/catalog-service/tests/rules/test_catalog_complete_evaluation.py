"""One evaluation says all: no error hides another, advice stands beside errors (M3, M6.1)."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog_service.categories.schema import missing_attributes
from catalog_service.normalizing.normalize import Normalized, Standing, digest_of

from ..catalog_families import SCHEMA, StaticLookups, errors, evaluated, member

DEAD = StaticLookups(images={"https://p.example/2.jpg": "its server answered 404"})
TITLE = "title_multi_language_list > en_US"
DESCRIPTION = "description_multi_language_list > en_US"
PRICE = "sku_info_list > price"
STOCK = "sku_info_list > inventory"
DEFECTS: dict[str, tuple[dict[str, Any], tuple[str, str]]] = {
    "category": ({"category": "Hats"}, ("M2.2", "category_id")),
    "title": ({"title": ""}, ("M3.6", TITLE)),
    "description": ({"description": ""}, ("M3.7", DESCRIPTION)),
    "price": ({"price": "n/a"}, ("M3.9", PRICE)),
    "weight": ({"weight": "heavy"}, ("M3.13", "package_weight")),
    "stock": ({"stock": "plenty"}, ("M4.3", STOCK)),
    "code": ({"code": ""}, ("M3.3", "sku_info_list > sku_code")),
}
OF_CODE: dict[str, Any] = {"attributes": {"sku_code": {"field": "code"}}}
ONLINE = Standing(is_online=True, live_locale="en_US")


def advised(result: Normalized) -> set[tuple[str, str]]:
    return {(i.rule, i.field) for i in result.issues if i.severity == "advice"}


@settings(deadline=None)
@given(st.sets(st.sampled_from(sorted(DEFECTS))))
def test_every_defect_is_found_whatever_else_is_wrong(defects: set[str]) -> None:
    fields: dict[str, Any] = {"code": "X"}
    for defect in defects:
        fields |= DEFECTS[defect][0]
    result = evaluated(member("a", **fields), lookups=DEAD, **OF_CODE)
    assert set(errors(result)) == {DEFECTS[d][1] for d in defects} | {("M3.5", "image_url_list")}
    assert ("M3.14", "image_url_list") in advised(result)


@pytest.mark.parametrize("category", ["Hats", "", "Closed"])
def test_without_a_category_all_is_checked_that_holds_in_any(category: str) -> None:
    result = evaluated(
        member("a", category=category, title="", images="ftp://x/1.jpg", price="", stock="x"),
        attributes={"package_weight": {"field": "weight"}},
    )
    assert {field for _, field in errors(result)} == {
        *("category_id", TITLE, "image_url_list", "package_weight", PRICE, STOCK)
    }
    assert not result.content_part or not result.content_part.is_valid
    assert result.content is None
    issues = [issue for issue in result.issues if issue.severity == "error"]
    assert {TITLE, "package_weight", PRICE} <= set(missing_attributes(issues))


def test_children_without_a_category_are_not_asked_for_its_attributes() -> None:
    result = evaluated(
        member("p", category="Hats"), member("a", "p", size="S"), member("b", "p", size="M")
    )
    assert errors(result) == [("M2.2", "category_id")]
    assert result.offers is not None
    assert len(result.offers) == 2


def test_a_missing_title_does_not_hide_a_dead_picture() -> None:
    result = evaluated(member("a", title=""), lookups=DEAD)
    assert errors(result) == [("M3.6", TITLE), ("M3.5", "image_url_list")]
    assert result.image_urls == ["https://p.example/1.jpg", "https://p.example/2.jpg"]


def test_a_seventh_picture_is_advised() -> None:
    seven = "|".join(f"https://p.example/{n}.jpg" for n in range(1, 8))
    result = evaluated(member("a", images=seven, title="SHOUTED ALL THE WAY"))
    assert errors(result) == []
    assert result.content is not None
    assert len(result.content.image_urls) == 6
    (issue,) = [issue for issue in result.issues if issue.field == "image_url_list"]
    assert (issue.severity, issue.value) == ("advice", "https://p.example/7.jpg")
    assert ("M3.14", "title_multi_language_list") in advised(result)
    six = seven.rsplit("|", 1)[0]
    assert "image_url_list" not in {i.field for i in evaluated(member("a", images=six)).issues}


# -- stock -----------------------------------------------------------------------------------


def test_without_stock_a_new_product_has_an_issue_and_one_online_has_none() -> None:
    new = evaluated(member("a", stock="0"))
    assert (new.state, errors(new)) == ("offers_invalid", [("M4.3", STOCK)])
    assert new.stock is not None
    assert [sku.inventory for sku in new.stock] == [0]
    online = evaluated(member("a", stock="0"), standing=ONLINE)
    assert (online.state, errors(online)) == ("valid", [])
    assert digest_of(new, shop_id="s") != digest_of(online, shop_id="s")


def test_stock_in_one_child_is_enough() -> None:
    family = [member("p", stock=""), member("a", "p", size="S", stock="0")]
    assert errors(evaluated(*family)) == [("M4.3", STOCK)]
    assert errors(evaluated(*family, member("b", "p", size="M", stock="1"))) == []


def test_a_stock_that_cannot_be_read_is_not_taken_for_none() -> None:
    result = evaluated(member("a", stock="x"))
    assert [issue.value for issue in result.issues if issue.rule == "M4.3"] == ["x"]


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (["999999"], [999_999]),
        (["2000000"], [999_999]),
        (["500000", "499999"], [500_000, 499_999]),
        (["999999", "1"], [499_999, 1]),
        (["999999", "999999", "0"], [333_333, 333_333, 0]),
        (["5000000", "-3", "12"], [333_333, 0, 12]),
    ],
)
def test_the_stock_of_a_family_is_sent_as_far_as_it_is_taken(
    given: list[str], sent: list[int]
) -> None:
    children = [
        member(f"c{n}", "p", color=f"Own {n}", size="S", stock=stock)
        for n, stock in enumerate(given)
    ]
    result = evaluated(member("p"), *children, sku_attributes={"Size": {"field": "size"}})
    assert result.stock is not None
    assert [sku.inventory for sku in result.stock] == sent
    assert result.offers is not None
    assert [offer.inventory for offer in result.offers] == sent
    assert sum(sent) <= 999_999
    changed = {f"c{n}" for n, stock in enumerate(given) if int(stock) != sent[n]}
    assert {i.sku for i in result.issues if i.rule == "M4.3"} == changed
    assert not [i for i in result.issues if i.rule == "M4.3" and i.severity == "error"]


# -- countries -------------------------------------------------------------------------------

TAKING: dict[str, Any] = {
    "multi_country_price_configuration": {
        "properties": {
            "country_price_list": {
                "items": {
                    "properties": {
                        "ship_to_country": {
                            "oneOf": [
                                {"const": "ES", "title": "ES"},
                                {"const": "FR", "title": "FR"},
                            ]
                        }
                    }
                }
            }
        }
    }
}
TAKEN = StaticLookups(body=SCHEMA | {"properties": SCHEMA["properties"] | TAKING})


def test_a_country_the_schema_does_not_take_is_an_issue_of_its_price_alone() -> None:
    prices = {c: {"price": {"field": f"price_{c.lower()}"}} for c in ("ES", "DE", "PT")}
    result = evaluated(
        member("a", price_es="9", price_de="9", sale="8"), lookups=TAKEN, country_prices=prices
    )
    assert errors(result) == [("M3.8", "sku_info_list > multi_country_price_configuration > DE")]
    assert result.offers is not None
    (offer,) = result.offers
    assert (offer.price, offer.discount_price, offer.kept_countries) == ("10.00", "8.00", ["DE"])
    assert [country.country for country in offer.country_prices] == ["ES"]


@pytest.mark.parametrize(
    ("countries", "asked_for"),
    [
        ([], None),
        (["FR"], None),
        (["ES", "ES"], None),
        (["US", "ES", "FR"], "FR"),
        (["US", "ES"], None),
    ],
)
def test_with_several_countries_a_price_of_each_is_asked_for(
    countries: list[str], asked_for: str | None
) -> None:
    result = evaluated(member("a", price_es="9"), lookups=TAKEN, countries=countries)
    assert errors(result) == []
    found = [i.message for i in result.issues if i.field == "multi_country_price_configuration"]
    assert found == ([f"the product has no price of its own for {asked_for}"] if asked_for else [])


def test_children_without_their_parent_lack_the_parent_and_not_what_its_row_would_say() -> None:
    result = evaluated(member("a", "p", size="S", category=""), member("b", "p", size="M"))
    assert {rule for rule, _ in errors(result)} == {"M4.1"}


# -- one cause, one issue ------------------------------------------------------------------------


def test_below_a_child_a_family_is_not_blamed_for_the_category() -> None:
    members = [member("p", "above"), member("a", "p", category="Hats", size="S")]
    assert errors(evaluated(*members, family="p")) == [("M4.1", "parent_id")]


@pytest.mark.parametrize("code", ["", "S" * 300])
def test_without_a_usable_code_the_lack_of_skus_is_no_issue_of_its_own(code: str) -> None:
    body = {**SCHEMA, "properties": SCHEMA["properties"] | {"sku_info_list": {"minItems": 1}}}
    result = evaluated(member("a", code=code), lookups=StaticLookups(body=body), **OF_CODE)
    assert set(errors(result)) == {("M3.3", "sku_info_list > sku_code")}
    assert result.content is None


def test_a_childless_parent_is_told_so_and_no_more() -> None:
    body = {**SCHEMA, "properties": SCHEMA["properties"] | {"sku_info_list": {"minItems": 1}}}
    lookups = StaticLookups(body=body)
    result = evaluated(member("a", code="", price=""), lookups=lookups, **OF_CODE)
    assert errors(result) == [("M4.1", "parent_id")]


@pytest.mark.parametrize(
    ("description", "is_missing"),
    [
        ("<p> </p><div>&nbsp;</div>", True),
        ("<p><br></p>", True),
        ("&lt;p&gt;&amp;nbsp;&lt;/p&gt;", True),
        ("&nbsp;", True),
        ("<p>\u200b\ufeff</p>", True),
        ('<p><img src="https://p.example/1.jpg"></p>', False),
        ("<p>.</p>", False),
        ("7", False),
    ],
)
def test_a_description_that_shows_nothing_is_missing(description: str, is_missing: bool) -> None:
    found = errors(evaluated(member("a", description=description)))
    assert found == ([("M3.7", DESCRIPTION)] if is_missing else [])
