"""Answers of catalog-service about single matches: what they give, and what may be chosen."""

from typing import Any

from console.answers import Answer


class MatchResult(Answer):
    """What a match gives for a row, from which source fields, or why it gives nothing usable."""

    product_id: str
    sources: dict[str, Any]
    value: str | list[str] | None
    failure: str | None


class MatchResults(Answer):
    """The first rows of a catalogue, as a match fills them."""

    items: list[MatchResult]


class FieldValues(Answer):
    """A value of a field and how many products have it."""

    value: str
    products: int


class LeafAttribute(Answer):
    """An attribute of a leaf: how it is filled, and the first of its allowed values, by id."""

    name: str
    kind: str
    is_required: bool
    takes_own_text: bool
    value_count: int
    values: dict[str, str]


class LeafAttributes(Answer):
    """What a leaf asks for."""

    category_id: str
    path: list[str]
    category_attributes: list[LeafAttribute]
    sku_attributes: list[LeafAttribute]


class AllowedValue(Answer):
    """A value that an attribute may have."""

    name: str
