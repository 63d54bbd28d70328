"""Matches compiled to functions of a row (M3). Pure.

A filled value is text, a list of texts, or None where the match gives nothing. Where a number is
asked for it is what the source gave: a number, or a text that is still to be read (`quantities`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from functools import cached_property
from typing import Any

from catalog_service.feeds.configuration import Match, ValueMap
from catalog_service.feeds.quantities import Written
from catalog_service.feeds.templates import (
    Render,
    TemplateFailed,
    TemplateInvalid,
    compile_template,
    cut_at_word,
)
from catalog_service.feeds.work import CALL, FamilyBudget
from catalog_service.texts import is_storable
from common.contracts.catalog import FieldValue

Filled = str | list[str] | None
_Given = tuple[object, Filled]
_LISTS = (list, tuple)
_NUMBERS = (int, float)
MAX_VALUES = 1_000
"""Values of one list, as of a source field."""


class MatchFailed(Exception):
    """The match gives nothing usable for this product; the message says why."""


@dataclass(frozen=True)
class Row:
    """A source product as matches see it; `parent` holds its parent's fields, if it has one, and
    `budget` is what its family may still cost."""

    product_id: str
    parent_id: str | None
    fields: Mapping[str, FieldValue]
    parent: Mapping[str, FieldValue] = dataclass_field(default_factory=dict)
    budget: FamilyBudget = dataclass_field(default_factory=FamilyBudget, repr=False, compare=False)

    def field(self, name: str) -> FieldValue:
        """A field by name; `product_id`, `parent_id` are the row's where no field is so named."""
        if name in self.fields:
            return self.fields[name]
        if name == "product_id":
            return self.product_id
        return self.parent_id if name == "parent_id" else None

    @cached_property
    def variables(self) -> dict[str, Any]:
        """What templates may name."""
        return {
            "product_id": self.product_id,
            "parent_id": self.parent_id,
            **self.fields,
            "fields": self.fields,
            "parent": self.parent,
        }


ANY_ROW = Row("", None, {})
"""For matches that give the same whatever the row."""


def texts(value: object) -> Filled:
    """A value as a filled one: blanks count as nothing, lists lose their blanks.

    Raises `MatchFailed` for an object, a list that is too long, and characters nothing stores.
    """
    if not isinstance(value, _LISTS):
        return _text(value)
    _check_count(len(value))
    return [text for item in value if (text := _text_of_item(item)) is not None] or None


def _text_of_item(item: object) -> str | None:
    return None if isinstance(item, _LISTS) else _text(item)


def _text(value: object) -> str | None:
    if value is None:
        return None
    text = value.strip() if type(value) is str else _written(value)
    if not is_storable(text):
        raise MatchFailed("it gives a text with a character that cannot be stored, such as NUL")
    return text or None


def _written(value: object) -> str:
    """What is no text, as one."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        raise MatchFailed("it gives an object, not a text or a list of texts")
    try:
        return str(value).strip()
    except ValueError:  # an integer of thousands of digits
        raise MatchFailed("it gives a number of too many digits") from None


def _check_count(values: int) -> None:
    if values > MAX_VALUES:
        raise MatchFailed(f"it gives {values} values; at most {MAX_VALUES} are taken")


def cut(text: str, separator: str) -> list[str]:
    """The text's parts. Raises `MatchFailed` for too many of them, before they are made."""
    _check_count(text.count(separator) + 1)
    return text.split(separator)


