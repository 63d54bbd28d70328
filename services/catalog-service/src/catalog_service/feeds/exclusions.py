"""Exclusion rules over a product's fields (M5.1), compiled to predicates. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Protocol

import jsonschema_rs

from catalog_service.feeds.configuration import Rule, Scalar
from catalog_service.feeds.quantities import DecimalSign, QuantityInvalid, Written, read_amount
from catalog_service.feeds.work import STEP, Budget, FamilyBudget
from common.contracts.catalog import FieldValue

Fields = Mapping[str, FieldValue]


class Predicate(Protocol):
    """Whether fields meet a rule, at the cost of the family's budget. Raises
    `FamilyTooCostly`."""

    def __call__(self, fields: Fields, budget: Budget | None = None) -> bool:
        """Whether they do."""


PATTERN_COSTS = ((2_000, 5), (20_000, 50), (60_000, 150))
"""Bytes of a compiled regular expression, and what a character then costs: linear in both."""
NUMBER_COST = 500
"""Units of reading a text as a number."""


class PatternInvalid(Exception):
    """A regular expression the linear-time engine does not take, or a bound that is no number."""


@dataclass(frozen=True)
class Numbers:
    """How the feed's catalogue writes numbers, and the currency its prices may carry."""

    decimal: DecimalSign = "."
    currency: str = ""

    def read(self, written: Scalar | None) -> Decimal | None:
        """The number; None for what is none. A text is read as the feed's prices are."""
        if not isinstance(written, Written) or isinstance(written, bool):
            return None
        try:
            return read_amount(written, self.decimal, currency=self.currency)
        except QuantityInvalid:
            return None


class Subject:
    """A product's fields as rules test them: each read and folded once, each look paid for."""

    def __init__(self, fields: Fields, numbers: Numbers, budget: Budget) -> None:
        self._fields = fields
        self._reading = numbers
        self._budget = budget
        self._texts: dict[str, list[str]] = {}
        self._folded: dict[str, list[str]] = {}
        self._numbers: dict[str, list[Decimal]] = {}

    def texts(self, field: str, *, cost: int = 1) -> list[str]:
        """The field's texts; `cost` is what each of their characters costs the test."""
        texts = self._texts.get(field)
        if texts is None:
            texts = self._texts[field] = _texts(self._fields.get(field))
        self._budget.spend(STEP)
        self._budget.weigh(texts, factor=cost)
        return texts

    def folded(self, field: str) -> list[str]:
        """The field's texts without regard to case."""
        texts = self.texts(field)
        folded = self._folded.get(field)
        if folded is None:
            folded = self._folded[field] = [text.casefold() for text in texts]
        return folded

    def numbers(self, field: str) -> list[Decimal]:
        """The field's values that are numbers, written as such or as texts."""
        numbers = self._numbers.get(field)
        if numbers is None:
            value = self._fields.get(field)
            values = value if isinstance(value, list) else [value]
            self._budget.spend(NUMBER_COST * len(values))
            read = map(self._reading.read, values)
            numbers = self._numbers[field] = [number for number in read if number is not None]
        self._budget.spend(STEP * (1 + len(numbers)))
        return numbers

    def is_number(self, field: str) -> bool:
        """Whether the field is a number without being a text."""
        value = self._fields.get(field)
        return isinstance(value, int | float) and not isinstance(value, bool)


Test = Callable[[Subject], bool]


def compile_rule(rule: Rule, numbers: Numbers = Numbers()) -> Predicate:
    """Whether a product's fields meet the rule. Raises `PatternInvalid`."""
    test = _compiled(rule, numbers)

    def is_met(fields: Fields, budget: Budget | None = None) -> bool:
        return test(Subject(fields, numbers, budget or FamilyBudget()))

    return is_met


def alternatives(rule: Rule, at: str = "exclude") -> Iterator[tuple[str, Rule]]:
    """The rules of which each excludes by itself, with their places: those of an `any`, singly."""
    if rule.any is None:
        yield at, rule
        return
    for place, inner in enumerate(rule.any):
        yield from alternatives(inner, f"{at}.any.{place}")


