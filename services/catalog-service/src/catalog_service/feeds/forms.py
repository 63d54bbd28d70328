"""What all parts of a configuration's form have in common: no unknown keys, no endless nesting."""

from difflib import get_close_matches
from typing import Any

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

DEEPEST = 20
"""How deep matches and rules may nest."""
KEYS_NAMED = 12
"""How many keys an error lists where none is near."""
UNKNOWN_KEY = "unknown_key"


def exactly_one(**needed: tuple[str, ...]) -> dict[str, Any]:
    """JSON Schema of an object that has one of these keys and no two, with those it needs; null is
    none."""
    is_given = {"not": {"type": "null"}}
    return {
        "oneOf": [
            {"required": [name, *others], "properties": {name: is_given}}
            for name, others in needed.items()
        ]
    }


class Form(BaseModel):
    """A part of the form: it has no other keys, and cannot be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    @model_validator(mode="wrap")
    @classmethod
    def _name_the_nearest_key(
        cls, value: Any, handler: ModelWrapValidatorHandler["Form"]
    ) -> "Form":
        """An unknown key is refused with the known one that may be meant."""
        try:
            return handler(value)
        except ValidationError as error:
            found = error.errors(include_url=False)
            if not any(map(_is_unknown_key, found)):
                raise
            known = [info.alias or name for name, info in cls.model_fields.items()]
            raise ValidationError.from_exception_data(
                error.title, [_detail(item, known) for item in found]
            ) from None


def _is_unknown_key(item: Any) -> bool:
    return item["type"] == "extra_forbidden" and len(item["loc"]) == 1


def _detail(item: Any, known: list[str]) -> InitErrorDetails:
    """The error as one of another form's; that of an unknown key says what is known."""
    kind: Any = item["type"]
    if _is_unknown_key(item):
        kind = PydanticCustomError(UNKNOWN_KEY, _unknown_key(str(item["loc"][0]), known))
    elif kind == UNKNOWN_KEY:
        kind = PydanticCustomError(UNKNOWN_KEY, item["msg"])
    detail = InitErrorDetails(type=kind, loc=item["loc"], input=item["input"])
    if "ctx" in item:
        detail["ctx"] = item["ctx"]
    return detail


def _unknown_key(key: str, known: list[str]) -> str:
    near = get_close_matches(key.casefold(), known, n=1)
    if near:
        return f"there is no such key; is {near[0]} meant?"
    more = ", ..." if len(known) > KEYS_NAMED else ""
    return f"there is no such key; there are {', '.join(known[:KEYS_NAMED])}{more}"


class NestingForm(Form):
    """A form that may hold others of its kind."""

    @model_validator(mode="before")
    @classmethod
    def _bounded_depth(cls, value: object) -> object:
        level, depth = [value], 0
        while level := [part for outer in level for part in _parts(outer)]:
            depth += 1
            if depth > 2 * DEEPEST:  # a match lies in a map, a rule in a list
                raise ValueError(f"it is nested deeper than {DEEPEST}: write it flatter")
        return value


def _parts(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
