"""What the next run of a kind would do for one family, or why nothing. Pure."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from common.contracts.feed import Cause
from common.contracts.product import ProductNormalized
from feed_publisher.claims.holder import Holder
from feed_publisher.desired.states import Kind
from feed_publisher.listings.causes import explain
from feed_publisher.listings.listing import Listing
from feed_publisher.planning.find_shortfall import SIDES_OF, find_shortfall
from feed_publisher.planning.plan import FamilyPlan, plan_offers, plan_product
from feed_publisher.runs.items.planned import Planned

Verdict = Literal["planned", "refused", "waits", "unchanged", "not-online"]
"""planned: it has items; refused: by a rule, now or before and not changed since; waits: for a
valid value; unchanged: nothing differs; not-online: there is nothing to set prices or stock of, or
to delete."""


class NextStep(msgspec.Struct, frozen=True):
    """What a run would do: the items that it would send; `causes` are what is not sent, and why."""

    kind: Kind
    verdict: Verdict
    items: tuple[Planned, ...] = ()
    causes: tuple[Cause, ...] = ()

    def of_sku(self, sku_code: str) -> "NextStep":
        """What of it concerns one SKU."""
        items = tuple(item for item in self.items if sku_code in item.sku_codes)
        is_same = self.verdict != "planned" or bool(items)
        verdict: Verdict = self.verdict if is_same else "refused" if self.causes else "unchanged"
        return msgspec.structs.replace(self, verdict=verdict, items=items)


def next_step(
    kind: Kind, desired: ProductNormalized, listing: Listing, holders: Mapping[str, Holder]
) -> NextStep:
    """What a run of the kind would do now, the guard and AliExpress's own answer left aside."""
    plan = (
        plan_product(desired, listing, holders)
        if kind == "product"
        else plan_offers(desired, listing)
    )
    sent = tuple(item for item in plan.items if item.refused is None)
    refused = _refused(kind, plan, listing)
    if sent:
        return NextStep(kind, "planned", sent, refused)
    if refused:
        return NextStep(kind, "refused", causes=refused)
    if missing := find_shortfall(kind, desired, listing):
        return NextStep(kind, "waits", causes=tuple(missing))
    is_nothing = not listing.is_online and (kind == "offer" or desired.presence == "absent")
    return NextStep(kind, "not-online" if is_nothing else "unchanged")


def _refused(kind: Kind, plan: FamilyPlan, listing: Listing) -> tuple[Cause, ...]:
    """Refusals of this plan, and earlier ones that still hold."""
    now = {item.refused_side: item.refused for item in plan.items if item.refused is not None}
    sent = {side for item in plan.items if item.refused is None for side in _sides_of(item)}
    known = {
        side: refused
        for side, refused in listing.accepted.refused.items()
        if side in SIDES_OF[kind] and side not in plan.settled and side not in sent
    }
    return tuple(explain(refused) for _, refused in sorted((known | now).items()))


def _sides_of(item: Planned) -> tuple[str, ...]:
    """The sides that an item sends: what was refused of them before is tried again."""
    return (item.action,) if item.action in {"price", "stock"} else ("content",)
