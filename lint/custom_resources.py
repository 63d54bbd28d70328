"""Custom resources by their own schemas, as strictly as `kubectl --validate=strict`.

A CRD's schema is OpenAPI 3 and takes any field: the API server drops those that it does not name,
or, asked to be strict, refuses them. Here each becomes a JSON Schema that refuses them. What is
written in CEL (`x-kubernetes-validations`) is not evaluated: a control plane does that.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

FOLDER = Path(__file__).parent / "crds"
OF_EVERY_OBJECT: dict[str, Any] = {"apiVersion": {}, "kind": {}, "metadata": {}}
"""What the API server itself knows of any object; `metadata` is validated as core objects' is."""
GO_FLAGS = re.compile(r"^(\^?)\(\?i\)(.*?)(\$?)$", re.DOTALL)
"""`(?i)` for all that follows, as Go writes it and JSON Schema does not."""
Schema = dict[str, Any]


def is_known(group: str) -> bool:
    """Whether the schemas of this API group are here."""
    return any(FOLDER.glob(f"{group}_*.json"))


def problems(manifest: dict[str, Any]) -> Iterator[str]:
    """What is wrong in an object of such a group, but for its `metadata`."""
    group, _, version = manifest["apiVersion"].partition("/")
    path = FOLDER / f"{group}_{version}_{manifest['kind']}.json"
    if not path.exists():
        yield f"no schema of {manifest['apiVersion']} {manifest['kind']} is here"
        return
    for error in _validator(path).iter_errors(manifest):
        yield f"{'.'.join(map(str, error.instance_path))}: {error.message}"


@cache
def _validator(path: Path) -> jsonschema_rs.Draft4Validator:
    schema: Schema = json.loads(path.read_text())
    schema["properties"] |= OF_EVERY_OBJECT
    return jsonschema_rs.Draft4Validator(strict(schema))


def strict(schema: Schema) -> Schema:
    """A CRD's schema as JSON Schema, draft 4, that refuses fields it does not name."""
    made = {name: part for name, part in schema.items() if not name.startswith("x-kubernetes-")}
    if "properties" in made:
        made["properties"] = {name: strict(part) for name, part in made["properties"].items()}
    for name in ("items", "additionalProperties"):
        if isinstance(made.get(name), dict):
            made[name] = strict(made[name])
    if schema.get("x-kubernetes-embedded-resource"):
        made["properties"] = OF_EVERY_OBJECT | made.get("properties", {})
    if schema.get("type") == "object" and not schema.get("x-kubernetes-preserve-unknown-fields"):
        made.setdefault("additionalProperties", False)
    if schema.get("x-kubernetes-int-or-string"):
        made["type"] = ["integer", "string"]
    if "pattern" in made:
        made["pattern"] = GO_FLAGS.sub(r"\1(?i:\2)\3", made["pattern"])
    return _with_null(made) if made.pop("nullable", False) else made


def _with_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}
