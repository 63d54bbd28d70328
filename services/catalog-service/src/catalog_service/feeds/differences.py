"""What tells two documents of JSON apart: a list of changes, in words and as RFC 6902. Pure.

A match (`{field: price}`) is one thing: it changes as a whole, but for the entries of a value map,
which change one by one.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Final, Literal

Step = str | int
Path = tuple[Step, ...]
Json = Any

LONGEST_SHOWN = 120
"""Characters of a value in words."""
_MATCH_KEYS = frozenset(
    {"field", "constant", "template", "map", "default", "separator", "truncate", "unknown"}
)


class _Nothing:
    """No value: before what was added, after what was removed."""


NOTHING: Final = _Nothing()


@dataclass(frozen=True)
class Change:
    """What a path held and holds; `NOTHING` where it was, or is, not there.

    A number in the path is a place in a list as it is when the changes before this one are done.
    """

    path: Path
    old: Json
    new: Json

    @property
    def kind(self) -> Literal["add", "remove", "replace"]:
        """The operation of RFC 6902."""
        if self.old is NOTHING:
            return "add"
        return "remove" if self.new is NOTHING else "replace"


def find_changes(old: Json, new: Json) -> list[Change]:
    """The changes that make `new` of `old`, done in this order; none where they are the same."""
    return list(_changes((), old, new))


def is_same(one: Json, other: Json) -> bool:
    """Whether two documents say the same, whatever the order of their keys; 1 is not true."""
    return one is other or (type(one) is type(other) and _canonical(one) == _canonical(other))


def _canonical(value: Json) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _changes(path: Path, old: Json, new: Json) -> Iterator[Change]:
    if isinstance(old, dict) and isinstance(new, dict) and not _changes_as_one(old, new):
        yield from _changes_of_objects(path, old, new)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _changes_of_lists(path, old, new)
    elif not is_same(old, new):
        yield Change(path, old, new)


def _changes_of_objects(
    path: Path, old: Mapping[str, Json], new: Mapping[str, Json]
) -> Iterator[Change]:
    for key in (*old, *(key for key in new if key not in old)):
        before, after = old.get(key, NOTHING), new.get(key, NOTHING)
        if before is NOTHING or after is NOTHING:
            yield Change((*path, key), before, after)
        else:
            yield from _changes((*path, key), before, after)


def _changes_of_lists(path: Path, old: Sequence[Json], new: Sequence[Json]) -> Iterator[Change]:
    """From the end to the beginning, so that places before a change stay what they were."""
    ours, theirs = list(map(_canonical, old)), list(map(_canonical, new))
    blocks = SequenceMatcher(a=ours, b=theirs, autojunk=False).get_opcodes()
    for kind, begin, end, new_begin, new_end in reversed(blocks):
        if kind == "equal":
            continue
        both = min(end - begin, new_end - new_begin)
        for place in reversed(range(begin + both, end)):
            yield Change((*path, place), old[place], NOTHING)
        for number in range(both, new_end - new_begin):
            yield Change((*path, begin + number), NOTHING, new[new_begin + number])
        for number in reversed(range(both)):
            yield from _changes(
                (*path, begin + number), old[begin + number], new[new_begin + number]
            )


def _changes_as_one(old: Mapping[str, Json], new: Mapping[str, Json]) -> bool:
    """Whether two matches differ in more than the entries of a value map."""
    if not (is_match(old) and is_match(new)):
        return False
    return not is_same(_without_entries(old), _without_entries(new))


def _without_entries(match: Mapping[str, Json]) -> dict[str, Json]:
    values = match.get("map")
    return {**match, "map": {**values, "values": {}}} if isinstance(values, dict) else {**match}


def is_match(value: Json) -> bool:
    """Whether it is how an attribute is filled, rather than a section with attributes."""
    if not isinstance(value, dict) or not value.keys() <= _MATCH_KEYS:
        return False
    values = value.get("map")
    return (
        isinstance(value.get("field"), str)
        or isinstance(value.get("template"), str)
        or ("constant" in value and not isinstance(value["constant"], dict))
        or (isinstance(values, dict) and values.keys() >= {"from", "values"})
    )


# -- as RFC 6902 ----------------------------------------------------------------------------


def json_patch(changes: Sequence[Change]) -> list[dict[str, Json]]:
    """The changes as a JSON Patch (RFC 6902)."""
    return [
        {"op": change.kind, "path": pointer(change.path)}
        | ({} if change.new is NOTHING else {"value": change.new})
        for change in changes
    ]


def pointer(path: Path) -> str:
    """The path as a JSON Pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


# -- in words -------------------------------------------------------------------------------


def in_words(change: Change) -> str:
    """One line: the path, what it was and what it is."""
    place = ".".join(map(str, change.path)) or "all"
    if change.old is NOTHING:
        return f"{place}: added {_words(change.new)}"
    if change.new is NOTHING:
        return f"{place}: removed {_words(change.old)}"
    return f"{place}: {_words(change.old)} -> {_words(change.new)}"


def _words(value: Json) -> str:
    text = _match_in_words(value) if is_match(value) else _plain(value)
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 4] + " ..."


def _match_in_words(match: Mapping[str, Json]) -> str:
    sources = ("field", "constant", "template")
    parts = [f"{key} {_plain(match[key])}" for key in sources if key in match]
    if isinstance(values := match.get("map"), dict):
        source = values["from"]
        entries = len(values["values"])
        default = f", else {_plain(values['default'])}" if "default" in values else ""
        origin = _match_in_words(source) if is_match(source) else _plain(source)
        parts.append(f"map of {entries} values from {origin}{default}")
    beside = sorted(match.keys() - {*sources, "map"})
    return ", ".join([*parts, *(f"{key} {_plain(match[key])}" for key in beside)])


def _plain(value: Json) -> str:
    if isinstance(value, str):
        return value if value.strip() and "\n" not in value else json.dumps(value)
    return json.dumps(value, ensure_ascii=False)
