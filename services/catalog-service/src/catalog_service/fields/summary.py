"""A catalogue's fields, counted row by row with bounded memory. Pure.

Values are counted by their first characters; of a field with more different values than are kept,
those that came first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from common.contracts.catalog import FieldValue

MOST_FIELDS = 1_000
MOST_VALUES = 1_000
"""Different values of a field that are counted."""
MOST_VALUES_IN_ALL = 100_000
LONGEST_VALUE = 200
SAMPLES = 5


class FieldSummary(msgspec.Struct, frozen=True):
    """A field: in how many products it is filled, and its values, the most frequent first.
    `distinct` is at least so many where it is not exact."""

    name: str
    filled: int
    distinct: int
    is_exact: bool
    values: list[tuple[str, int]]


class Summary(msgspec.Struct, frozen=True):
    """A catalogue's fields by name; `is_sample` when only its first products were read."""

    products: int
    is_sample: bool
    fields: list[FieldSummary]

    def find(self, name: str) -> FieldSummary | None:
        """The field of that name, or None."""
        return next((each for each in self.fields if each.name == name), None)


@dataclass
class _Count:
    filled: int = 0
    is_exact: bool = True
    values: dict[str, int] = field(default_factory=dict)


class Counting:
    """Counts the fields of products, one by one."""

    def __init__(self) -> None:
        self._counts: dict[str, _Count] = {}
        self._kept = 0
        self.products = 0

    def add(self, fields: Mapping[str, FieldValue]) -> None:
        """Count a product's fields; what is blank is not filled."""
        self.products += 1
        for name, value in fields.items():
            text = _text(value)
            if not text:
                continue
            count = self._counts.get(name)
            if count is None:
                if len(self._counts) >= MOST_FIELDS:
                    continue
                count = self._counts[name] = _Count()
            count.filled += 1
            self._count_value(count, text)

    def _count_value(self, count: _Count, text: str) -> None:
        known = count.values.get(text)
        if known is not None:
            count.values[text] = known + 1
        elif len(count.values) < MOST_VALUES and self._kept < MOST_VALUES_IN_ALL:
            count.values[text] = 1
            self._kept += 1
        else:
            count.is_exact = False

    def result(self, *, is_sample: bool) -> Summary:
        """What was counted."""
        return Summary(
            self.products, is_sample, [_summary(n, c) for n, c in sorted(self._counts.items())]
        )


def _summary(name: str, count: _Count) -> FieldSummary:
    values = sorted(count.values.items(), key=lambda each: (-each[1], each[0]))
    return FieldSummary(name, count.filled, len(values), count.is_exact, values)


def _text(value: FieldValue) -> str:
    """A value as it is counted; of a list its parts in one text."""
    if value is None:
        return ""
    if isinstance(value, list):
        return " | ".join(filter(None, map(str.strip, value)))[:LONGEST_VALUE]
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)[:LONGEST_VALUE].strip()
