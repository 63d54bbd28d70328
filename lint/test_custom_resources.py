"""Custom resources are validated as strictly as an API server asked to be strict."""

import json
from typing import Any

import jsonschema_rs
import pytest

from lint.custom_resources import FOLDER, problems, strict
from lint.kustomize import OVERLAYS, RESTORE, is_there, rendered

KINDS = sorted(path.stem for path in FOLDER.glob("*.json"))


def kind_of(manifest: dict[str, Any]) -> str:
    return f"{manifest['apiVersion'].replace('/', '_')}_{manifest['kind']}"


@pytest.fixture(scope="module")
def ours() -> dict[str, dict[str, Any]]:
    """One object of each kind that an overlay has."""
    if not is_there():
        pytest.skip("kubectl, which has kustomize, is not here")
    folders = [*OVERLAYS.iterdir(), RESTORE]
    return {kind_of(one): one for folder in folders for one in rendered(folder)}


@pytest.mark.parametrize("kind", KINDS)
def test_a_misspelt_field_of_each_kind_is_found(ours: dict[str, Any], kind: str) -> None:
    manifest = json.loads(json.dumps(ours[kind]))
    assert list(problems(manifest)) == []
    name = next(iter(manifest["spec"]))
    manifest["spec"][f"{name}x"] = manifest["spec"].pop(name)
    assert any(f"{name}x" in problem for problem in problems(manifest))


@pytest.mark.parametrize("kind", KINDS)
def test_a_misspelt_field_beside_spec_is_found(ours: dict[str, Any], kind: str) -> None:
    manifest = ours[kind] | {"sepc": {}}
    assert any("sepc" in problem for problem in problems(manifest))


def test_a_kind_and_a_version_that_are_not_here_are_found() -> None:
    topic = {"apiVersion": "kafka.strimzi.io/v1", "kind": "KafkaTopics", "metadata": {}}
    assert ["no schema of" in problem for problem in problems(topic)] == [True]
    topic = {"apiVersion": "kafka.strimzi.io/v1beta2", "kind": "KafkaTopic", "metadata": {}}
    assert ["no schema of" in problem for problem in problems(topic)] == [True]


ANY = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
NAMED = {"type": "object", "properties": {"a": {"type": "string"}}}


@pytest.mark.parametrize(
    ("schema", "value", "is_valid"),
    [
        pytest.param(NAMED, {"a": "x"}, True, id="a field that is named"),
        pytest.param(NAMED, {"b": "x"}, False, id="a field that is not"),
        pytest.param({"type": "object"}, {"b": 1}, False, id="an object without fields"),
        pytest.param(ANY, {"b": {"c": 1}}, True, id="unknown fields are kept"),
        pytest.param(
            {**ANY, "properties": {"n": NAMED}}, {"n": {"b": 1}}, False, id="kept, but not deeper"
        ),
        pytest.param(
            {"type": "object", "additionalProperties": NAMED},
            {"any": {"b": 1}},
            False,
            id="a map's values",
        ),
        pytest.param({"type": "array", "items": NAMED}, [{"b": 1}], False, id="a list's items"),
        pytest.param({"x-kubernetes-int-or-string": True}, 80, True, id="int or string: int"),
        pytest.param({"x-kubernetes-int-or-string": True}, "80%", True, id="int or string: text"),
        pytest.param({"x-kubernetes-int-or-string": True}, 0.5, False, id="int or string: neither"),
        pytest.param({"type": "string", "nullable": True}, None, True, id="nullable"),
        pytest.param({"type": "string"}, None, False, id="not nullable"),
        pytest.param(
            {**NAMED, "anyOf": [{"required": ["a"]}, {"required": ["c"]}]},
            {"a": "x"},
            True,
            id="alternatives name no fields of their own",
        ),
        pytest.param(
            {"type": "object", "x-kubernetes-embedded-resource": True, "properties": {"a": {}}},
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "a": 1},
            True,
            id="an object within",
        ),
        pytest.param({"type": "string", "pattern": "^(?i)(warn)$"}, "Warn", True, id="Go's flag"),
        pytest.param({"type": "string", "pattern": "^(?i)(warn)$"}, "warm", False, id="and not"),
    ],
)
def test_a_schema_is_read_as_the_api_server_reads_it(
    schema: dict[str, Any], value: object, is_valid: bool
) -> None:
    assert jsonschema_rs.Draft4Validator(strict(schema)).is_valid(value) is is_valid
