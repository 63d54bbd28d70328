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
]


@pytest.mark.parametrize("role", ["emitted", "read"])
@pytest.mark.parametrize(
    ("path", "value", "roles"), [c[1:] for c in CHANGES], ids=[c[0] for c in CHANGES]
)
def test_a_change_breaks_in_its_roles_only(
    role: Role, path: str, value: Any, roles: set[str]
) -> None:
    assert bool(breaks(OLD, changed(path, value), role)) == (role in roles)


def test_the_asyncapi_document_is_valid_and_its_references_are_there() -> None:
    folder = Path(__file__).parent
    document = json.loads((folder / "asyncapi.json").read_text())
    for message in document["components"]["messages"].values():
        schema = json.loads((folder / message["payload"]["schema"]["$ref"]).read_text())
        jsonschema_rs.validator_for(schema)
        assert schema["$id"] == f"urn:{message['name']}"
    for operation in document["operations"].values():
        assert operation["channel"]["$ref"].removeprefix("#/channels/") in document["channels"]
