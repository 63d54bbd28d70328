"""Exclusion rules over a product's fields (M5.1), compiled to predicates. Pure."""

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Protocol

import jsonschema_rs

from catalog_service.feeds.configuration import Rule, Scalar
from catalog_service.feeds.work import STEP, Budget, FamilyBudget
from common.contracts.catalog import FieldValue

Fields = Mapping[str, FieldValue]


class Predicate(Protocol):
    """Whether fields meet a rule, at the cost of the family's budget. Raises
    `FamilyTooCostly`."""

    def __call__(self, fields: Fields, budget: Budget | None = None) -> bool:
        """Whether they do."""


SMALL_PATTERN = 2_000
LARGEST_PATTERN = 20_000
"""Bytes of a compiled regular expression. Its time is linear in the text and in these."""
SMALL_PATTERN_COST = 5
LARGEST_PATTERN_COST = 50
LONGEST_NUMBER = 100


class PatternInvalid(Exception):
    """A regular expression the linear-time engine does not take, or a bound that is no number."""


class Subject:
    """A product's fields as rules test them: each read and folded once, each look paid for."""

    def __init__(self, fields: Fields, budget: Budget) -> None:
        self._fields = fields
        self._budget = budget
        self._texts: dict[str, list[str]] = {}
        self._folded: dict[str, list[str]] = {}

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


Test = Callable[[Subject], bool]


def compile_rule(rule: Rule) -> Predicate:
    """Whether a product's fields meet the rule. Raises `PatternInvalid`."""
    test = _compiled(rule)

    def is_met(fields: Fields, budget: Budget | None = None) -> bool:
        return test(Subject(fields, budget or FamilyBudget()))

    return is_met


def _compiled(rule: Rule) -> Test:
    if rule.all is not None:
        inner = [_compiled(r) for r in rule.all]
        return lambda subject: all(test(subject) for test in inner)
    if rule.any is not None:
        inner = [_compiled(r) for r in rule.any]
        return lambda subject: any(test(subject) for test in inner)
    if rule.negated is not None:
        test = _compiled(rule.negated)
        return lambda subject: not test(subject)
    assert rule.field is not None  # noqa: S101 - a test has its field, the model checks it
    return _field_test(rule, rule.field)


def _field_test(rule: Rule, field: str) -> Test:
    if rule.empty is not None:
        wanted = rule.empty
        return lambda subject: (not subject.texts(field)) == wanted
    if rule.compare is not None:
        holds = _comparison(rule.compare, str(rule.value))
        return lambda subject: any(holds(text) for text in subject.texts(field))
    if rule.matches is not None:
        is_match, cost = _pattern(rule.matches)
        return lambda subject: any(is_match(text) for text in subject.texts(field, cost=cost))
    holds = _folded_test(rule)
    return lambda subject: any(holds(text) for text in subject.folded(field))


def _folded_test(rule: Rule) -> Callable[[str], bool]:
    if rule.contains is not None:
        part = rule.contains.casefold()
        return lambda text: part in text
    among = [rule.equals] if rule.equals is not None else rule.among or []
    choices = frozenset(_text(value).casefold() for value in among)
    return lambda text: text in choices


def _comparison(sign: str, bound: str) -> Callable[[str], bool]:
    limit = _number(bound)
    if limit is None:
        raise PatternInvalid(f"{bound[:40]!r} is no number to compare with")

    def test(text: str) -> bool:
        number = _number(text)
        if number is None:
            return False
        return {
            "<": number < limit,
            "<=": number <= limit,
            ">": number > limit,
            ">=": number >= limit,
        }[sign]

    return test


def _pattern(pattern: str) -> tuple[Callable[[str], bool], int]:
    """The match by Rust's regex, whose time is linear in the text whatever the pattern; and what
    a character costs it."""
    for size, cost in (
        (SMALL_PATTERN, SMALL_PATTERN_COST),
        (LARGEST_PATTERN, LARGEST_PATTERN_COST),
    ):
        try:
            validator = jsonschema_rs.validator_for(
                {"pattern": pattern}, pattern_options=jsonschema_rs.RegexOptions(size_limit=size)
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


def _number(text: str) -> Decimal | None:
    if len(text) > LONGEST_NUMBER:
        return None
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
