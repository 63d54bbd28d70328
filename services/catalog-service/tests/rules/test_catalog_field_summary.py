"""Fields of a catalogue, counted with bounded memory."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_service.fields import summary
from catalog_service.fields.summary import Counting


def test_fields_are_counted_and_blank_ones_are_not_filled() -> None:
    counting = Counting()
    counting.add({"color": "Red", "stock": 3, "on": True, "tags": ["a", " ", "b"], "x": " "})
    counting.add({"color": "Red", "stock": None, "tags": []})
    counting.add({"color": "Blue"})
    found = counting.result(is_sample=False)
    assert found.products == 3
    assert [(f.name, f.filled, f.distinct) for f in found.fields] == [
        ("color", 3, 2),
        ("on", 1, 1),
        ("stock", 1, 1),
        ("tags", 1, 1),
    ]
    color = found.find("color")
    assert color is not None
    assert color.values == [("Red", 2), ("Blue", 1)]
    assert found.find("x") is None


def test_many_values_are_bounded_and_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summary, "MOST_VALUES", 10)
    counting = Counting()
    for number in range(100):
        counting.add({"sku": f"S{number}", "name": "Hat" * 200})
    sku = counting.result(is_sample=False).find("sku")
    name = counting.result(is_sample=False).find("name")
    assert sku is not None
    assert name is not None
    assert (sku.filled, sku.distinct, sku.is_exact) == (100, 10, False)
    assert (len(name.values[0][0]), name.is_exact) == (summary.LONGEST_VALUE, True)


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.sampled_from(["", "x", "y"]))))
def test_counts_are_those_of_the_rows(rows: list[dict[str, str]]) -> None:
    counting = Counting()
    for row in rows:
        counting.add(row)
    found = counting.result(is_sample=False)
    wanted = Counter((name, value) for row in rows for name, value in row.items() if value)
    counted = {(f.name, value): n for f in found.fields for value, n in f.values}
    assert counted == wanted
    assert all(f.filled == sum(n for _, n in f.values) for f in found.fields)
