"""Parents, children, and rows that are neither (M4.1, M4.3, M7.3)."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog_service.normalizing.normalize import Normalized, Standing, normalize
from catalog_service.normalizing.variations import Member

from ..catalog_families import NOW, StaticLookups, errors, evaluated, feed, member

OF_CODE: dict[str, Any] = {"attributes": {"sku_code": {"field": "code"}}}
WAS_PARENT = Standing(is_online=True, live_locale="en_US", was_parent=True)


def test_a_parent_whose_last_child_went_is_deleted_though_its_row_stays() -> None:
    whole = evaluated(member("p"), member("a", "p", size="S"))
    assert (whole.absent_reason, whole.is_parent) == (None, True)
    left = evaluated(member("p"), standing=WAS_PARENT)
    assert (left.absent_reason, left.is_parent) == ("deleted", True)
    back = evaluated(member("p"), member("b", "p", size="M"), standing=WAS_PARENT)
    assert (back.state, back.sku_codes) == ("valid", ["b"])


def test_a_row_that_was_deleted_itself_begins_again() -> None:
    gone = normalize(feed(), "p", [], StaticLookups(), at=NOW, standing=WAS_PARENT)
    assert isinstance(gone, Normalized)
    assert (gone.absent_reason, gone.is_parent) == ("deleted", False)
    assert evaluated(member("p"), standing=Standing()).state == "valid"


@pytest.mark.parametrize("price", ["", "0", 0, "0.00", None])
def test_a_row_with_neither_code_nor_price_is_no_simple_product(price: object) -> None:
    result = evaluated(member("p", code="", price=price, stock="15"), **OF_CODE)
    (issue,) = [issue for issue in result.issues if issue.severity == "error"]
    assert (issue.rule, issue.field, issue.value) == ("M4.1", "parent_id", "p")
    assert (result.sku_codes, result.offers, result.stock) == ([], None, [])


@pytest.mark.parametrize(
    ("fields", "rules"),
    [
        ({"code": "X", "price": ""}, {"M3.9"}),
        ({"code": "", "price": "10"}, {"M3.3"}),
        ({"code": "", "price": "n/a"}, {"M3.3", "M3.9"}),
    ],
)
def test_a_row_with_one_of_them_is_a_simple_product(
    fields: dict[str, str], rules: set[str]
) -> None:
    result = evaluated(member("a", **fields), **OF_CODE)
    assert {rule for rule, _ in errors(result)} == rules


@pytest.mark.parametrize("synthesise", [False, True])
def test_a_grandchild_is_told_apart_from_an_orphan(synthesise: bool) -> None:
    result = evaluated(
        Member("b", "top", {"title": "Shirt"}),
        member("c", "b", size="S"),
        member("d", "b", size="M"),
        synthesise_parents=synthesise,
        family="b",
    )
    found = [issue for issue in result.issues if issue.rule == "M4.1"]
    assert [(issue.sku, issue.value) for issue in found] == [("c", "b"), ("d", "b")]
    assert "'top'" in found[0].message
    assert (result.content, result.sku_codes, result.product_ids) == (None, ["c", "d"], ["c", "d"])


def test_a_child_without_children_is_of_its_parents_family_alone() -> None:
    result = normalize(feed(), "b", [member("b", "top")], StaticLookups(), at=NOW)
    assert isinstance(result, Normalized)
    assert (result.absent_reason, result.product_ids) == ("deleted", [])


EVENTS = st.lists(st.tuples(st.sampled_from("pab"), st.booleans()), min_size=1, max_size=8)


@settings(deadline=None)
@given(EVENTS)
def test_a_parent_is_never_sold(events: list[tuple[str, bool]]) -> None:
    """Rows come and go in any order; once it had children, the parent is no SKU while it stays."""
    rows: dict[str, Member] = {}
    standing = Standing()
    for name, is_there in events:
        if is_there:
            rows[name] = member(name, None if name == "p" else "p", size={"a": "S"}.get(name, "M"))
        else:
            rows.pop(name, None)
        result = normalize(
            feed(), "p", list(rows.values()), StaticLookups(), at=NOW, standing=standing
        )
        assert isinstance(result, Normalized)
        children = sorted(rows.keys() - {"p"})
        if children:
            assert result.sku_codes == children
        elif standing.was_parent or not rows:
            assert result.absent_reason == "deleted"
        else:
            assert result.sku_codes == ["p"]
        standing = Standing(was_parent=bool(result.is_parent))
        assert standing.was_parent or not children
