"""What tells two request bodies of one product apart, field by field. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from aliexpress.wire import encode

Step = str | int
MOST_CHANGES = 200
LONGEST_VALUE = 1_000
NAMED_BY = ("sku_code", "locale", "ship_to_country", "attribute_name")
"""What names a member of a list, whatever its place."""


class BodyChange(msgspec.Struct, frozen=True):
    """A field's value before and after; None where it is not there. Long texts are cut."""

    path: tuple[Step, ...]
    before: Any = None
    after: Any = None


def shown_body(body: Mapping[str, object]) -> dict[str, Any]:
    """A body as plain JSON, just as it would be read from the wire."""
    read: dict[str, Any] = msgspec.json.decode(encode(body))
    return read


def find_body_changes(
    before: Mapping[str, object], after: Mapping[str, object]
) -> list[BodyChange]:
    """The first changes, by the order of the fields."""
    changes = []
    for change in _changes((), dict(before), dict(after)):
        changes.append(change)
        if len(changes) == MOST_CHANGES:
            break
    return changes


def _changes(path: tuple[Step, ...], before: Any, after: Any) -> Iterator[BodyChange]:
    before, after = _named(before), _named(after)
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in dict.fromkeys([*before, *after]):
            yield from _changes((*path, name), before.get(name), after.get(name))
    elif not _is_same(before, after):
        yield BodyChange(path, _shown(before), _shown(after))


def _named(value: Any) -> Any:
    """A list whose members have names as a mapping by name; anything else as it is."""
    if not isinstance(value, list) or not value:
        return value
    for name in NAMED_BY:
        if all(isinstance(member, Mapping) and name in member for member in value):
            return {
                member[name]: {k: v for k, v in member.items() if k != name} for member in value
            }
    return value


def _is_same(before: Any, after: Any) -> bool:
    return bool(before == after)


def _shown(value: Any) -> Any:
    if isinstance(value, str) and len(value) > LONGEST_VALUE:
        return f"{value[:LONGEST_VALUE]}..."
    if isinstance(value, Mapping | Sequence | Decimal) and not isinstance(value, str):
        return msgspec.json.decode(encode(value))
    return value