def _compiled(rule: Rule, numbers: Numbers) -> Test:
    if rule.all is not None:
        inner = [_compiled(r, numbers) for r in rule.all]
        return lambda subject: all(test(subject) for test in inner)
    if rule.any is not None:
        inner = [_compiled(r, numbers) for r in rule.any]
        return lambda subject: any(test(subject) for test in inner)
    if rule.negated is not None:
        test = _compiled(rule.negated, numbers)
        return lambda subject: not test(subject)
    assert rule.field is not None  # noqa: S101 - a test has its field, the model checks it
    return _field_test(rule, rule.field, numbers)


def _field_test(rule: Rule, field: str, numbers: Numbers) -> Test:
    if rule.empty is not None:
        wanted = rule.empty
        return lambda subject: (not subject.texts(field)) == wanted
    if rule.compare is not None:
        holds = _comparison(rule.compare, rule.value, numbers)
        return lambda subject: any(holds(number) for number in subject.numbers(field))
    if rule.matches is not None:
        is_match, cost = _pattern(rule.matches)
        return lambda subject: any(is_match(text) for text in subject.texts(field, cost=cost))
    if rule.contains is not None:
        part = rule.contains.casefold()
        return lambda subject: any(part in text for text in subject.folded(field))
    return _equality([rule.equals] if rule.equals is not None else rule.among or [], field, numbers)


def _equality(choices: Sequence[Scalar], field: str, numbers: Numbers) -> Test:
    """Whether the field is one of the choices.

    They are compared as numbers where one side is a number by itself, whatever the digits: `10`
    meets `10.0`. Two texts are compared as texts: the code `007` is not `7`.
    """
    read = {choice: numbers.read(choice) for choice in choices if not isinstance(choice, bool)}
    named = {n for choice, n in read.items() if n is not None and not isinstance(choice, str)}
    written = {n for n in read.values() if n is not None}
    texts = {
        _text(choice).casefold()
        for choice in choices
        if isinstance(choice, str | bool) or read[choice] is None
    }

    def is_one(subject: Subject) -> bool:
        if any(text in texts for text in subject.folded(field)):
            return True
        meant = written if subject.is_number(field) else named
        return bool(meant) and any(number in meant for number in subject.numbers(field))

    return is_one


def _comparison(sign: str, bound: Written | None, numbers: Numbers) -> Callable[[Decimal], bool]:
    limit = numbers.read(bound)
    if limit is None:
        limit = _plain_number(str(bound))
    if limit is None:
        raise PatternInvalid(f"{str(bound)[:40]!r} is no number to compare with")

    def test(number: Decimal) -> bool:
        return {
            "<": number < limit,
            "<=": number <= limit,
            ">": number > limit,
            ">=": number >= limit,
        }[sign]

    return test


def _plain_number(text: str) -> Decimal | None:
    """A bound that the configuration writes in another way than the catalogue."""
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def _pattern(pattern: str) -> tuple[Callable[[str], bool], int]:
    """The match by Rust's regex, whose time is linear in the text whatever the pattern; and what
    a character costs it. Without regard to case, as the other tests are."""
    for size, cost in PATTERN_COSTS:
        try:
            validator = jsonschema_rs.validator_for(
                {"pattern": f"(?i){pattern}"},
                pattern_options=jsonschema_rs.RegexOptions(size_limit=size),
            )
        except (jsonschema_rs.ValidationError, ValueError):
            continue
        return validator.is_valid, cost
    raise PatternInvalid(
        f"{pattern!r} is no regular expression taken here, or too large a one: no look-around, no"
        " back-references, small counts"
    )


def _texts(value: FieldValue) -> list[str]:
    if isinstance(value, list):
        return [text for text in value if text.strip()]
    text = _text(value)
    return [text] if text else []


def _text(value: Scalar | None) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip()
