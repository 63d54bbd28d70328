"""One place of a YAML file is changed, the others stay as they are written."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from channel_cli.yaml_edits import NotEdited, put

DOCUMENT = """\
# a feed
shop: main   # the shop
category:
  source: {field: category}
  exact:
    # guess: 0.9
    Shoes > Boots: "101"   # 12 rows
    # Shoes > Else: "7"

  # or one leaf for all
  prefix: {"": "5"}
category_attributes:
  Material: {field: stoff, default: Cotton}
  Long:
    constant: |
      several
      lines
  Brand Name:
    constant: NONE

# the end
attributes:
  price: {field: price}
"""


@pytest.mark.parametrize(
    ("path", "value", "before", "after"),
    [
        (
            ("category", "exact", "Shoes > Sandals"),
            "102",
            '"101"   # 12 rows\n',
            "\"101\"   # 12 rows\n    Shoes > Sandals: '102'\n",
        ),
        (("category", "exact", "Shoes > Boots"), "9", '"101"', "'9'"),
        (("category", "prefix", "A"), "6", '{"": "5"}', '{"": "5", A: \'6\'}'),
        (("category", "prefix", ""), "6", '{"": "5"}', "{\"\": '6'}"),
        (
            ("category_attributes", "Material"),
            {"field": "m"},
            "{field: stoff, default: Cotton}",
            "{field: m}",
        ),
        (
            ("category_attributes", "Shape"),
            {"field": "m"},
            "    constant: NONE\n",
            "    constant: NONE\n  Shape: {field: m}\n",
        ),
        (
            ("category_attributes", "Brand Name"),
            {"field": "b"},
            "  Brand Name:\n    constant: NONE\n",
            "  Brand Name: {field: b}\n",
        ),
        (
            ("category_attributes", "Long"),
            {"field": "b"},
            "  Long:\n    constant: |\n      several\n      lines\n",
            "  Long: {field: b}\n",
        ),
        (("shop",), "other", "shop: main   # the shop", "shop: other   # the shop"),
        (
            ("sku_attributes", "Color", "value"),
            {"field": "c"},
            "  price: {field: price}\n",
            "  price: {field: price}\nsku_attributes:\n  Color:\n    value: {field: c}\n",
        ),
    ],
)
def test_only_the_place_that_is_meant_changes(
    path: tuple[str, ...], value: Any, before: str, after: str
) -> None:
    assert before in DOCUMENT
    assert put(DOCUMENT, path, value) == DOCUMENT.replace(before, after)


@pytest.mark.parametrize(
    ("text", "path", "written"),
    [
        ("", ("a", "b"), "a:\n  b: x\n"),
        ("# nothing\n", ("a",), "# nothing\na: x\n"),
        ("a:\n", ("a", "b"), "a: {b: x}\n"),
        ("a: ~\nc: 1\n", ("a", "b"), "a: {b: x}\nc: 1\n"),
        ("a: {}\n", ("a", "b"), "a: {b: x}\n"),
        ("a:\n  c: 1", ("a", "b"), "a:\n  c: 1\n  b: x\n"),
        ("a:\n  c: # open\nd: 1\n", ("a", "b"), "a:\n  c: # open\n  b: x\nd: 1\n"),
        ('{"a": {"c": 1}}', ("a", "b"), '{"a": {"c": 1, b: x}}'),
        ("'a: b':\n  c: 1\n", ("a: b", "c"), "'a: b':\n  c: x\n"),
        ("a:\n  ? long\n  : 1\n", ("a", "b"), "a:\n  ? long\n  : 1\n  b: x\n"),
        ("a:\n- 1\n- 2\n", ("b",), "a:\n- 1\n- 2\nb: x\n"),
    ],
)
def test_what_is_lacking_is_made(text: str, path: tuple[str, ...], written: str) -> None:
    assert put(text, path, "x") == written


def test_an_anchor_that_stands_elsewhere_too_is_left_alone() -> None:
    text = "a: &one {c: 1}\nb: *one\n"
    with pytest.raises(NotEdited, match=r"a\.c"):
        put(text, ("a", "c"), "x")


KEYS = st.text(min_size=1, max_size=12).filter(lambda text: text == text.strip())
LEAVES = st.one_of(st.text(max_size=20), st.integers(-9, 9), st.booleans(), st.none())
TREES = st.recursive(LEAVES, lambda inner: st.dictionaries(KEYS, inner, max_size=3), max_leaves=8)


@given(
    st.dictionaries(KEYS, TREES, min_size=1, max_size=4),
    st.lists(KEYS, min_size=1, max_size=3),
    st.one_of(LEAVES, st.dictionaries(KEYS, LEAVES, max_size=2)),
    st.sampled_from([True, False, None]),
)
def test_any_document_says_what_was_asked_or_is_left_alone(
    document: dict[str, Any], path: list[str], value: Any, style: bool | None
) -> None:
    text = yaml.safe_dump(document, default_flow_style=style, allow_unicode=True)
    try:
        changed = yaml.safe_load(put(text, path, value))
    except (NotEdited, ValueError):
        return
    here: Any = changed
    for step in path:
        here = here[step]
    assert here == value
