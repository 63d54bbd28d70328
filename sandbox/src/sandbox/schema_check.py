"""Checks a payload against a schema of `schemas.py`, as the platform would.

Its own small interpreter: only the keywords real schemas use. "Other" asks for its custom value
although a strict reading of the schema never would.
"""

from collections.abc import Callable, Iterator
from typing import Any

from sandbox.catalogue import OTHER_VALUE

Schema = dict[str, Any]
Problem = tuple[str, str]
"""Field and the name of the rule it breaks."""


def is_empty(value: Any) -> bool:
    """None, an empty text, list or object; not 0 and not false."""
    return not value and value != 0


def without_empties(value: Any) -> Any:
    """A value without the empty ones in it: the platform takes those as not sent."""
    if isinstance(value, dict):
        return {
            name: inner
            for name, found in value.items()
            if not is_empty(inner := without_empties(found))
        }
    if isinstance(value, list):
        return [inner for found in value if not is_empty(inner := without_empties(found))]
    return value


def check(value: Any, schema: Schema, field: str = "") -> Iterator[Problem]:
    """Every problem of a value, outermost first."""
    kind = schema.get("type")
    if kind is not None and not _TYPES[kind](value):
        yield field, "type"
        return
    if "const" in schema and value != schema["const"]:
        yield field, "const"
    if "oneOf" in schema:
        yield from _check_choice(value, schema["oneOf"], field)
    if isinstance(value, dict):
        yield from _check_object(value, schema, field)
    elif isinstance(value, list):
        yield from _check_list(value, schema, field)
    elif isinstance(value, str):
        if len(value) > schema.get("maxLength", len(value)):
            yield field, "maxLength"
    elif kind in ("number", "integer") and not (
        schema.get("minimum", value) <= value <= schema.get("maximum", value)
    ):
        yield field, "range"


def _check_choice(value: Any, choices: list[Schema], field: str) -> Iterator[Problem]:
    if choices and "const" not in choices[0]:
        attempts = [list(check(value, choice, field)) for choice in choices]
        if all(attempts):
            yield attempts[0][0]
    elif not any(choice["const"] == value for choice in choices):
        yield field, "options"


def _check_object(value: dict[str, Any], schema: Schema, field: str) -> Iterator[Problem]:
    for name in schema.get("required", ()):
        if is_empty(value.get(name)):
            yield _below(field, name), "required"
    properties = schema.get("properties", {})
    for name, found in value.items():
        if name in properties and not is_empty(found):
            yield from check(found, properties[name], _below(field, name))
    then = schema.get("then")
    if then and value.get("value") == str(OTHER_VALUE) and not value.get("customValue"):
        yield _below(field, "customValue"), "required"


def _check_list(value: list[Any], schema: Schema, field: str) -> Iterator[Problem]:
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
        yield field, "size"
    if schema.get("uniqueItems") and len({str(item) for item in value}) != len(value):
        yield field, "unique"
    for item in value:
        yield from check(item, schema.get("items", {}), field)


def _below(field: str, name: str) -> str:
    return f"{field}.{name}" if field else name


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": _is_number,
}
