"""The filters and tests templates may use. Pure.

Each is called with its value and arguments already weighed and paid for, so that none does more
than its `factor` allows; what can grow is measured before it is built.
"""

import html
import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2.filters import do_striptags, do_title

from catalog_service.feeds.template_values import (
    Missing,
    TemplateFailed,
    bounded,
    check_items,
    check_length,
    cut_at_word,
    getter,
    items_of,
    number_of,
    present,
    round_to,
    shown,
    slug,
    text_of,
)
from catalog_service.feeds.work import CALL, PER_ITEM, Budget, TooMuchWork

MAX_NAME = 10_000
"""Characters of a text that is to become a name: title and slug handle no longer one."""
LONGEST_NUMBER = 100
OF_RESULT = 2
"""What is built weighs twice: it also takes memory."""


@dataclass(frozen=True)
class Filter:
    """A filter: what it does, what a unit of weight costs it, whether a missing value is for it."""

    function: Callable[..., Any]
    factor: int = 1
    takes_missing: bool = False

    def apply(
        self, budget: Budget, value: Any, args: tuple[Any, ...], named: Mapping[str, Any]
    ) -> Any:
        """The filter's result. Raises `TemplateFailed`, `TooMuchWork`."""
        budget.spend(CALL)
        budget.weigh(value, *args, *named.values(), factor=self.factor)
        if not self.takes_missing:
            for given in (value, *args, *named.values()):
                present(given)
        result = bounded(self.function(budget, value, *args, **named))
        if isinstance(result, str | list):  # what its items hold was paid for as it was made
            budget.spend(OF_RESULT * len(result))
        return result

    def refuses(self, count: int, names: frozenset[str]) -> str | None:
        """Why it cannot be called with so many arguments and these named ones; None if it can."""
        try:
            _signature(self.function).bind(None, None, *[None] * count, **dict.fromkeys(names))
        except TypeError as error:
            return str(error)
        return None


@cache
def _signature(function: Callable[..., Any]) -> inspect.Signature:
    return inspect.signature(function)


# -- values that may be missing -------------------------------------------------------------


def _default(_: Budget, value: Any, default_value: Any = "", boolean: bool = False) -> Any:
    return default_value if isinstance(value, Missing) or (boolean and not value) else value


# -- texts ----------------------------------------------------------------------------------


def _trim(_: Budget, value: Any, chars: str | None = None) -> str:
    return text_of(value).strip(chars)


def _replace(_: Budget, value: Any, old: str, new: str) -> str:
    source, old, new = text_of(value), text_of(old), text_of(new)
    check_length(len(source) + source.count(old) * (len(new) - len(old)))
    return source.replace(old, new)


def _striptags(budget: Budget, value: Any) -> str:
    source = text_of(value)
    budget.spend(CALL * source.count("<"))
    return do_striptags(source)


def _escape(_: Budget, value: Any) -> str:
    source = text_of(value)
    check_length(len(source) + sum(5 * source.count(sign) for sign in "&<>\"'"))
    return html.escape(source)


def _slug(_: Budget, value: Any) -> str:
    return slug(_name_of(value))


def _title(_: Budget, value: Any) -> str:
    return do_title(_name_of(value))


def _name_of(value: Any) -> str:
    source = text_of(value)
    if len(source) > MAX_NAME:
        raise TooMuchWork(f"title and slug take at most {MAX_NAME} characters")
    return source


def _truncate(_: Budget, value: Any, limit: int) -> str:
    return cut_at_word(text_of(value), int(number_of(limit)))


def _split(_: Budget, value: Any, separator: str = ",") -> list[str]:
    source, cut = text_of(value), text_of(separator) or ","
    check_items(source.count(cut) + 1)
    return [part.strip() for part in source.split(cut)]


def _join(budget: Budget, value: Any, d: str = "", attribute: Any = None) -> str:
    read = getter(attribute)
    items = [item if attribute is None else read(item) for item in items_of(value)]
    budget.weigh(items)
    texts = [text_of(item) for item in items]
    glue = text_of(d)
    check_length(sum(map(len, texts)) + len(glue) * max(len(texts) - 1, 0))
    return glue.join(texts)


