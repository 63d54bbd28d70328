"""What accepting a suggestion changes in a configuration: as edits, for a stored one as for a file.
Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from catalog_service.feeds.configuration import Text
from common.errors import Refusal

Kind = Literal["categories", "attributes", "values"]
Section = Literal["category_attributes", "sku_attributes"]
Short = Annotated[Text, Field(min_length=1, max_length=1_000)]

KEPT = ("default", "unknown", "truncate")
"""Keys of a match that stay when its source becomes another."""
DEFAULT_SEPARATOR = " > "


class Accepted(BaseModel):
    """A suggestion that is accepted: `take` for the category path, the attribute or the value that
    `of` names; a value's `attribute` and `section` say whose it is."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    of: Short
    take: Short
    attribute: Short | None = None
    section: Section = "category_attributes"


@dataclass(frozen=True)
class Edit:
    """The value that a path of the document has from now on."""

    path: tuple[str, ...]
    value: Any


def accept(document: Mapping[str, Any], accepted: Sequence[Accepted]) -> dict[str, Any]:
    """The document with the suggestions applied. Raises `NoPlace`."""
    changed = dict(document)
    for each in accepted:
        for edit in edits_of(changed, each):
            changed = _put(changed, edit.path, edit.value)
    return changed


def edits_of(document: Mapping[str, Any], accepted: Accepted) -> list[Edit]:
    """What a suggestion changes in the document. Raises `NoPlace`."""
    if accepted.kind == "categories":
        return [_category(document, accepted)]
    if accepted.kind == "attributes":
        return [_attribute(document, accepted)]
    return _value(document, accepted)


def _category(document: Mapping[str, Any], accepted: Accepted) -> Edit:
    """The path's leaf; a spelling of it that is there already is kept."""
    category = _mapping(document, "category")
    exact = _mapping(category, "exact")
    separator = str(category.get("separator", DEFAULT_SEPARATOR))
    wanted = _steps(accepted.of, separator)
    key = next((path for path in exact if _steps(path, separator) == wanted), accepted.of)
    return Edit(("category", "exact", key), accepted.take)


def _steps(path: str, separator: str) -> list[str]:
    steps = path.split(separator.strip() or separator)
    return [step.strip().casefold() for step in steps if step.strip()]


def _attribute(document: Mapping[str, Any], accepted: Accepted) -> Edit:
    """The attribute is filled by a field; what its match says beside its source stays."""
    known = _mapping(_mapping(document, "category_attributes"), accepted.of)
    kept = {name: known[name] for name in KEPT if name in known}
    return Edit(("category_attributes", accepted.of), {"field": accepted.take, **kept})


def _value(document: Mapping[str, Any], accepted: Accepted) -> list[Edit]:
    """An entry of the attribute's value map, which is made where there is none."""
    if accepted.attribute is None:
        raise _no_place("a value needs the attribute whose it is", "attribute")
    path: tuple[str, ...] = (accepted.section, accepted.attribute)
    match = _mapping(_mapping(document, accepted.section), accepted.attribute)
    if accepted.section == "sku_attributes" and isinstance(match.get("value"), Mapping):
        path, match = (*path, "value"), match["value"]
    if "map" in match:
        values = _mapping(match["map"], "values")
        meant = [key for key, value in values.items() if value == accepted.of]
        keys = meant or [_key(values, accepted.of)]
        return [Edit((*path, "map", "values", key), accepted.take) for key in keys]
    source = _source(match)
    if source is None:
        raise _no_place(
            f"{accepted.section}.{accepted.attribute} takes no values from the catalogue",
            f"{accepted.section}.{accepted.attribute}",
        )
    kept = {name: match[name] for name in KEPT if name in match}
    values = {accepted.of: accepted.take}
    return [Edit(path, {"map": {"from": source, "values": values, "keep": True}, **kept})]


def _key(values: Mapping[str, Any], text: str) -> str:
    """The map's own spelling of a key."""
    folded = text.strip().casefold()
    return next((key for key in values if str(key).strip().casefold() == folded), text)


def _source(match: Mapping[str, Any]) -> Any:
    """What a map looks up to give what the match gives now; None for a constant."""
    separator = {"separator": match["separator"]} if "separator" in match else {}
    if "field" in match:
        return {"field": match["field"], **separator} if separator else match["field"]
    return {"template": match["template"], **separator} if "template" in match else None


def _mapping(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = document.get(key)
    return found if isinstance(found, Mapping) else {}


def _put(document: Mapping[str, Any], path: Sequence[str], value: Any) -> dict[str, Any]:
    if len(path) == 1:
        return {**document, path[0]: value}
    return {**document, path[0]: _put(_mapping(document, path[0]), path[1:], value)}


class NoPlace(Refusal):
    """The document has no place for what is accepted."""


def _no_place(message: str, field: str) -> NoPlace:
    return NoPlace(
        message,
        status=422,
        slug="suggestion-without-place",
        field=field,
        rule="M3.12",
        remedy="Give the attribute a match with a field or a template first.",
    )
