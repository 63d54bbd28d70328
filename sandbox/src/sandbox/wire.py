"""How answers look: lists wrapped by their element's name, or bare when simplified.

The quirks are ways the real platform is known to write the same answer; the control API switches
them.
"""

import re
from typing import Any, Literal

import msgspec

DEPTH_MAX = 100
"""Levels of a JSON text that are read; a payload that keeps the rules has less than 20."""
WHOLE_NUMBERS = range(-(2**63), 2**64)
"""Those that stay whole when read; others become doubles."""
_LONG_NUMBER = re.compile("[0-9]{19}")


class Listed:
    """A list and the name its elements have in the wrapped form."""

    __slots__ = ("element", "items")  # no dataclass: msgspec would write one by itself

    def __init__(self, element: str, items: list[Any]) -> None:
        self.element = element
        self.items = items


class Quirks(msgspec.Struct, forbid_unknown_fields=True):
    """Other ways to write the same answer."""

    empty_list: Literal["wrapped", "object", "empty_string", "null"] = "object"
    single_as_object: bool = False
    token_numbers_as_text: bool = False
    """`expires_in`, `expire_time` and their like as texts."""
    update_id_on_top: bool = False
    """A full update's product_id beside `result`, not in it."""
    feed_error_code: bool = True
    """Whether a failed feed item carries `errorCode` beside `errorMessage`."""
    doubled_error_code: bool = False
    """Whether the old numeric prefix stands twice in a feed item's message."""
    limit_form: Literal["new", "old"] = "new"
    """How the new gateway writes a refusal over a limit."""


def render(answer: dict[str, Any], *, is_simplified: bool, quirks: Quirks) -> bytes:
    """The answer as JSON text."""

    def write(value: Any) -> Any:
        if isinstance(value, Listed):
            return _listed(value, is_simplified, quirks)
        raise TypeError(f"cannot write {type(value).__name__}")

    return msgspec.json.encode(answer, enc_hook=write)


def _listed(value: Listed, is_simplified: bool, quirks: Quirks) -> Any:
    items: Any = value.items
    if is_simplified:
        return items
    if not items and quirks.empty_list != "wrapped":
        return {"object": {}, "empty_string": "", "null": None}[quirks.empty_list]
    if len(items) == 1 and quirks.single_as_object:
        items = items[0]
    return {value.element: items}


def json_text(value: Any) -> str:
    """JSON inside JSON: the value as a string."""
    return msgspec.json.encode(value).decode()


class NotJson(ValueError):
    """The text is no JSON, or nested deeper than `DEPTH_MAX`."""


def parse_json(text: str) -> Any:
    """The value of a JSON text. Raises `NotJson`."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise NotJson from error
    if text.count("[") + text.count("{") > DEPTH_MAX or _LONG_NUMBER.search(text):
        return _bounded(value, DEPTH_MAX)
    return value


def _bounded(value: Any, levels: int) -> Any:
    """The value without long whole numbers, which no file of the state could hold."""
    if isinstance(value, int):
        return value if value in WHOLE_NUMBERS else _double(value)
    if not isinstance(value, dict | list):
        return value
    if not levels:
        raise NotJson
    if isinstance(value, list):
        return [_bounded(item, levels - 1) for item in value]
    return {name: _bounded(item, levels - 1) for name, item in value.items()}


def _double(number: int) -> float:
    try:
        return float(number)
    except OverflowError as error:
        raise NotJson from error
