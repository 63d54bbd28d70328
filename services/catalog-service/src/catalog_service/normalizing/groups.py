"""Under what a family's issues are counted, and by what it is found. Pure.

Counters of a feed count families: `state`, `online` (by the empty name), of those that are wanted
`leaf` and `unmatched` (paths), `missing` (attributes), `rule`, `cause` and `value` by their issues,
`waits` by what they wait for. Of a catalogue: `products` and `roots`, which have no parent (by the
empty name), and `marks` by the feed they are of.

Issues are of one cause when their words are the same but for what is of the one product.
"""

import hashlib
import re
from collections.abc import Sequence

import msgspec

from common.errors import Issue
from common.postgres.counters import LONGEST_NAME_BYTES

OF_ONE_PRODUCT = (
    r"""(?<![A-Za-z0-9])'[^']*'|"[^"]*"|(?<!answered )(?<![A-Za-z0-9.,])-?[0-9][0-9.,]*"""
)
"""Quoted texts and numbers, in the words of Postgres's expressions and Python's; what a picture's
server answered is a cause."""
_OF_ONE_PRODUCT = re.compile(OF_ONE_PRODUCT)
OF_VALUES = ("M3.12", "M4.2")
"""The rules that a value breaks which is none of its attribute's."""
LONGEST_SOUGHT = 2_000
"""How many characters a family is found by."""

Cause = tuple[str, str, str, str, str]
"""Rule, severity, field, and the message and the remedy without what is one product's."""


def cause_of(issue: Issue) -> Cause:
    """The issue's cause."""
    message, remedy = (_OF_ONE_PRODUCT.sub("", text) for text in (issue.message, issue.remedy))
    return issue.rule, issue.severity, issue.field, message, remedy


def cause_name(issue: Issue) -> str:
    """The cause as counters name it: severity, rule, and a digest of the whole."""
    words = "\x1f".join(cause_of(issue)).encode()
    digest = hashlib.md5(words, usedforsecurity=False).hexdigest()
    return f"{issue.severity}/{issue.rule}/{digest}"


def groups_of(issues: Sequence[Issue], *, has_category: bool) -> list[str]:
    """The groups of a family with these issues, as counters have them: `cause:` and the cause's
    name, `value:` and [field, value] as JSON for a value that its attribute does not allow."""
    groups = {f"cause:{cause_name(issue)}" for issue in issues}
    if has_category:
        groups |= {
            f"value:{value_name(issue.field, issue.value)}"
            for issue in issues
            if issue.rule in OF_VALUES and issue.value is not None
        }
    return sorted(group for group in groups if len(group.encode()) <= LONGEST_NAME_BYTES)


def value_name(field: str, value: str) -> str:
    """A value of a field as counters name it."""
    return msgspec.json.encode([field, value]).decode()


def sought_of(family_id: str, title: str | None, sku_codes: Sequence[str]) -> str:
    """By what the family is found: its id, title and SKU codes in small letters, a line each."""
    return "\n".join((family_id, title or "", *sku_codes))[:LONGEST_SOUGHT].lower()
