"""Why products that are wanted cannot be sent, grouped by cause. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from common.contracts.feed import Cause
from common.errors import Issue

MAX_CAUSES = 500
"""Causes that a report tells apart; products of any more are counted as missing only."""
EXAMPLES = 10
"""Families that a cause names."""


@dataclass
class CauseGroup:
    """A cause, how many products it concerns, and the first of them."""

    cause: Cause
    products: int = 0
    families: list[str] = field(default_factory=list)


@dataclass
class Missing:
    """The products of a feed that are wanted and that a plan does not send; bounded in size."""

    products: int = 0
    _groups: dict[tuple[str, str, str], CauseGroup] = field(default_factory=dict)

    def add(self, family_id: str, causes: Iterable[Cause]) -> None:
        """Count a product, once under each of its causes."""
        self.products += 1
        for key, cause in {_key(cause): cause for cause in causes}.items():
            if key not in self._groups and len(self._groups) >= MAX_CAUSES:
                continue
            group = self._groups.setdefault(key, CauseGroup(cause))
            group.products += 1
            if len(group.families) < EXAMPLES:
                group.families.append(family_id)

    def groups(self) -> list[CauseGroup]:
        """The causes, the most frequent first."""
        return sorted(self._groups.values(), key=lambda group: -group.products)


def _key(cause: Cause) -> tuple[str, str, str]:
    """What makes two causes one: the message may name a product's own values."""
    return cause.code, cause.explanation, cause.remedy


def cause_of(issue: Issue) -> Cause:
    """An issue of the catalogue as a cause: its code is the rule that is broken."""
    sku = "" if issue.sku is None else f", SKU {issue.sku}"
    value = "" if issue.value is None else f" ({issue.value!r})"
    return Cause(
        code=issue.rule,
        message=f"{issue.field}{sku}: {issue.message}{value}",
        explanation=f"The catalogue's value for {issue.field} cannot be used (rule {issue.rule}).",
        remedy=issue.remedy,
    )


def causes_of(issues: Iterable[Issue]) -> list[Cause]:
    """The causes of a product's issues, each once."""
    causes = (cause_of(issue) for issue in issues if issue.severity == "error")
    return list({_key(cause): cause for cause in causes}.values())
