"""From which source field each value of a SKU came, by which match, and what leaves it out."""

from collections.abc import Sequence
from typing import Any

import pytest

from catalog_service.normalizing.variations import Member
from catalog_service.preview.explain import Explained, explain_sku, sources_of_issue
from common.errors import Issue

from ..catalog_families import evaluated, feed, member


def explained(
    sku: str, *members: Member, family: str = "p", was_parent: bool = False, **changes: Any
) -> Explained | None:
    return explain_sku(feed(**changes), family, members, sku, was_parent=was_parent)


def family() -> Sequence[Member]:
    return (
        member("p", brand="Lumo"),
        member("p-1", "p", size="S", price="12", titulo="Camisa"),
        member("p-2", "p", size="M", price="13"),
    )


def fields_of(found: Explained | None) -> dict[str, tuple[str, dict[str, Any], Any]]:
    assert found is not None
    return {match.field: (match.product_id, match.sources, match.value) for match in found.matches}


def test_the_parents_row_fills_the_product_and_the_skus_own_row_the_sku() -> None:
    found = explained("p-1", *family())
    assert found is not None
    assert (found.product_id, found.category_path, found.category_id) == ("p-1", "Shirts", "5")
    fields = fields_of(found)
    assert fields["title_multi_language_list > en_US"] == ("p", {"title": "Shirt"}, "Shirt")
    assert fields["category_attributes > Brand Name"] == ("p", {"brand": "Lumo"}, "Lumo")
    assert fields["sku_info_list > price"] == ("p-1", {"price": "12"}, "12")
    assert fields["sku_info_list > sku_attributes > Size"] == ("p-1", {"size": "S"}, "S")
    assert fields["product_units_type"] == ("p", {}, "piece/pieces")


def test_a_simple_product_fills_both() -> None:
    fields = fields_of(explained("p", member("p")))
    assert {product for product, _, _ in fields.values()} == {"p"}
    assert fields["sku_info_list > sku_code"][2] == "p"


@pytest.mark.parametrize(
    ("match", "sources", "value"),
    [
        (
            {"template": "{{ brand }} {{ fields['colour'] }}"},
            {"brand": "Lumo", "colour": "red"},
            "Lumo red",
        ),
        ({"template": "{{ parent.brand }}"}, {"brand": "Lumo"}, "Lumo"),
        ({"map": {"from": "brand", "values": {"lumo": "yes"}}}, {"brand": "Lumo"}, "yes"),
        (
            {"map": {"from": {"template": "{{ colour }}"}, "values": {"red": "1"}}},
            {"colour": "red"},
            "1",
        ),
        ({"constant": "x"}, {}, "x"),
        ({"field": "absent", "default": "d"}, {"absent": None}, "d"),
    ],
)
def test_every_kind_of_match_names_its_source_fields(
    match: dict[str, Any], sources: dict[str, Any], value: str
) -> None:
    rows = (member("p", brand="Lumo"), member("p-1", "p", brand="Lumo", colour="red"))
    fields = fields_of(explained("p-1", *rows, attributes={"ean_code": match}))
    assert fields["sku_info_list > ean_code"] == ("p-1", sources, value)


def test_a_match_that_fails_says_why() -> None:
    found = explained("p", member("p"), attributes={"ean_code": {"template": "{{ missing }}"}})
    assert found is not None
    [match] = [m for m in found.matches if m.field == "sku_info_list > ean_code"]
    assert match.value is None
    assert "missing" in (match.failure or "")


def test_a_sku_is_found_by_its_code_and_else_by_its_products_id() -> None:
    sku = {"sku_code": {"template": "SKU-{{ product_id }}"}}
    by_code = explained("SKU-p-2", *family(), attributes=sku)
    by_id = explained("p-2", *family(), attributes=sku)
    unknown = explained("other", *family(), attributes=sku)
    assert by_code is not None
    assert by_id is not None
    assert unknown is not None
    assert (by_code.product_id, by_id.product_id, unknown.product_id) == ("p-2", "p-2", None)
    assert not any(m.field.startswith("sku_info_list") for m in unknown.matches)


def test_the_rules_that_leave_it_out_are_named_by_their_places() -> None:
    rules = {"any": [{"field": "brand", "equals": "Lumo"}, {"field": "size", "equals": "S"}]}
    small, medium = (explained(sku, *family(), exclude=rules) for sku in ("p-1", "p-2"))
    assert small is not None
    assert medium is not None
    assert small.excluded_by == ["exclude.any.0", "exclude.any.1"]
    assert medium.excluded_by == ["exclude.any.0"]
    kept = explained("p-1", *family())
    assert kept is not None
    assert kept.excluded_by == []


def test_without_a_row_that_could_be_a_sku_there_is_nothing_to_explain() -> None:
    assert explained("p") is None
    assert explained("p", member("p"), was_parent=True) is None


@pytest.mark.parametrize(
    ("broken", "field", "sources"),
    [
        ({"price": "a lot"}, "sku_info_list > price", {"price": "a lot"}),
        ({"material": "Jute"}, "category_attributes > Material", {"material": "Jute"}),
        ({"title": ""}, "title_multi_language_list > en_US", {"title": ""}),
        ({"category": "Other"}, "category_id", {"category": "Other"}),
        ({"weight": "heavy"}, "package_weight", {"weight": "heavy"}),
        ({"stock": "-3"}, "sku_info_list > inventory", {"stock": "-3"}),
    ],
)
def test_an_issue_is_traced_to_the_source_field_of_its_value(
    broken: dict[str, str], field: str, sources: dict[str, str]
) -> None:
    row = member("p", **broken)
    [issue] = [i for i in evaluated(row).issues if i.severity == "error" and i.field == field]
    found = explained("p", row)
    assert found is not None
    assert sources_of_issue(issue, found.matches) == sources


def test_an_issue_of_a_whole_list_is_traced_to_all_that_fill_it() -> None:
    found = explained("p", member("p", titulo="Camisa"))
    assert found is not None
    advice = Issue("M3.14", "title_multi_language_list", "all capitals", "Write it.")
    assert sources_of_issue(advice, found.matches) == {"title": "Shirt", "titulo": "Camisa"}
    assert sources_of_issue(Issue("M7.5", "product", "failed", "Wait."), found.matches) == {}
