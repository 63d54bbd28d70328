"""A family's members by role: its parent row, its children, or one simple product (M4). Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from catalog_service.feeds.exclusions import Predicate
from catalog_service.feeds.matching import Row
from catalog_service.feeds.work import FamilyBudget
from common.contracts.catalog import FieldValue
from common.contracts.product import AttributeValue
from common.errors import Issue


@dataclass(frozen=True)
class Member:
    """A source product of the family that is not deleted."""

    product_id: str
    parent_id: str | None
    fields: Mapping[str, FieldValue]


@dataclass(frozen=True)
class Family:
    """A family ready to be filled.

    `head` gives the content, None when the parent is missing; `skus` are the rows that are SKUs:
    the children, or the simple product itself (then `is_simple`).
    """

    head: Row | None
    skus: Sequence[Row]
    is_simple: bool
    issues: list[Issue] = field(default_factory=list)


def arrange(family_id: str, members: Sequence[Member], *, synthesise_parent: bool) -> Family | None:
    """The family of these members; None when there are none."""
    if not members:
        return None
    budget = FamilyBudget(len(members))
    parent = next((m for m in members if m.product_id == family_id), None)
    children = sorted((m for m in members if m.product_id != family_id), key=lambda m: m.product_id)
    if not children:
        assert parent is not None  # noqa: S101 - some member there is
        row = Row(parent.product_id, parent.parent_id, parent.fields, budget=budget)
        return Family(row, [row], is_simple=True)
    issues = []
    if parent is None and synthesise_parent:
        parent = Member(family_id, None, children[0].fields)
    if parent is None:
        issues = [_parent_missing(child) for child in children]
    head = (
        None
        if parent is None
        else Row(parent.product_id, parent.parent_id, parent.fields, budget=budget)
    )
    above: Mapping[str, FieldValue] = {} if parent is None else parent.fields
    skus = [Row(c.product_id, c.parent_id, c.fields, above, budget) for c in children]
    return Family(head, skus, is_simple=False, issues=issues)


def without_excluded(family: Family, is_excluded: Predicate | None) -> Family | None:
    """The family without its excluded children; None when nothing is left (M5.1).

    Raises `FamilyTooCostly` where the rules cost more than the family may.
    """
    if is_excluded is None:
        return family
    if family.head is not None and is_excluded(family.head.fields, family.head.budget):
        return None
    left = [sku for sku in family.skus if not is_excluded(sku.fields, sku.budget)]
    if not left:
        return None
    return Family(family.head, left, family.is_simple, family.issues)


def find_duplicates(codes: Mapping[str, str]) -> list[Issue]:
    """Issues for SKU codes that several rows of a family claim; `codes` is by product id."""
    holders: dict[str, list[str]] = defaultdict(list)
    for product_id, code in codes.items():
        holders[code].append(product_id)
    return [
        Issue(
            rule="M3.3",
            field="sku_info_list > sku_code",
            message=f"the products {', '.join(rows)} have the same SKU code",
            remedy="Give every child a SKU code of its own.",
            value=code,
            sku=code,
        )
        for code, rows in holders.items()
        if len(rows) > 1
    ]


def find_combination_issues(
    attributes: Mapping[str, Mapping[str, AttributeValue]], known: Sequence[str]
) -> list[Issue]:
    """What is wrong with children's SKU attributes (M4.2); `attributes` is by SKU code, `known`
    are the category's."""
    issues = []
    names = {name for chosen in attributes.values() for name in chosen}
    seen: dict[str, str] = {}
    for code, chosen in attributes.items():
        lacking = sorted(names - chosen.keys())
        if not chosen or lacking:
            issues.append(_incomplete(code, lacking, known))
            continue
        combination = repr(sorted((n, v.value, v.alias or "") for n, v in chosen.items()))
        other = seen.setdefault(combination, code)
        if other != code:
            issues.append(_same_combination(code, other, chosen))
    return issues


def _parent_missing(child: Member) -> Issue:
    return Issue(
        rule="M4.1",
        field="parent_id",
        message=f"the child {child.product_id} names a parent that is not in the catalogue",
        remedy="Send the parent's row, or set synthesise_parents: true in the feed.",
        value=child.parent_id,
        sku=child.product_id,
    )


def _incomplete(code: str, lacking: Sequence[str], known: Sequence[str]) -> Issue:
    what = f"lacks {', '.join(lacking)}, which its siblings have" if lacking else "has none"
    return Issue(
        rule="M4.2",
        field="sku_info_list > sku_attributes",
        message=f"the child {code} has to differ from its siblings by SKU attributes; it {what}",
        remedy="Match SKU attributes; the category has " + (", ".join(known) or "none") + ".",
        sku=code,
    )


def _same_combination(code: str, other: str, chosen: Mapping[str, AttributeValue]) -> Issue:
    shown = ", ".join(f"{name}={value.alias or value.value}" for name, value in chosen.items())
    return Issue(
        rule="M4.2",
        field="sku_info_list > sku_attributes",
        message=f"the children {other} and {code} have the same variation attributes",
        remedy="Make them differ in one attribute, or leave one out of the feed.",
        value=shown,
        sku=code,
    )
