"""A change made on an older version of a configuration, made on the newest one instead. Pure."""

from collections.abc import Mapping
from typing import Any

_NOTHING: Any = object()
"""What a document holds under a name that it has not."""
_WHOLE = {"field", "constant", "template", "map", "all", "any", "not"}
"""Names by which matches and rules are known: each is taken as a whole, or not at all."""


def rebased(
    base: Mapping[str, Any], mine: Mapping[str, Any], newest: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """`newest` with what `mine` changed of `base`; and what both changed, each otherwise, which is
    as in `newest`."""
    clashes: list[str] = []
    return _mapping((), base, mine, newest, clashes), clashes


def _mapping(
    path: tuple[str, ...],
    base: Mapping[str, Any],
    mine: Mapping[str, Any],
    newest: Mapping[str, Any],
    clashes: list[str],
) -> dict[str, Any]:
    made = {}
    for name in dict.fromkeys([*newest, *mine]):
        old, own, new = (each.get(name, _NOTHING) for each in (base, mine, newest))
        value = _value((*path, name), old, own, new, clashes)
        if value is not _NOTHING:
            made[name] = value
    return made


def _value(path: tuple[str, ...], base: Any, mine: Any, newest: Any, clashes: list[str]) -> Any:
    if mine == base:
        return newest
    if newest in (base, mine):
        return mine
    if all(_is_divided(each) for each in (base, mine, newest)):
        return _mapping(path, base, mine, newest, clashes)
    clashes.append(".".join(path))
    return newest


def _is_divided(value: Any) -> bool:
    """Whether the parts of a value stand for themselves."""
    return isinstance(value, Mapping) and not _WHOLE & value.keys()
