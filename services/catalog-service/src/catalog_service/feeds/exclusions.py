"""Exclusion rules over a product's fields (M5.1), compiled to predicates. Pure."""

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation

import jsonschema_rs

from catalog_service.feeds.configuration import Rule, Scalar
from common.contracts.catalog import FieldValue

Fields = Mapping[str, FieldValue]
Predicate = Callable[[Fields], bool]


class PatternInvalid(Exception):
    """A regular expression the linear-time engine does not take."""


def compile_rule(rule: Rule) -> Predicate:
    """Whether a product's fields meet the rule. Raises `PatternInvalid`."""
    if rule.all is not None:
        inner = [compile_rule(r) for r in rule.all]
        return lambda fields: all(test(fields) for test in inner)
    if rule.any is not None:
        inner = [compile_rule(r) for r in rule.any]
        return lambda fields: any(test(fields) for test in inner)
    if rule.negated is not None:
        test = compile_rule(rule.negated)
        return lambda fields: not test(fields)
    assert rule.field is not None  # noqa: S101 - a test has its field, the model checks it
    return _field_test(rule, rule.field)


def _field_test(rule: Rule, field: str) -> Predicate:
    check = _value_test(rule)
    if rule.empty is not None:
        wanted = rule.empty
        return lambda fields: (not _texts(fields.get(field))) == wanted
    return lambda fields: any(check(text) for text in _texts(fields.get(field)))


def _value_test(rule: Rule) -> Callable[[str], bool]:
    if rule.equals is not None:
        wanted = _folded(rule.equals)
        return lambda text: text.casefold() == wanted
    if rule.contains is not None:
        part = rule.contains.casefold()
        return lambda text: part in text.casefold()
    if rule.among is not None:
        choices = frozenset(_folded(value) for value in rule.among)
        return lambda text: text.casefold() in choices
    if rule.compare is not None:
        return _comparison(rule.compare, str(rule.value))
    if rule.matches is not None:
        return _pattern(rule.matches)
    return lambda _text: False


def _folded(value: Scalar) -> str:
    return _text(value).casefold()


def _comparison(sign: str, bound: str) -> Callable[[str], bool]:
    limit = _number(bound)
    if limit is None:
        raise PatternInvalid(f"{bound!r} is no number to compare with")

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


def _pattern(pattern: str) -> Callable[[str], bool]:
    """Matched by Rust's regex, whose time is linear in the text whatever the pattern."""
    try:
        validator = jsonschema_rs.validator_for(
            {"pattern": pattern}, pattern_options=jsonschema_rs.RegexOptions(size_limit=1_000_000)
        )
    except (jsonschema_rs.ValidationError, ValueError) as error:
        raise PatternInvalid(f"{pattern!r} is no regular expression taken here: {error}") from None
    return validator.is_valid


def _texts(value: FieldValue) -> list[str]:
    if isinstance(value, list):
        return [text for text in value if text.strip()]
    text = _text(value)
    return [text] if text else []


def _text(value: FieldValue) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip()


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