@dataclass(frozen=True)
class CompiledMatch:
    """A match, ready to fill; `form` is as configured."""

    form: Match
    default: Filled
    _source: Callable[[Row], object]
    _is_uncut: bool = True
    _constant: _Given | None = None
    """What it always gives, where that is no matter of the row."""

    def fill(self, row: Row) -> Filled:
        """The row's value. Raises `MatchFailed` when a template fails and there is no default,
        and whatever the default when it costs too much; `FamilyTooCostly`."""
        return self._given(row)[1]

    def text(self, row: Row) -> str | None:
        """The value as one text; of a list its first. Raises `MatchFailed`."""
        value = self.fill(row)
        return value[0] if isinstance(value, list) else value

    def list(self, row: Row) -> list[str]:
        """The value as a list. Raises `MatchFailed`."""
        value = self.fill(row)
        return [value] if isinstance(value, str) else value or []

    def quantity(self, row: Row) -> Written | None:
        """The one value as a number, or as a text to be read as one. Raises `MatchFailed`."""
        given, value = self._given(row)
        if isinstance(given, _LISTS) and len(given) == 1:
            given = given[0]
            value = self._shaped(texts(given))
        if isinstance(given, _NUMBERS) and not isinstance(given, bool):
            return given
        if isinstance(value, list):
            if len(value) > 1:
                raise MatchFailed(f"it gives {len(value)} values where one number is asked for")
            return value[0]
        return value

    def _given(self, row: Row) -> _Given:
        """What the source gives, else the default: unchanged, and as texts."""
        if self._constant is not None:
            return self._constant
        row.budget.spend(CALL)
        try:
            value = self._source(row)
        except TemplateFailed as failure:
            if self.default is None or failure.is_costly:
                raise MatchFailed(f"the template failed: {failure}") from None
            return self.form.default, self._shaped(self.default)
        if type(value) is str and self._is_uncut:
            text = value.strip()
            if text and is_storable(text):
                return value, text
        found = texts(value)
        if found is None:
            return self.form.default, self._shaped(self.default)
        return value, self._shaped(found)

    def _shaped(self, value: Filled) -> Filled:
        """The texts, cut as the match asks for."""
        if isinstance(value, str) and self.form.separator is not None:
            value = texts(cut(value, self.form.separator))
        if isinstance(value, str) and self.form.truncate is not None:
            value = cut_at_word(value, self.form.truncate)
        return value

    @property
    def is_constant(self) -> bool:
        """Whether it gives the same for every row."""
        return self._constant is not None

    @property
    def origin(self) -> str:
        """Where the value comes from, for remedies: `the field brand`."""
        if self.form.field is not None:
            return f"the field {self.form.field!r}"
        if self.form.map is not None:
            source = self.form.map.source
            return f"the value map over {source!r}" if isinstance(source, str) else "the value map"
        return "the template" if self.form.template is not None else "the constant"


def compile_match(form: Match) -> CompiledMatch:
    """The match, ready to fill. Raises `TemplateInvalid`."""
    is_uncut = form.separator is None and form.truncate is None
    compiled = CompiledMatch(form, texts(form.default), _source(form), is_uncut)
    if form.constant is None:
        return compiled
    try:
        return replace(compiled, _constant=compiled._given(Row("", None, {})))  # noqa: SLF001 - its own
    except MatchFailed:
        return compiled  # the products say so


def _source(form: Match) -> Callable[[Row], object]:
    if form.field is not None:
        name = form.field

        def of_field(row: Row) -> object:
            value = row.fields.get(name)
            return row.field(name) if value is None else value

        return of_field
    if form.template is not None:
        render: Render = compile_template(form.template)
        return lambda row: render(row.variables, row.budget)
    if form.map is not None:
        return _mapped(form.map)
    constant = form.constant
    return lambda _row: constant


def _mapped(form: ValueMap) -> Callable[[Row], object]:
    source = Match(field=form.source) if isinstance(form.source, str) else form.source
    compiled = compile_match(source)
    values = {key.strip().casefold(): value for key, value in form.values.items()}

    def kept(text: str) -> object:
        return values.get(text.strip().casefold(), text)

    def look_up(row: Row) -> object:
        value = compiled.fill(row)
        if form.keep and isinstance(value, str):
            return kept(value)
        if form.keep and value:
            given = [kept(text) for text in value]
            return [one for each in given for one in (each if isinstance(each, list) else [each])]
        for text in [value] if isinstance(value, str) else value or []:
            found = values.get(text.strip().casefold())
            if found is not None:
                return found
        return form.default

    return look_up


__all__ = [
    "CompiledMatch",
    "Filled",
    "MatchFailed",
    "Row",
    "TemplateInvalid",
    "compile_match",
    "texts",
]
