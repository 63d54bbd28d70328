"""Holds an answer against its description, wrapped or simplified. Pure."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from sandbox.shapes.description import OBJECT, Answer, Field

_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
_MINUTE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?")
_AMOUNT = re.compile(r"-?\d+(\.\d+)?")


def differences(answer: dict[str, Any], described: Answer, *, is_simplified: bool) -> Iterator[str]:
    """Where an answer (inside its wrapper) differs from the description, as path and reason."""
    body = {name: value for name, value in answer.items() if name != "request_id"}
    if "request_id" not in answer:
        yield "request_id: missing"
    yield from _differences(body, described.fields, "", is_simplified)


def _differences(
    found: Any, fields: tuple[Field, ...], path: str, is_simplified: bool
) -> Iterator[str]:
    if not isinstance(found, dict):
        yield f"{path}: an object is described, not {found!r}"
        return
    known = {field.name: field for field in fields}
    for name in found.keys() - known.keys():
        yield f"{path}{name}: not described"
    for name, field in known.items():
        if name in found:
            yield from _in_field(found[name], field, f"{path}{name}", is_simplified)
        elif not field.is_optional:
            yield f"{path}{name}: missing"


def _in_field(found: Any, field: Field, path: str, is_simplified: bool) -> Iterator[str]:
    if not field.element:
        yield from _in_value(found, field, path, is_simplified)
        return
    items = found if is_simplified else _unwrapped(found, field.element)
    if not isinstance(items, list):
        form = "a list" if is_simplified else f"a list below {field.element}"
        yield f"{path}: {form} is described, not {found!r}"
        return
    for place, item in enumerate(items):
        yield from _in_value(item, field, f"{path}[{place}]", is_simplified)


def _unwrapped(found: Any, element: str) -> Any:
    """The items of a wrapped list; an empty one is written as an empty object."""
    if found == {}:
        return []
    return found[element] if isinstance(found, dict) and found.keys() == {element} else None


def _in_value(found: Any, field: Field, path: str, is_simplified: bool) -> Iterator[str]:
    if field.kind == OBJECT:
        yield from _differences(found, field.fields, f"{path}.", is_simplified)
    elif not _KINDS[field.kind](found):
        yield f"{path}: {field.kind} is described, not {found!r}"


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_json(value: Any) -> bool:
    try:
        return isinstance(value, str) and isinstance(msgspec.json.decode(value), dict | list)
    except msgspec.DecodeError:
        return False


def _like(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


_KINDS: dict[str, Callable[[Any], bool]] = {
    "text": lambda value: isinstance(value, str),
    "number": _is_whole,
    "int32": lambda value: _is_whole(value) and -(2**31) <= value < 2**31,
    "id": _is_whole,
    "flag": lambda value: isinstance(value, bool),
    "amount": _like(_AMOUNT),
    "time": _like(_TIME),
    "minute": _like(_MINUTE),
    "json": _is_json,
    "null": lambda value: value is None,
}
