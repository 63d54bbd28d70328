"""One family through one feed, on a schema with the quirks of real ones."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from catalog_service.normalizing.descriptions import safe_html
from catalog_service.normalizing.normalize import (
    MOST_SKUS,
    Normalized,
    Standing,
    Waiting,
    digest_of,
    normalize,
)

from ..catalog_families import (
    NOW,
    NothingKnown,
    StaticLookups,
    errors,
    evaluated,
    feed,
    member,
    normalized,
)


def test_a_simple_product_is_filled_whole() -> None:
    result = evaluated(
        member("a", sale="8", price_es="9", titulo="Camisa", style="Boho", model="longest")
    )
    assert errors(result) == []
    content, offers = result.content, result.offers
    assert content is not None
    assert offers is not None
    assert content.category_attributes["Material"].value == ["47", "48"]
    assert content.category_attributes["Style"].custom_value == "Boho"
    assert content.category_attributes["Model"].value == "longe"
    assert (content.package_weight_kg, content.package_length_cm) == ("0.500", 26)
    assert content.package_height_cm == 1
    assert [text.locale for text in content.titles] == ["en_US", "es_ES"]
    assert content.service_template_id == "0"
    assert (offers[0].price, offers[0].discount_price, offers[0].inventory) == ("10.00", "8.00", 5)
    assert offers[0].country_prices[0].price == "9.00"


@pytest.mark.parametrize(
    ("changed", "rule", "field_name"),
    [
        ({"title": ""}, "M3.6", "title_multi_language_list > en_US"),
        ({"title": "x" * 219}, "M3.6", "title_multi_language_list > en_US"),
        ({"title": "a <b>"}, "M3.6", "title_multi_language_list > en_US"),
        ({"description": "<script>x</script>"}, "M3.7", "description_multi_language_list > en_US"),
        ({"images": ""}, "M3.5", "image_url_list"),
        ({"images": "ftp://x/1.jpg"}, "M3.5", "image_url_list"),
        ({"material": "Silk"}, "M3.12", "category_attributes > Material"),
        ({"material": ""}, "M3.12", "category_attributes > Material"),
        ({"brand": "Acme"}, "M3.12", "category_attributes > Brand Name"),
        ({"category": "Hats"}, "M2.2", "category_id"),
        ({"category": ""}, "M2.2", "category_id"),
        ({"category": "Closed"}, "M2.1", "category_id"),
        ({"weight": "heavy"}, "M3.13", "package_weight"),
        ({"weight": "900000"}, "M3.13", "package_weight"),
        ({"price": ""}, "M3.9", "sku_info_list > price"),
        ({"price": "0"}, "M3.9", "sku_info_list > price"),
        ({"price": "12 EUR"}, "M3.9", "sku_info_list > price"),
        ({"sale": "11"}, "M3.9", "sku_info_list > discount_price"),
        ({"stock": "many"}, "M4.3", "sku_info_list > inventory"),
        ({"stock": ""}, "M4.3", "sku_info_list > inventory"),
        ({"price_es": "6.99"}, "M3.8", "sku_info_list > multi_country_price_configuration > ES"),
    ],
)
def test_a_fault_is_named_with_its_rule(
    changed: dict[str, str], rule: str, field_name: str
) -> None:
    result = evaluated(member("a", **changed))
    assert (rule, field_name) in errors(result)
    assert all(issue.remedy for issue in result.issues)
    is_offer = field_name.startswith("sku_info_list")
    assert (result.content is None) is not is_offer
    assert result.state == ("offers_invalid" if is_offer else "content_invalid")


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"attributes": {"shipping_template_id": {"constant": "unknown"}}}, "M3.10"),
        ({"attributes": {"product_group_id": {"constant": "1"}}}, "M3.13"),
        ({"attributes": {"inventory_deduction_strategy": {"constant": "never"}}}, "M3.4"),
        ({"attributes": {"product_units_type": {"constant": "crate"}}}, "M3.2"),
        ({"attributes": {"shipping_preparation_time": {"constant": 90}}}, "M3.10"),
        ({"attributes": {"sku_code": {"field": "sku"}}}, "M3.3"),
        ({"languages": {"en_US": {"title": {"field": "title"}, "description": {"field": "title"}},
                        "xx_XX": {"title": {"field": "title"}}}}, "M3.1"),
    ],
    ids=["template", "no group", "strategy", "unit", "days", "no code", "language"],
)  # fmt: skip
def test_a_configuration_fault_is_named(changes: dict[str, Any], rule: str) -> None:
    assert rule in {found for found, _ in errors(evaluated(member("a"), **changes))}


def test_a_title_may_be_cut_with_advice() -> None:
    result = evaluated(member("a", title="word " * 60), title_too_long="truncate")
    assert result.content is not None
    assert len(result.content.titles[0].text) <= 218
    assert "M3.6" in {issue.rule for issue in result.issues}


def test_a_bad_picture_blocks_content_and_only_that() -> None:
    bad = StaticLookups(images={"https://p.example/2.jpg": "its server answered 404"})
    result = evaluated(member("a"), lookups=bad)
    assert (result.content, result.state) == (None, "content_invalid")
    issue = next(issue for issue in result.issues if issue.rule == "M3.5")
    assert issue.value == "https://p.example/2.jpg"
    assert result.image_urls
    assert evaluated(member("a"), lookups=bad, image_checks="off").state == "valid"


def test_what_is_not_there_yet_is_waited_for() -> None:
    assert normalized(feed(), member("a", category="New")) == Waiting("schema:7")
    waiting = normalized(feed(), member("a"), lookups=NothingKnown())
    assert isinstance(waiting, Waiting)
    assert waiting.waits_for == "image:https://p.example/1.jpg"


# -- families -------------------------------------------------------------------------------


def test_children_are_told_apart_by_their_attributes() -> None:
    result = evaluated(
        member("p"),
        member("a", "p", size="S", color="Teal"),
        member("b", "p", size="M", color="Red"),
    )
    assert errors(result) == []
    assert result.content is not None
    teal = result.content.skus[0].attributes["Color"]
    assert (teal.alias, teal.value) == ("Teal", "11")
    assert result.sku_codes == ["a", "b"]


def test_a_parent_is_never_a_sku() -> None:
    result = evaluated(member("p", price="", stock=""), member("a", "p", size="S"))
    assert result.sku_codes == ["a"]
    assert errors(result) == []


def test_a_missing_parent_is_reported_on_each_child_or_made() -> None:
    children = (member("a", "p", size="S"), member("b", "p", size="M"))
    result = evaluated(*children)
    assert [i.sku for i in result.issues if i.rule == "M4.1"] == ["a", "b"]
    assert result.state == "content_invalid"
    assert evaluated(*children, synthesise_parents=True).state == "valid"


def test_the_same_combination_names_both_children() -> None:
    result = evaluated(member("p"), member("a", "p", size="S"), member("b", "p", size="s"))
    issue = next(issue for issue in result.issues if issue.rule == "M4.2")
    assert "a" in issue.message
    assert "b" in issue.message


def test_a_child_without_attributes_is_reported() -> None:
    result = evaluated(member("p"), member("a", "p", size="S"), member("b", "p"))
    assert ("M4.2", "sku_info_list > sku_attributes") in errors(result)


def test_a_code_twice_in_a_family_is_reported() -> None:
    codes: dict[str, Any] = {"attributes": {"sku_code": {"field": "code"}}}
    result = evaluated(
        member("p"),
        member("a", "p", size="S", code="X"),
        member("b", "p", size="M", code="X"),
        **codes,
    )
    assert result.state == "invalid"
    assert ("M3.3", "sku_info_list > sku_code") in errors(result)


def test_a_family_larger_than_any_product_has_one_issue() -> None:
    children = [member(f"c{n}", "p", size=str(n), color="Red") for n in range(MOST_SKUS + 1)]
    too_large = evaluated(member("p", price="", sku=""), *children)
    assert errors(too_large) == [("M4.1", "parent_id")]
    assert "2,001" in too_large.issues[0].message
    assert (too_large.state, too_large.product_ids) == ("invalid", [])


def test_an_excluded_child_leaves_its_family_and_the_last_takes_it_along() -> None:
    rule = {"field": "size", "equals": "S"}
    members = (member("p"), member("a", "p", size="S"), member("b", "p", size="M"))
    assert evaluated(*members, exclude=rule).sku_codes == ["b"]
    assert evaluated(*members[:2], exclude=rule).absent_reason == "excluded"
    assert (
        evaluated(*members, exclude={"field": "category", "equals": "Shirts"}).absent_reason
        == "excluded"
    )


def test_no_members_is_absent() -> None:
    result = normalize(feed(), "p", [], StaticLookups(), at=NOW)
    assert isinstance(result, Normalized)
    assert result.absent_reason == "deleted"


def test_another_main_language_than_online_is_refused() -> None:
    result = evaluated(member("a"), standing=Standing(is_online=True, live_locale="es_ES"))
    assert ("M3.1", "locale") in errors(result)
    assert result.offers is not None
    online = Standing(is_online=True, live_locale="en_US")
    assert evaluated(member("a"), standing=online).state == "valid"


@given(st.permutations([("p", None), ("a", "p"), ("b", "p"), ("c", "p")]))
def test_the_order_of_arrival_never_matters(order: list[tuple[str, str | None]]) -> None:
    sizes = {"a": "S", "b": "M", "c": "L"}
    members = [member(name, parent, size=sizes.get(name, "")) for name, parent in order]
    first = [member(name, parent, size=sizes.get(name, "")) for name, parent in sorted(order)]
    assert digest_of(evaluated(*members), shop_id="s") == digest_of(evaluated(*first), shop_id="s")


# -- texts ----------------------------------------------------------------------------------


@given(st.text(max_size=200))
@example("a\r\nb")
@example("0\n\x00")
@example("a\n&#1;")
def test_safe_html_is_a_fixed_point(text: str) -> None:
    once = safe_html(text)
    assert safe_html(once) == once or "<" not in once


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script><p>x</p>",
        "<p onclick=alert(1)>x</p>",
        '<a href="javascript:alert(1)">x</a>',
        "<svg><script>1</script></svg><p>x</p>",
        "<style>@import 'x'</style><p>x</p>",
        "<iframe src=x></iframe><p>x</p>",
    ],
)
def test_nothing_active_is_left(text: str) -> None:
    cleaned = safe_html(text).casefold()
    for word in ("script", "onclick", "javascript", "@import", "iframe", "svg"):
        assert word not in cleaned
