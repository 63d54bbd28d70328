"""How many products each rule of a configuration leaves out (M5.1). Pure."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field

from catalog_service.feeds.configuration import FeedConfiguration
from catalog_service.feeds.exclusions import Numbers, Predicate, alternatives, compile_rule
from catalog_service.feeds.work import Budget
from common.contracts.catalog import FieldValue

RULES_SHOWN = 100
"""How many rules of an `any` are counted one by one; the others count in the sum only."""
SAMPLE = 5
"""How many of the products that a rule meets are named."""


@dataclass
class _Family:
    """What the rules say of a family's rows: a bit for each rule, the lowest for all of them."""

    head: int | None = None
    children: Counter[int] = field(default_factory=Counter)


class ExclusionCount:
    """Counts products as the evaluation leaves them out: with a parent go its children, with its
    last child a parent."""

    def __init__(self, form: FeedConfiguration, is_excluded: Predicate | None) -> None:
        numbers = Numbers(form.units.decimal, form.currency)
        named = [] if form.exclude is None else [*alternatives(form.exclude)][:RULES_SHOWN]
        self.places: Sequence[str] = [place for place, _ in named]
        self._tests = [compile_rule(rule, numbers) for _, rule in named]
        self._is_excluded = is_excluded
        self._families: defaultdict[str, _Family] = defaultdict(_Family)
        self._samples: list[list[str]] = [[] for _ in named]

    def fresh(self) -> "ExclusionCount":
        """One of the same rules that has counted nothing."""
        other = copy(self)
        other.__dict__["_families"] = defaultdict(_Family)
        other.__dict__["_samples"] = [[] for _ in self.places]
        return other

    def add(
        self,
        product_id: str,
        parent_id: str | None,
        fields: Mapping[str, FieldValue],
        budget: Budget,
    ) -> bool:
        """Count a product; whether a rule meets its own row. Raises `FamilyTooCostly`."""
        mask = self._mask(fields, budget)
        if mask:
            for place, sample in enumerate(self._samples, 1):
                if mask & 1 << place and len(sample) < SAMPLE:
                    sample.append(product_id)
        if parent_id is None:
            self._families[product_id].head = mask
        else:
            self._families[parent_id].children[mask] += 1
        return bool(mask & 1)

    def _mask(self, fields: Mapping[str, FieldValue], budget: Budget) -> int:
        if self._is_excluded is None or not self._is_excluded(fields, budget):
            return 0
        hits = (1 << place for place, test in enumerate(self._tests, 1) if test(fields, budget))
        return 1 + sum(hits)

    def total(self) -> int:
        """Products left out by all rules together."""
        return self._count(0)

    def by_rule(self) -> list[int]:
        """Products that each rule would leave out by itself, in the order of `places`."""
        return [self._count(place) for place in range(1, 1 + len(self.places))]

    def samples(self) -> list[list[str]]:
        """The first products whose own row each rule meets, in the order of `places`."""
        return self._samples

    def _count(self, place: int) -> int:
        return sum(_left_out(family, 1 << place) for family in self._families.values())


def _left_out(family: _Family, bit: int) -> int:
    children = family.children.total()
    if family.head is not None and family.head & bit:
        return 1 + children
    met = sum(number for mask, number in family.children.items() if mask & bit)
    is_emptied = family.head is not None and 0 < children == met
    return met + is_emptied