def _from_json(_: Budget, value: Any) -> Any:
    source = text_of(value)
    check_items(sum(source.count(sign) for sign in "[{,") // 2)
    try:
        return _JSON.decode(source)
    except ValueError as error:
        raise TemplateFailed(f"from_json: the text is no JSON ({error})") from None


def _json_int(digits: str) -> int:
    return int(digits) if len(digits) <= LONGEST_NUMBER else _no_number(digits)


def _no_number(text: str) -> int:
    raise ValueError(f"{text[:20]} is no number of JSON")


_JSON = json.JSONDecoder(parse_int=_json_int, parse_constant=_no_number)


# -- numbers --------------------------------------------------------------------------------


def _int(_: Budget, value: Any, default: Any = 0, base: int = 10) -> Any:
    if isinstance(value, str) and len(value) > LONGEST_NUMBER:
        return default
    try:
        return int(value, base) if isinstance(value, str) else int(value)
    except (TypeError, ValueError):
        try:
            return int(float(value))
        except (TypeError, ValueError, OverflowError):
            return default


def _float(_: Budget, value: Any, default: Any = 0.0) -> Any:
    if isinstance(value, str) and len(value) > LONGEST_NUMBER:
        return default
    try:
        return float(value)
    except (TypeError, ValueError):
        return default


def _round(_: Budget, value: Any, precision: int = 0, method: str = "common") -> int | float:
    return round_to(number_of(value), int(number_of(precision)), method)


# -- lists ----------------------------------------------------------------------------------


def _first(_: Budget, value: Any) -> Any:
    return next(iter(value), Missing("the list is empty"))


def _last(_: Budget, value: Any) -> Any:
    return next(reversed(value), Missing("the list is empty"))


def _unique(
    _: Budget, value: Any, case_sensitive: bool = False, attribute: Any = None
) -> list[Any]:
    key = _key(attribute, case_sensitive=case_sensitive)
    firsts: dict[Any, Any] = {}
    for item in items_of(value):
        firsts.setdefault(key(item), item)
    return list(firsts.values())


def _sort(
    budget: Budget,
    value: Any,
    reverse: bool = False,
    case_sensitive: bool = False,
    attribute: Any = None,
) -> list[Any]:
    items = items_of(value)
    budget.weigh(items, factor=max(len(items).bit_length(), 1))  # each is compared so often
    return sorted(items, key=_key(attribute, case_sensitive=case_sensitive), reverse=bool(reverse))


def _key(attribute: Any, *, case_sensitive: bool) -> Callable[[Any], Any]:
    read = getter(attribute)

    def key(item: Any) -> Any:
        part = present(item if attribute is None else read(item))
        return part if case_sensitive or not isinstance(part, str) else part.lower()

    return key


def _value_named(_: Budget, pairs: Any, name: str) -> str | None:
    if not isinstance(pairs, list):
        return None
    wanted = text_of(name).casefold()
    for pair in pairs:
        if isinstance(pair, dict) and str(pair.get("name", "")).casefold() == wanted:
            value = pair.get("value")
            return None if value is None else str(value)
    return None


def _map(budget: Budget, value: Any, *args: Any, **named: Any) -> list[Any]:
    if "attribute" in named:
        read = getter(named["attribute"])
        found = [read(item) for item in items_of(value)]
        default = named.get("default")
        return [default if isinstance(f, Missing) and "default" in named else f for f in found]
    chosen, others = _chosen(FILTERS, args, "map takes attribute= or the name of a filter")
    return [chosen.apply(budget, item, others, named) for item in items_of(value)]


def _filtering(*, keeps: bool, by_attribute: bool) -> Callable[..., list[Any]]:
    def apply(budget: Budget, value: Any, *args: Any) -> list[Any]:
        read: Callable[[Any], Any] = _same
        if by_attribute:
            if not args:
                raise TemplateFailed("selectattr and rejectattr take the name of an attribute")
            read, args = getter(args[0]), args[1:]
        test, others = _chosen(TESTS, args, "no such test") if args else (_is_true, ())
        items = items_of(value)
        budget.spend(PER_ITEM * len(items))
        budget.weigh([others] * len(items))
        return [item for item in items if bool(test(read(item), *others)) is keeps]

    return apply


def _chosen(table: Mapping[str, Any], args: tuple[Any, ...], why: str) -> tuple[Any, Any]:
    name = args[0] if args else None
    if not isinstance(name, str) or name not in table:
        raise TemplateFailed(f"{why}: {shown(name)}")
    return table[name], args[1:]


def _same(item: Any) -> Any:
    return item


def _is_true(value: Any) -> bool:
    return bool(present(value))


# -- what there is --------------------------------------------------------------------------

TESTS: dict[str, Callable[..., bool]] = {
    "defined": lambda value: not isinstance(value, Missing),
    "undefined": lambda value: isinstance(value, Missing),
    "none": lambda value: value is None,
    "string": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, int | float),
    "equalto": lambda value, other: bool(present(value) == present(other)),
    "in": lambda value, many: present(value) in present(many),
}

FILTERS: dict[str, Filter] = {
    "default": Filter(_default, takes_missing=True),
    "d": Filter(_default, takes_missing=True),
    "lower": Filter(lambda _, value: text_of(value).lower(), factor=2),
    "upper": Filter(lambda _, value: text_of(value).upper(), factor=2),
    "title": Filter(_title, factor=20),
    "capitalize": Filter(lambda _, value: text_of(value).capitalize(), factor=2),
    "trim": Filter(_trim),
    "striptags": Filter(_striptags, factor=5),
    "escape": Filter(_escape),
    "replace": Filter(_replace),
    "slug": Filter(_slug, factor=20),
    "string": Filter(lambda _, value: text_of(value), factor=2),
    "truncate": Filter(_truncate),
    "split": Filter(_split, factor=5),
    "join": Filter(_join),
    "from_json": Filter(_from_json, factor=5),
    "value_named": Filter(_value_named, factor=2),
    "int": Filter(_int),
    "float": Filter(_float),
    "round": Filter(_round),
    "abs": Filter(lambda _, value: abs(number_of(value))),
    "length": Filter(lambda _, value: len(value)),
    "first": Filter(_first),
    "last": Filter(_last),
    "list": Filter(lambda _, value: items_of(value), factor=5),
    "unique": Filter(_unique, factor=2),
    "sort": Filter(_sort),
    "map": Filter(_map),
    "select": Filter(_filtering(keeps=True, by_attribute=False)),
    "reject": Filter(_filtering(keeps=False, by_attribute=False)),
    "selectattr": Filter(_filtering(keeps=True, by_attribute=True)),
    "rejectattr": Filter(_filtering(keeps=False, by_attribute=True)),
}
