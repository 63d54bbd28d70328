"""Whether a schema may replace its previous version without breaking a reader.

A reader of what we emit breaks when a field goes or changes its type, when a field it could leave
out is now demanded of it, when an enumeration changes, or when a field it relied on is no longer
always there. What we read is the mirror: nothing that was accepted may be refused now.

Schemas may refer to themselves; what is compared already is not compared again.
"""

from collections.abc import Iterator
from typing import Any, Literal

Role = Literal["emitted", "read"]
Schema = dict[str, Any]

_LIMITS_RISE = ("maxLength", "maximum", "maxItems")
_LIMITS_FALL = ("minLength", "minimum", "minItems")


def breaks(old: Schema, new: Schema, role: Role) -> list[str]:
    """What the change from `old` to `new` breaks, each with its place; empty when nothing."""
    return sorted(set(_compare(_Side(old, old), _Side(new, new), role, "")))


ALTERNATIVES = ("anyOf", "oneOf")


class _Side:
    """A schema with the document its references point into, and those it was reached by."""

    def __init__(
        self, schema: Schema, document: Schema, through: frozenset[str] = frozenset()
    ) -> None:
        self.document = document
        self.name = schema.get("$ref")
        self.is_known = self.name in through
        self.through = through | {self.name} if self.name else through
        self.schema = self._resolve(schema)

    def _resolve(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            schema = self.document["$defs"][schema["$ref"].rsplit("/", 1)[1]] | beside
        return schema

    def at(self, schema: Schema) -> "_Side":
        return _Side(schema, self.document, self.through)

    def options(self) -> list[Schema]:
        """The alternatives; none where it has a type of its own, which they then only narrow."""
        if "type" in self.schema:
            return []
        return [option for name in ALTERNATIVES for option in self.schema.get(name, ())]

    def shape(self) -> str:
        """The schema's type, or the set of its alternatives'."""
        if self.options():
            return "|".join(sorted({self.at(option).shape() for option in self.options()}))
        if "type" in self.schema:
            return str(self.schema["type"])
        return "enum" if "enum" in self.schema or "const" in self.schema else "any"


def _compare(old: _Side, new: _Side, role: Role, place: str) -> Iterator[str]:
    if old.shape() != new.shape():
        yield f"{place or '/'}: retyped from {old.shape()} to {new.shape()}"
        return
    if old.is_known and new.is_known:
        return
    yield from _compare_enumerations(old, new, role, place)
    if role == "read":
        yield from _compare_limits(old, new, place)
        yield from _compare_conditions(old, new, place)
    yield from _compare_fields(old, new, role, place)
    for pattern, schema in old.schema.get("patternProperties", {}).items():
        after = new.schema.get("patternProperties", {}).get(pattern)
        if after is not None:
            yield from _compare(old.at(schema), new.at(after), role, f"{place}/*")
    for keyword in ("items", "additionalProperties", "propertyNames"):
        if isinstance(old.schema.get(keyword), dict) and isinstance(new.schema.get(keyword), dict):
            below = f"{place}/*"
            yield from _compare(
                old.at(old.schema[keyword]), new.at(new.schema[keyword]), role, below
            )
    yield from _compare_alternatives(old, new, role, place)


def _compare_alternatives(old: _Side, new: _Side, role: Role, place: str) -> Iterator[str]:
    """Each old alternative has to be compatible with a new one of its shape."""
    later = list(map(new.at, new.options()))
    for option in map(old.at, old.options()):
        alike = [side for side in later if side.shape() == option.shape()]
        found = [list(_compare(option, side, role, place)) for side in alike]
        yield from min(found, key=len, default=[])


def _compare_enumerations(old: _Side, new: _Side, role: Role, place: str) -> Iterator[str]:
    before, after = _choices(old), _choices(new)
    if before is None and after is not None and role == "read":
        yield f"{place}: narrowed to {sorted(after)}"
    if before is None or after is None:
        return
    for gone in sorted(before - after):
        yield f"{place}: enumeration narrowed, {gone!r} is gone"
    if role == "emitted":
        for unknown in sorted(after - before):
            yield f"{place}: enumeration widened, readers do not know {unknown!r}"


def _choices(side: _Side) -> set[str] | None:
    if "const" in side.schema:
        return {str(side.schema["const"])}
    return {str(item) for item in side.schema["enum"]} if "enum" in side.schema else None


def _compare_limits(old: _Side, new: _Side, place: str) -> Iterator[str]:
    for keyword in (*_LIMITS_RISE, *_LIMITS_FALL):
        before, after = old.schema.get(keyword), new.schema.get(keyword)
        if after is None or after == before:
            continue
        falls = keyword in _LIMITS_RISE
        if before is None or (after < before if falls else after > before):
            yield f"{place}: {keyword} narrowed from {before} to {after}"
    if new.schema.get("pattern") not in {None, old.schema.get("pattern")}:
        yield f"{place}: another pattern"
    if new.schema.get("additionalProperties") is False and (
        old.schema.get("additionalProperties") is not False
    ):
        yield f"{place}: other keys are no longer taken"
    if old.schema.get("patternProperties", {}).keys() - new.schema.get("patternProperties", {}):
        yield f"{place}: other keys are taken"


def _compare_conditions(old: _Side, new: _Side, place: str) -> Iterator[str]:
    """Which keys stand together, or instead of each other."""
    before, after = old.schema.get("dependentRequired", {}), new.schema.get("dependentRequired", {})
    for name, needed in after.items():
        if set(needed) - set(before.get(name, ())) and name in old.schema.get("properties", {}):
            yield f"{place}/{name}: needs {sorted(set(needed) - set(before.get(name, ())))} now"
    ways = [_required_sets(side) for side in (old, new)]
    if ways[1] is not None:
        for gone in (ways[0] or {frozenset()}) - ways[1]:
            keys = " and ".join(sorted(gone)) or "none of its keys"
            yield f"{place}: no longer taken with {keys}"


def _required_sets(side: _Side) -> set[frozenset[str]] | None:
    """The sets of keys of which an object has exactly one, where it has such a rule."""
    options = side.schema.get("oneOf", ()) if "type" in side.schema else ()
    return {frozenset(option["required"]) for option in options if "required" in option} or None


def _compare_fields(old: _Side, new: _Side, role: Role, place: str) -> Iterator[str]:
    before, after = old.schema.get("properties", {}), new.schema.get("properties", {})
    was_required = set(old.schema.get("required", ()))
    is_required = set(new.schema.get("required", ()))
    for name in before:
        if name not in after:
            yield f"{place}/{name}: field removed"
        else:
            yield from _compare(old.at(before[name]), new.at(after[name]), role, f"{place}/{name}")
    for name in sorted(is_required - was_required):
        yield f"{place}/{name}: required now"
    if role == "emitted":
        for name in sorted((was_required - is_required) & set(after)):
            yield f"{place}/{name}: no longer always there"
