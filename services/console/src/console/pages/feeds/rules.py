"""Exclusion rules as a form adds them and a list removes them (M5.1). Pure."""

import re
from collections.abc import Iterator
from typing import Any

from console.texts import N_

Rule = dict[str, Any]
TESTS = (
    ("equals", N_("is")),
    ("in", N_("is one of (parted by commas)")),
    ("contains", N_("contains")),
    ("empty", N_("is empty")),
    ("filled", N_("is filled")),
    ("<", N_("is less than")),
    ("<=", N_("is at most")),
    (">", N_("is more than")),
    (">=", N_("is at least")),
    ("matches", N_("matches the regular expression")),
)
"""What may be tested of a field."""


def alternatives(rule: Rule | None, at: str = "exclude") -> Iterator[tuple[str, Rule]]:
    """The rules of which each excludes by itself, by their places as catalog-service names them."""
    if rule is None:
        return
    if not rule.get("any"):
        yield at, rule
        return
    for place, inner in enumerate(rule["any"]):
        yield from alternatives(inner, f"{at}.any.{place}")


def made(field: str, test: str, value: str) -> Rule:
    """The rule as typed."""
    if test in {"empty", "filled"}:
        return {"field": field, "empty": test == "empty"}
    if test in {"<", "<=", ">", ">="}:
        return {"field": field, "compare": test, "value": value}
    if test == "in":
        return {"field": field, "in": [part for part in re.split(r"\s*,\s*", value) if part]}
    return {"field": field, test if test in {"contains", "matches"} else "equals": value}


def with_rule(exclude: Rule | None, rule: Rule) -> Rule:
    """The exclusions with one more."""
    if exclude is None:
        return rule
    return {"any": [*(exclude.get("any") or [exclude]), rule]}


def without(exclude: Rule | None, place: str, at: str = "exclude") -> Rule | None:
    """The exclusions without the rule at this place; None where none is left."""
    if exclude is None or place == at:
        return None
    if not exclude.get("any"):
        return exclude
    kept = [
        left
        for number, inner in enumerate(exclude["any"])
        if (left := without(inner, place, f"{at}.any.{number}")) is not None
    ]
    return {"any": kept} if kept else None


def said_of(rule: Rule) -> tuple[str, str, str] | None:
    """Field, test and value of a rule; None for one that is made of others."""
    field = rule.get("field")
    if field is None:
        return None
    if rule.get("compare") is not None:
        return field, rule["compare"], str(rule.get("value"))
    if rule.get("empty") is not None:
        return field, "empty" if rule["empty"] else "filled", ""
    for test in ("equals", "contains", "matches"):
        if rule.get(test) is not None:
            return field, test, str(rule[test])
    return field, "in", ", ".join(map(str, (rule.get("in") or [])[:20]))
