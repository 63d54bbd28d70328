"""The sum of what a tried configuration would do, page by page. Pure."""

from collections.abc import Mapping, Sequence

import msgspec

from catalog_service.drafts.compare import FamilyChange, field_names
from catalog_service.normalizing.groups import Cause, cause_of
from common.errors import Issue

MOST_CAUSES = 300
"""Causes that are counted one by one; products of further ones are in no group."""
MOST_EXAMPLES = 5


class CauseCount(msgspec.Struct):
    """An issue as one of its products has it, and how many have one of its cause, now and then."""

    issue: Issue
    before: int = 0
    after: int = 0
    examples: list[str] = []


class Tally(msgspec.Struct):
    """Counts of products. `states` is by the state now, then by the state they would have."""

    states: dict[str, dict[str, int]] = {}
    kinds: dict[str, int] = {}
    fields: dict[str, int] = {}
    skus_affected: int = 0
    excluded: int = 0
    excluded_by: dict[str, int] = {}
    unseen_pictures: int = 0
    """Products with pictures that were never looked at, and count as good."""
    causes: dict[str, CauseCount] = {}

    def add_states(self, before: str, after: str) -> None:
        """Count a product by its states."""
        row = self.states.setdefault(before, {})
        row[after] = row.get(after, 0) + 1

    def add_change(self, change: FamilyChange | None) -> None:
        """Count a product by what would become of it; None: nothing."""
        self._add(self.kinds, "unchanged" if change is None else change.kind)
        if change is not None:
            self.skus_affected += change.skus_affected
            for name in field_names(change):
                self._add(self.fields, name)

    def add_issues(self, family_id: str, before: Sequence[Issue], after: Sequence[Issue]) -> None:
        """Count a product by the causes of its issues."""
        for issues, is_after in ((before, False), (after, True)):
            examples: dict[Cause, Issue] = {}
            for issue in issues:
                examples.setdefault(cause_of(issue), issue)
            for cause, issue in examples.items():
                self._add_cause("\x1f".join(cause), issue, family_id, is_after=is_after)

    def _add_cause(self, key: str, issue: Issue, family_id: str, *, is_after: bool) -> None:
        count = self.causes.get(key)
        if count is None:
            if len(self.causes) >= MOST_CAUSES:
                return
            count = self.causes[key] = CauseCount(issue)
        if is_after:
            count.issue = issue if not count.after else count.issue
            count.after += 1
            if len(count.examples) < MOST_EXAMPLES:
                count.examples.append(family_id)
        else:
            count.before += 1

    def add_excluded(self, total: int, by_rule: Mapping[str, int]) -> None:
        """Count what rules leave out, in all and each by itself."""
        self.excluded += total
        for rule, number in by_rule.items():
            self.excluded_by[rule] = self.excluded_by.get(rule, 0) + number

    @staticmethod
    def _add(counts: dict[str, int], name: str) -> None:
        counts[name] = counts.get(name, 0) + 1
