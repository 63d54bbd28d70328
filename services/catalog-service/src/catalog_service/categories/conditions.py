"""What attributes of a leaf ask of each other: the conditions of its schema. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]
Values = Mapping[str, tuple[str, ...]]
"""Attribute to value ids."""


@dataclass(frozen=True)
class Condition:
    """Where each attribute of `when` has one of its values (`is_otherwise`: where not), the
    attributes of `requires` are needed and those of `allows` have these values only.

    An own text of an attribute is `<attribute> > customValue`. No values: any value.
    """

    when: Values
    requires: tuple[str, ...]
    allows: Values
    is_otherwise: bool = False


def find_conditions(section: Schema) -> list[Condition]:
    """The conditions between a section's attributes, and within each."""
    found = list(_of_section(section))
    for name, attribute in section.get("properties", {}).items():
        if isinstance(attribute, dict):
            found += _of_attribute(name, attribute)
    return found


def _branches(schema: Schema) -> Iterator[tuple[Schema, Schema, bool]]:
    """Each test with what holds then; the last says whether it holds where the test fails."""
    for part in (schema, *_objects(schema.get("allOf"))):
        test = part.get("if")
        if not isinstance(test, dict):
            continue
        for key, is_otherwise in (("then", False), ("else", True)):
            result = part.get(key)
            if isinstance(result, dict):
                yield test, result, is_otherwise


def _objects(value: Any) -> Iterator[Schema]:
    return (item for item in (value if isinstance(value, list) else ()) if isinstance(item, dict))


def _of_section(section: Schema) -> Iterator[Condition]:
    for test, result, is_otherwise in _branches(section):
        condition = Condition(_tested(test), _required(result), _allowed(result), is_otherwise)
        if condition.when and (condition.requires or condition.allows):
            yield condition
    dependent = section.get("dependentRequired")
    for name, required in (dependent if isinstance(dependent, dict) else {}).items():
        yield Condition({name: ()}, tuple(map(str, required)), {})


def _of_attribute(name: str, attribute: Schema) -> Iterator[Condition]:
    for test, result, is_otherwise in _branches(attribute):
        tested = _tested({"properties": {name: test}})
        required = tuple(f"{name} > {part}" for part in _required(result))
        if tested and required:
            yield Condition(tested, required, {}, is_otherwise)


def _required(result: Schema) -> tuple[str, ...]:
    return tuple(str(name) for name in result.get("required", ()))


def _tested(test: Schema) -> Values:
    """The attributes a test names; one without values needs only to be there."""
    named = dict.fromkeys(_required(test), ())
    return named | _allowed(test)


def _allowed(schema: Schema) -> dict[str, tuple[str, ...]]:
    properties = schema.get("properties", {})
    return {
        name: values
        for name, attribute in properties.items()
        if isinstance(attribute, dict) and (values := _values(attribute))
    }


def _values(attribute: Schema) -> tuple[str, ...]:
    value = attribute.get("properties", {}).get("value", attribute)
    for holder in (value, value.get("items", {}), value.get("contains", {})):
        if "const" in holder:
            return (str(holder["const"]),)
        if isinstance(holder.get("enum"), list):
            return tuple(map(str, holder["enum"]))
        if isinstance(holder.get("oneOf"), list):
            consts = (option.get("const") for option in _objects(holder["oneOf"]))
            return tuple(str(const) for const in consts if const is not None)
    return ()
