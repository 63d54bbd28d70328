"""A family's members by role: its parent row, its children, or one simple product (M4). Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from catalog_service.feeds.exclusions import Predicate
from catalog_service.feeds.matching import Row
from catalog_service.feeds.work import FamilyBudget
from common.contracts.catalog import FieldValue
from common.contracts.product import AttributeValue
from common.errors import Issue


@dataclass(frozen=True)
class Member:
    """A source product of the family that is not deleted.

    The row that the family's children name as their parent may have a parent itself: then it is of
    another family, and here only to say so to its children.
    """

    product_id: str
    parent_id: str | None
    fields: Mapping[str, FieldValue]


@dataclass(frozen=True)
class StoredMember:
    """A member as it is stored: its fields are JSON still."""

    product_id: str
    parent_id: str | None
    fields: str

    def read(self) -> Member:
        """The member, its fields decoded."""
        return Member(self.product_id, self.parent_id, msgspec.json.decode(self.fields))


@dataclass(frozen=True)
class Family:
    """A family ready to be filled.

    `head` gives the content, None when the parent is missing; `skus` are the rows that are SKUs:
    the children, or the simple product itself (then `is_simple`); none where a parent has no child.
    """

    head: Row | None
    skus: Sequence[Row]
    is_simple: bool
    issues: list[Issue] = field(default_factory=list)


def own_members(family_id: str, members: Sequence[Member]) -> list[Member]:
    """The members without a row that belongs to the family of its own parent."""
    return [m for m in members if m.product_id != family_id or m.parent_id is None]


def has_children(family_id: str, members: Sequence[Member]) -> bool:
    """Whether a row names the family's own as its parent."""
    return any(member.product_id != family_id for member in members)


def arrange(
    family_id: str,
    members: Sequence[Member],
    *,
    synthesise_parent: bool,
    was_parent: bool = False,
) -> Family | None:
    """The family of these members; None when there are none.

    A row that `was_parent` is none without its children (M7.3): it is no simple product.
    """
    budget = FamilyBudget(len(members))
    parent = next((m for m in members if m.product_id == family_id), None)
    children = sorted((m for m in members if m.product_id != family_id), key=lambda m: m.product_id)
    if parent is not None and parent.parent_id is not None:
        return _below_a_child(parent, children, budget)
    if not children:
        if parent is None or was_parent:
            return None
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


def _below_a_child(
    parent: Member, children: Sequence[Member], budget: FamilyBudget
) -> Family | None:
    """The children of a row that is itself a child; None where it has none."""
    if not children:
        return None
    skus = [Row(c.product_id, c.parent_id, c.fields, parent.fields, budget) for c in children]
    issues = [_parent_is_child(child, parent) for child in children]
    return Family(None, skus, is_simple=False, issues=issues)


def childless(family: Family) -> Family:
    """A row taken for a parent that no child names: it has no SKU, and says so."""
    assert family.head is not None  # noqa: S101 - a simple product's row
    return replace(family, skus=[], is_simple=False, issues=[_no_child(family.head.product_id)])


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
    kept = {sku.product_id for sku in left}
    issues = [issue for issue in family.issues if issue.sku is None or issue.sku in kept]
    return replace(family, skus=left, issues=issues)


def find_duplicates(codes: Mapping[str, str]) -> list[Issue]:
    """Issues for SKU codes that several rows of a family claim; `codes` is by product id."""
    holders: dict[str, list[str]] = defaultdict(list)
    for product_id, code in codes.items():
        holders[code].append(product_id)
    return [
        Issue(
            rule="M3.3",
            field="sku_info_list > sku_code",
            message=f"the products {_listed(rows)} have the same SKU code",
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
            issues.append(_incomplete(code, lacking, known, has_some=bool(chosen)))
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
        message=f"the child {child.product_id!r} names a parent that is not in the catalogue",
        remedy="Send the parent's row, or set synthesise_parents: true in the feed.",
        value=child.parent_id,
        sku=child.product_id,
    )


def _parent_is_child(child: Member, parent: Member) -> Issue:
    return Issue(
        rule="M4.1",
        field="parent_id",
        message=f"the child {child.product_id!r} names the parent {parent.product_id!r}, which is"
        f" itself a child of {parent.parent_id!r}: families have two levels",
        remedy="Send as parent_id the row at the top, or take the parent's own parent_id out.",
        value=parent.product_id,
        sku=child.product_id,
        refused_by="channel",  # AliExpress knows no parents
    )


def _no_child(product_id: str) -> Issue:
    return Issue(
        rule="M4.1",
        field="parent_id",
        message=f"the product {product_id!r} has neither SKU code nor price, so that it is taken"
        " for a parent, and no child names it",
        remedy="Send its children; or, for a product without variations, its SKU code and price.",
        value=product_id,
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names))


def _incomplete(
    code: str, lacking: Sequence[str], known: Sequence[str], *, has_some: bool
) -> Issue:
    what = f"lacks {', '.join(lacking)}, which its siblings have" if lacking else "has none"
    return Issue(
        rule="M4.2",
        field="sku_info_list > sku_attributes",
        message=f"the child {code!r} has to differ from its siblings by SKU attributes; it {what}",
        remedy="Match SKU attributes; the category has " + (", ".join(known) or "none") + ".",
        sku=code,
        # It asks each SKU for some attribute, not for those of its siblings.
        refused_by="channel" if has_some else "aliexpress",
    )


def _same_combination(code: str, other: str, chosen: Mapping[str, AttributeValue]) -> Issue:
    shown = ", ".join(f"{name}={value.alias or value.value}" for name, value in chosen.items())
    return Issue(
        rule="M4.2",
        field="sku_info_list > sku_attributes",
        message=f"the children {other!r} and {code!r} have the same variation attributes",
        remedy="Make them differ in one attribute, or leave one out of the feed.",
        value=shown,
        sku=code,
    )
