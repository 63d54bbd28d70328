"""Whether a schema may replace its previous version without breaking a reader.

A reader of what we emit breaks when a field goes or changes its type, when a field it could leave
out is now demanded of it, when an enumeration changes, or when a field it relied on is no longer
always there. What we read is the mirror: nothing that was accepted may be refused now.
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


class _Side:
    """A schema with the document its references point into."""

    def __init__(self, schema: Schema, document: Schema) -> None:
        self.document = document
        self.schema = self._resolve(schema)

    def _resolve(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            schema = self.document["$defs"][schema["$ref"].rsplit("/", 1)[1]]
        return schema

    def at(self, schema: Schema) -> "_Side":
        return _Side(schema, self.document)

    def shape(self) -> str:
        """The schema's type, or the set of its alternatives'."""
        if "anyOf" in self.schema:
            return "|".join(sorted(self.at(option).shape() for option in self.schema["anyOf"]))
        if "type" in self.schema:
            return str(self.schema["type"])
        return "enum" if "enum" in self.schema or "const" in self.schema else "any"


def _compare(old: _Side, new: _Side, role: Role, place: str) -> Iterator[str]:
    if old.shape() != new.shape():
        yield f"{place or '/'}: retyped from {old.shape()} to {new.shape()}"
        return
    yield from _compare_enumerations(old, new, role, place)
    if role == "read":
        yield from _compare_limits(old, new, place)
    yield from _compare_fields(old, new, role, place)
    for keyword in ("items", "additionalProperties"):
        if isinstance(old.schema.get(keyword), dict) and isinstance(new.schema.get(keyword), dict):
            below = f"{place}/*"
            yield from _compare(
                old.at(old.schema[keyword]), new.at(new.schema[keyword]), role, below
            )
    for one, other in _alternatives(old, new):
        yield from _compare(one, other, role, place)


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


def _alternatives(old: _Side, new: _Side) -> Iterator[tuple[_Side, _Side]]:
    """Alternatives of the same shape, paired."""
    after = {side.shape(): side for side in map(new.at, new.schema.get("anyOf", ()))}
    for option in old.schema.get("anyOf", ()):
        side = old.at(option)
        if side.shape() in after:
            yield side, after[side.shape()]
