"""What is said of a configuration that has the wrong form, and the schema that says it before."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from hypothesis import given, settings
from pydantic import ValidationError

from catalog_service.feeds.configuration import FeedConfiguration
from catalog_service.feeds.document import find_faults

from ..random_configurations import BASE, CONFIGURATIONS

ROOT = Path(__file__).parents[4]
SCHEMA = json.loads((ROOT / "schemas" / "feed-configuration.v1.json").read_text())
EXAMPLES = [*ROOT.glob("examples/feeds/*.yaml"), ROOT / "examples/sample/feed.yaml"]


def with_attribute(**match: Any) -> dict[str, Any]:
    return BASE | {"attributes": BASE["attributes"] | {"ean_code": match}}


FAULTS: list[tuple[dict[str, Any], str, str]] = [
    (BASE | {"catagory": {}}, "catagory", "is category meant?"),
    (BASE | {"Exclude": {}}, "Exclude", "is exclude meant?"),
    (with_attribute(feild="a"), "attributes.ean_code.feild", "is field meant?"),
    (BASE | {"attributes": BASE["attributes"] | {"prise": {}}}, "attributes.prise", "price"),
    (
        with_attribute(map={"form": "a", "values": {}}),
        "attributes.ean_code.map.form",
        "is from meant?",
    ),
    (
        with_attribute(map={"from": {"feild": "a"}, "values": {}}),
        "attributes.ean_code.map.from.feild",
        "is field meant?",
    ),
    (
        BASE | {"sku_attributes": {"Size": {"field": "s", "trunkate": 3}}},
        "sku_attributes.Size.trunkate",
        "is truncate meant?",
    ),
    (
        BASE | {"exclude": {"any": [{"field": "a", "equal": 1}]}},
        "exclude.any.0.equal",
        "is equals meant?",
    ),
    (BASE | {"units": {"zzz": 1}}, "units.zzz", "there are weight, length, decimal, time_zone"),
    (with_attribute(field="a", constant=1), "attributes.ean_code", "exactly one of"),
    (with_attribute(default=1), "attributes.ean_code", "exactly one of"),
    (with_attribute(map={"from": 5, "values": {}}), "attributes.ean_code.map.from", "string"),
    ({k: v for k, v in BASE.items() if k != "shop"}, "shop", "missing"),
    (BASE | {"id_field": 5}, "id_field", "string"),
    (with_attribute(template="{{ a | shout }}"), "attributes.ean_code", "no filter 'shout'"),
    (
        BASE | {"user_defined_attributes": {"a.b": {"template": "{{"}}},
        "user_defined_attributes.a.b",
        "template",
    ),
    (BASE | {"exclude": {"field": "a", "matches": "("}}, "exclude", "("),
    (BASE | {"main_locale": "fr_FR"}, "", "languages lacks the main locale fr_FR"),
]


@pytest.mark.parametrize(("document", "path", "says"), FAULTS)
def test_a_fault_is_named_with_its_path(document: dict[str, Any], path: str, says: str) -> None:
    found = [(".".join(map(str, fault.path)), fault.message) for fault in find_faults(document)]
    assert [one for one, _ in found if one == path], found
    assert says in dict(found)[path]


def test_every_fault_is_named_at_once() -> None:
    document = with_attribute(feild="a") | {"catagory": {}, "units": {"weight": "stone"}}
    paths = {".".join(map(str, fault.path)) for fault in find_faults(document)}
    assert paths >= {"attributes.ean_code.feild", "catagory", "units.weight"}


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)
def test_the_examples_are_right_and_name_their_schema(file: Path) -> None:
    text = file.read_text()
    assert find_faults(yaml.safe_load(text)) == []
    first = text.splitlines()[0]
    assert first.startswith("# yaml-language-server: $schema=")
    named = (file.parent / first.partition("=")[2]).resolve()
    assert named == ROOT / "schemas" / "feed-configuration.v1.json"


# -- the schema ---------------------------------------------------------------------------------

VALIDATOR = jsonschema_rs.validator_for(SCHEMA)


def test_every_field_is_described() -> None:
    lacking = [
        f"{name}.{field}"
        for name, schema in {"": SCHEMA, **SCHEMA["$defs"]}.items()
        for field, property_ in schema.get("properties", {}).items()
        if not property_.get("description")
    ]
    assert lacking == []


STRUCTURAL = [
    case
    for case in FAULTS
    if not any(word in case[2] for word in ("filter", "template", "(", "locale"))
]


@pytest.mark.parametrize(("document", "path", "says"), STRUCTURAL)
def test_the_schema_refuses_what_has_the_wrong_form(
    document: dict[str, Any], path: str, says: str
) -> None:
    assert not VALIDATOR.is_valid(document), (path, says)


@settings(deadline=None)
@given(CONFIGURATIONS)
def test_the_schema_takes_whatever_the_service_takes(changes: dict[str, Any]) -> None:
    try:
        document = json.loads(json.dumps(BASE | changes, allow_nan=False))
        FeedConfiguration.model_validate(document)
    except (ValidationError, ValueError):
        return
    assert VALIDATOR.is_valid(document), [e.message for e in VALIDATOR.iter_errors(document)]


WITH_NONE = [
    with_attribute(field="a", constant=None),
    BASE | {"exclude": {"field": "a", "equals": None, "empty": True}},
]


@pytest.mark.parametrize("document", WITH_NONE)
def test_what_is_null_is_not_given(document: dict[str, Any]) -> None:
    FeedConfiguration.model_validate(document)
    assert VALIDATOR.is_valid(document)
