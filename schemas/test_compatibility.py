"""The check fails on each kind of breaking change, in the role in which it breaks."""

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from .compatibility import Role, Schema, breaks

OLD: Schema = {
    "type": "object",
    "required": ["id", "kind"],
    "properties": {
        "id": {"type": "string", "maxLength": 10},
        "kind": {"enum": ["a", "b"]},
        "count": {"type": "integer"},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/Line"}},
    },
    "$defs": {"Line": {"type": "object", "properties": {"sku": {"type": "string"}}}},
}


def changed(path: str, value: Any) -> Schema:
    new = copy.deepcopy(OLD)
    *parents, last = path.split("/")
    node = new
    for name in parents:
        node = node[name]
    if value is None:
        del node[last]
    else:
        node[last] = value
    return new


CHANGES = [
    ("field removed", "properties/count", None, {"emitted", "read"}),
    ("nested field removed", "$defs/Line/properties/sku", None, {"emitted", "read"}),
    ("retyped", "properties/count", {"type": "string"}, {"emitted", "read"}),
    ("nested retyped", "$defs/Line/properties/sku", {"type": "integer"}, {"emitted", "read"}),
    ("null no longer taken", "properties/note", {"type": "string"}, {"emitted", "read"}),
    ("new required field", "required", ["id", "kind", "count"], {"emitted", "read"}),
    ("no longer always there", "required", ["id"], {"emitted"}),
    ("enumeration narrowed", "properties/kind", {"enum": ["a"]}, {"emitted", "read"}),
    ("enumeration widened", "properties/kind", {"enum": ["a", "b", "c"]}, {"emitted"}),
    ("limit narrowed", "properties/id", {"type": "string", "maxLength": 5}, {"read"}),
    ("limit widened", "properties/id", {"type": "string", "maxLength": 50}, set()),
    ("optional field added", "properties/extra", {"type": "string"}, set()),
    ("described", "description", "words", set()),
    ("other keys refused", "additionalProperties", False, {"read"}),
    ("a condition between keys", "dependentRequired", {"count": ["note"]}, {"read"}),
]


@pytest.mark.parametrize("role", ["emitted", "read"])
@pytest.mark.parametrize(
    ("path", "value", "roles"), [c[1:] for c in CHANGES], ids=[c[0] for c in CHANGES]
)
def test_a_change_breaks_in_its_roles_only(
    role: Role, path: str, value: Any, roles: set[str]
) -> None:
    assert bool(breaks(OLD, changed(path, value), role)) == (role in roles)


RECURSIVE: Schema = {
    "$ref": "#/$defs/Match",
    "$defs": {
        "Match": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "field": {"type": "string"},
                "map": {"oneOf": [{"type": "string"}, {"$ref": "#/$defs/Match"}]},
                "of": {"type": "object", "patternProperties": {"^a": {"$ref": "#/$defs/Match"}}},
            },
            "oneOf": [{"required": ["field"]}, {"required": ["map"]}],
        }
    },
}


@pytest.mark.parametrize(
    ("change", "is_broken"),
    [
        (lambda match: None, False),
        (lambda match: match["properties"].pop("field"), True),
        (lambda match: match["properties"].update(constant={"type": "string"}), False),
        (lambda match: match["oneOf"].append({"required": ["of"]}), False),
        (lambda match: match["oneOf"].pop(), True),
        (lambda match: match["oneOf"].clear(), False),
        (lambda match: match["properties"]["map"]["oneOf"].pop(), True),
        (lambda match: match["properties"]["field"].update(maxLength=3), True),
        (lambda match: match["properties"]["of"].update(patternProperties={"^b": {}}), True),
        (lambda match: match.update(dependentRequired={"field": ["map"]}), True),
        (lambda match: match.update(dependentRequired={"new": ["map"]}), False),
    ],
)
def test_what_refers_to_itself_is_compared_to_its_end(change: Any, is_broken: bool) -> None:
    new = copy.deepcopy(RECURSIVE)
    change(new["$defs"]["Match"])
    assert bool(breaks(RECURSIVE, new, "read")) == is_broken


TWO: Schema = {
    "anyOf": [
        {"type": "object", "properties": {"value": {}}, "required": ["value"]},
        {"type": "object", "properties": {"field": {"type": "string"}}},
    ]
}


@pytest.mark.parametrize("role", ["emitted", "read"])
def test_alternatives_of_one_shape_are_told_apart(role: Role) -> None:
    turned = {"anyOf": TWO["anyOf"][::-1]}
    assert breaks(TWO, turned, role) == []
    retyped = copy.deepcopy(TWO)
    retyped["anyOf"][1]["properties"]["field"]["type"] = "integer"
    assert breaks(TWO, retyped, role)
    del turned["anyOf"][0]
    assert breaks(TWO, turned, role)


def test_the_asyncapi_document_is_valid_and_its_references_are_there() -> None:
    folder = Path(__file__).parent
    document = json.loads((folder / "asyncapi.json").read_text())
    for message in document["components"]["messages"].values():
        schema = json.loads((folder / message["payload"]["schema"]["$ref"]).read_text())
        jsonschema_rs.validator_for(schema)
        assert schema["$id"] == f"urn:{message['name']}"
    for operation in document["operations"].values():
        assert operation["channel"]["$ref"].removeprefix("#/channels/") in document["channels"]
