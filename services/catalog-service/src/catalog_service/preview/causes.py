"""Which issues are of one cause: the same words but for what is of the one product. Pure."""

import re

from common.errors import Issue

OF_ONE_PRODUCT = (
    r"""(?<![A-Za-z0-9])'[^']*'|"[^"]*"|(?<!answered )(?<![A-Za-z0-9.,])-?[0-9][0-9.,]*"""
)
"""Quoted texts and numbers, in the words of Postgres's expressions and Python's; what a picture's
server answered is a cause."""
_OF_ONE_PRODUCT = re.compile(OF_ONE_PRODUCT)

Cause = tuple[str, str, str, str, str]
"""Rule, severity, field, and the message and the remedy without what is one product's."""


def cause_of(issue: Issue) -> Cause:
    """The issue's cause."""
    message, remedy = (_OF_ONE_PRODUCT.sub("", text) for text in (issue.message, issue.remedy))
    return issue.rule, issue.severity, issue.field, message, remedy
