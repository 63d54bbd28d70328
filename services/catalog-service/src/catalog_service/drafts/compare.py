"""What a tried configuration would change of one product. Pure.

Compared is what would be sent with what is sent now, as `product.normalized` says it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from catalog_service.feeds.differences import NOTHING, Change, Step, find_changes
from catalog_service.normalizing.store import NormalizedRow, Present
from catalog_service.preview.views import issues_of
from common.contracts.product import ProductNormalized
from common.errors import Issue

Kind = Literal["created", "changed", "deleted", "held_back", "not_sent", "waiting"]
"""`created`: it could be sent for the first time; `changed`: something else would be sent of it;
`deleted`: it would leave the shop; `held_back`: nothing new could be sent of what is there;
`not_sent`: it is not sent now and would not be, for other reasons; `waiting`: its category's schema
did not come in time, so that nothing is known."""

MOST_FIELDS = 100
LONGEST_VALUE = 1_000
MOST_ISSUES = 50
UNKNOWN = "none"
"""The state of a product that the feed does not know."""


class FieldChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """A field of what is sent: what it is and would be; None where it is not sent. `field` is its
    name over all products, `path` its place in this one; long values are cut."""

    field: str
    path: list[Step]
    before: Any = None
    after: Any = None


class FamilyChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """What would become of a product; `more_fields` have changed beside those in `fields`."""

    kind: Kind
    before_state: str
    after_state: str
    title: str = ""
    sku_codes: list[str] = []
    skus_affected: int = 0
    fields: list[FieldChange] = []
    more_fields: int = 0
    issues_before: list[Issue] = []
    issues_after: list[Issue] = []


def compare(present: Present | None, row: NormalizedRow | None) -> FamilyChange | None:
    """What `row` would change of what is present; None where that is nothing."""
    if row is None:
        return None  # it is not there, and never was
    if present is not None and present.previous.digest == row.digest:
        return None
    before = None if present is None else present.event
    changes = [] if before is None else find_changes(body_of(before), body_of(row.event))
    kind = _kind(present, row)
    shown = [_field_change(change) for change in changes] if kind == "changed" else []
    codes = row.event.sku_codes or ([] if before is None else before.sku_codes)
    return FamilyChange(
        kind=kind,
        before_state=UNKNOWN if present is None else present.previous.state,
        after_state=row.state,
        title=row.title or ("" if present is None else present.title or ""),
        sku_codes=codes,
        skus_affected=_skus_affected(kind, codes, changes),
        fields=shown[:MOST_FIELDS],
        more_fields=max(len(shown) - MOST_FIELDS, 0),
        issues_before=[] if before is None else issues_of(before)[:MOST_ISSUES],
        issues_after=issues_of(row.event)[:MOST_ISSUES],
    )


def _kind(present: Present | None, row: NormalizedRow) -> Kind:
    is_sent = present is not None and (
        present.previous.state == "valid" or present.previous.standing.is_online
    )
    if row.state == "valid":
        return "changed" if is_sent else "created"
    if not is_sent:
        return "not_sent"
    return "deleted" if row.event.presence == "absent" else "held_back"


def _skus_affected(kind: Kind, codes: Sequence[str], changes: Sequence[Change]) -> int:
    """How many SKUs it touches; content that is no SKU's touches all."""
    if kind == "not_sent":
        return 0
    if kind != "changed":
        return len(codes)
    of_skus = {str(change.path[1]) for change in changes if change.path[0] == "skus"}
    has_others = any(change.path[0] != "skus" for change in changes)
    return len(codes) if has_others else len(of_skus)


def _field_change(change: Change) -> FieldChange:
    return FieldChange(
        _field(change.path), list(change.path), _shown(change.old), _shown(change.new)
    )


def _field(path: Sequence[Step]) -> str:
    """The field's name, without the SKU it is of and without places in lists."""
    names = [path[0], *path[2:]] if path[0] == "skus" else path
    return ".".join(name for name in names if isinstance(name, str))


def _shown(value: Any) -> Any:
    if value is NOTHING:
        return None
    if isinstance(value, str) and len(value) > LONGEST_VALUE:
        return f"{value[:LONGEST_VALUE]}..."
    return value


def body_of(event: ProductNormalized) -> dict[str, Any]:
    """What is sent of a product as one document, its SKUs, languages and countries by name."""
    content = {} if event.content is None else msgspec.to_builtins(event.content)
    skus: dict[str, dict[str, Any]] = {}
    for sku in content.pop("skus", ()):
        skus.setdefault(sku.pop("sku_code"), {}).update(sku)
    for offer in event.offers or ():
        members = msgspec.to_builtins(offer)
        prices = members.pop("country_prices", ())
        members["country_prices"] = _by(prices, "country")
        skus.setdefault(members.pop("sku_code"), {}).update(members)
    for stock in event.stock or ():
        skus.setdefault(stock.sku_code, {})["inventory"] = stock.inventory
    for name in ("titles", "descriptions"):
        if name in content:
            content[name] = {text["locale"]: text["text"] for text in content[name]}
    if "user_defined_attributes" in content:
        content["user_defined_attributes"] = dict(content["user_defined_attributes"])
    return {**content, "skus": skus}


def _by(members: Sequence[Mapping[str, Any]], key: str) -> dict[str, Any]:
    return {member[key]: {k: v for k, v in member.items() if k != key} for member in members}


def field_names(change: FamilyChange) -> Iterator[str]:
    """The fields that change, each once."""
    yield from dict.fromkeys(field.field for field in change.fields)
