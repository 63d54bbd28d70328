"""What template expressions work on: values of bounded size, and the absence of one. Pure."""

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from catalog_service.feeds.work import Budget, TooMuchWork

MAX_CHARACTERS = 200_000
MAX_ITEMS = 10_000
MAX_STEPS = 5
LARGEST = 10**15
"""No number of a template reaches this; below it a float still tells every integer apart."""


class TemplateFailed(Exception):
    """The template gives nothing for this product; the message says why.

    `is_costly` where it does too much: no default stands in for that.
    """

    def __init__(self, message: str, *, is_costly: bool = False) -> None:
        super().__init__(message)
        self.is_costly = is_costly


class Missing:
    """What an expression stands for that nothing has; only using it fails."""

    __slots__ = ("message",)

    def __init__(self, message: str) -> None:
        self.message = message


def present(value: Any) -> Any:
    """The value itself. Raises `TemplateFailed` where it is missing."""
    if isinstance(value, Missing):
        raise TemplateFailed(value.message)
    return value


def bounded(value: Any) -> Any:
    """The value itself. Raises `TooMuchWork` for a text or list larger than a template may build,
    `TemplateFailed` for such a number."""
    if isinstance(value, str):
        check_length(len(value))
    elif isinstance(value, list | Mapping):
        check_items(len(value))
    elif isinstance(value, int | float) and not abs(value) < LARGEST:  # NaN fails as well
        raise TemplateFailed("a number is too large")
    return value


def check_length(characters: int) -> None:
    """Raises `TooMuchWork` for a text that would be longer than a template may build."""
    if characters > MAX_CHARACTERS:
        raise TooMuchWork(f"a text is longer than {MAX_CHARACTERS} characters")


def check_items(items: int) -> None:
    """Raises `TooMuchWork` for a list that would be longer than a template may build."""
    if items > MAX_ITEMS:
        raise TooMuchWork(f"a list has more than {MAX_ITEMS} items")


def text_of(value: Any) -> str:
    """The value as text. Raises `TooMuchWork` for a list of more than a text may hold."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple | Mapping):
        Budget(MAX_CHARACTERS).weigh(value)
    return str(present(value))


def number_of(value: Any) -> int | float:
    """The value itself. Raises `TemplateFailed` where it is no number to calculate with."""
    if not isinstance(present(value), int | float):
        raise TemplateFailed(f"{shown(value)} is not a number")
    number: int | float = bounded(value)
    return number


def items_of(value: Any) -> list[Any]:
    """What a filter over a list goes through: items, a mapping's keys, a text's characters."""
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(present(value), str | Mapping):
        check_items(len(value))
        return list(value)
    raise TemplateFailed(f"{shown(value)} is not a list")


def shown(value: Any) -> str:
    """The value for a message, the first characters of a long one."""
    if isinstance(value, str):
        return repr(value[:40])
    return "a list" if isinstance(value, list | tuple | Mapping) else repr(value)


def item_at(value: Any, key: Any) -> Any:
    """A mapping's or list's own item, never an object's attribute; `Missing` where it has none."""
    if isinstance(value, Missing):
        return value
    if isinstance(value, Mapping | list) or (isinstance(value, str) and isinstance(key, int)):
        try:
            return value[key]
        except (LookupError, TypeError):
            pass
    return Missing(f"{shown(key)} is missing")


def getter(path: Any) -> Callable[[Any], Any]:
    """Reads `a.b.0` of an item, for the filters that take an attribute."""
    steps = path.split(".") if isinstance(path, str) else [path]
    if len(steps) > MAX_STEPS:
        raise TooMuchWork(f"an attribute is named by at most {MAX_STEPS} steps")
    keys = [int(s) if isinstance(s, str) and s.isascii() and s.isdigit() else s for s in steps]

    def read(item: Any) -> Any:
        for key in keys:
            item = item_at(item, key)
        return item

    return read


def round_to(number: int | float, precision: int, method: str) -> int | float:
    """The number to so many decimals: `common`, `ceil` or `floor`."""
    if not -15 <= precision <= 15:
        raise TooMuchWork("round takes -15 to 15 decimals")
    if method == "common":
        return round(number, precision)
    rounding: Callable[[float], int] | None = {"ceil": math.ceil, "floor": math.floor}.get(method)
    if rounding is None:
        raise TemplateFailed("round takes common, ceil or floor")
    scale = 10**precision
    return float(rounding(number * scale) / scale)


def cut_at_word(text: str, limit: int) -> str:
    """At most `limit` characters of the text, ending with a whole word where there is one."""
    if len(text) <= limit:
        return text
    head = text[: limit + 1]
    end = head.rfind(" ")
    return head[: end if end > limit // 2 else limit].rstrip(" ,;:-–|/")


def slug(text: str) -> str:
    """The text as ASCII words joined by hyphens."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-").lower()
