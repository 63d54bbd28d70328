"""What an item's outcome makes of a listing. Pure."""

from datetime import datetime
from typing import Literal

import msgspec

from feed_publisher.listings.change import SIDE_OF, Action, Change, main_title
from feed_publisher.listings.listing import (
    AcceptedSku,
    AcceptedState,
    Listing,
    Refused,
    is_same_amount,
)

Verdict = Literal["accepted", "rejected", "gone"]
"""gone: AliExpress has no such product (any more)."""


class Sent(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a creation or update really carried: `offers`, and the offers accepted until then."""

    offers: dict[str, AcceptedSku] = msgspec.field(default_factory=dict)
    base: dict[str, AcceptedSku] = msgspec.field(default_factory=dict)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an item at AliExpress."""

    item_no: int
    verdict: Verdict
    product_id: str | None = None
    refused: Refused | None = None
    found_skus: dict[str, AcceptedSku] | None = None
    """Set when a creation was found by reading: the offers the shop has."""
    is_other_content: bool = False
    """The creation that was found may have carried other content than is wanted now."""


def apply_outcome(
    listing: Listing, outcome: Outcome, *, action: Action, change: Change, sent: Sent, now: datetime
) -> Listing:
    """The listing after this outcome of an item."""
    if outcome.verdict == "rejected":
        rejected = _rejected(listing, action, change, outcome)
        return _with_others_offers(rejected, sent) if action == "update" else rejected
    if outcome.verdict == "gone" or action == "delete":
        return _gone(listing, now)
    listing = msgspec.structs.replace(listing.refusing(SIDE_OF[action], None), written_at=now)
    if action == "create":
        return _created(listing, change, sent, outcome, now)
    if action == "update":
        return _updated(listing, change, sent)
    return _with_offers(listing, change)


def _rejected(listing: Listing, action: Action, change: Change, outcome: Outcome) -> Listing:
    refused = outcome.refused or Refused("unknown", "no reason was given")
    known = msgspec.structs.replace(refused, wanted=refused.wanted or change.wanted)
    if action == "create":
        listing = msgspec.structs.replace(listing, create_intent_at=None)
    return listing.refusing(SIDE_OF[action], known)


def _with_others_offers(listing: Listing, sent: Sent) -> Listing:
    """A refused update that carried offers others had set: the fault may lie in those. The next
    offer run sends ours, and the same content may go again."""
    known = listing.accepted.skus
    both = {code: (known[code], sent.offers[code]) for code in known.keys() & sent.offers.keys()}
    if not any(_has_other_price(*pair) or _has_other_stock(*pair) for pair in both.values()):
        return listing
    skus = known | {code: _compared(*pair) for code, pair in both.items()}
    refused = msgspec.structs.replace(listing.accepted.refused["content"], is_transient=True)
    return listing.with_accepted(skus=skus).refusing("content", refused)


def _gone(listing: Listing, now: datetime) -> Listing:
    return msgspec.structs.replace(
        listing,
        status="deleted",
        marketplace_product_id=None,
        deleted_at=now,
        create_intent_at=None,
        accepted=AcceptedState(),
    )


def _created(
    listing: Listing, change: Change, sent: Sent, outcome: Outcome, now: datetime
) -> Listing:
    return msgspec.structs.replace(
        listing,
        status="auditing",
        marketplace_product_id=outcome.product_id,
        live_since=now,
        deleted_at=None,
        create_intent_at=None,
        accepted=AcceptedState(
            content_hash=None if outcome.is_other_content else change.content_hash,
            main_locale=change.content.main_locale if change.content else None,
            configuration_version=change.configuration_version,
            title=main_title(change.content),
            category_id=change.content.category_id if change.content else None,
            skus=outcome.found_skus or sent.offers or change.offers,
        ),
    )


def _updated(listing: Listing, change: Change, sent: Sent) -> Listing:
    return listing.with_accepted(
        content_hash=change.content_hash,
        main_locale=change.content.main_locale if change.content else None,
        configuration_version=change.configuration_version,
        title=main_title(change.content),
        category_id=change.content.category_id if change.content else None,
        skus=_skus_after_update(listing.accepted, sent, drops=change.drops_countries),
    )


def _skus_after_update(
    accepted: AcceptedState, sent: Sent, *, drops: bool
) -> dict[str, AcceptedSku]:
    """An update carries the shop's own offers back, so what was accepted of them stays.

    A SKU whose offer the offer feed changed while the update was under way may have been set back
    by it: its values are no longer known, and the next offer run sends them again. So it does where
    the shop's own offer was not the accepted one (M7.7).
    """
    after = {}
    for code, carried in sent.offers.items():
        known = accepted.skus.get(code)
        if known is None:
            after[code] = carried
        elif known == sent.base.get(code, known):
            kept = msgspec.structs.replace(known, country_prices=()) if drops else known
            after[code] = _compared(kept, carried)
        else:
            after[code] = AcceptedSku()
    return after


def _compared(known: AcceptedSku, carried: AcceptedSku) -> AcceptedSku:
    """The accepted offer, unsure where the shop has another."""
    return msgspec.structs.replace(
        known,
        is_price_unsure=known.is_price_unsure or _has_other_price(known, carried),
        is_stock_unsure=known.is_stock_unsure or _has_other_stock(known, carried),
    )


def _has_other_price(known: AcceptedSku, carried: AcceptedSku) -> bool:
    return known.price is not None and not (
        is_same_amount(known.price, carried.price)
        and is_same_amount(known.discount_price, carried.discount_price)
    )


def _has_other_stock(known: AcceptedSku, carried: AcceptedSku) -> bool:
    return known.inventory not in {None, carried.inventory}


def _with_offers(listing: Listing, change: Change) -> Listing:
    skus = dict(listing.accepted.skus)
    for priced in change.prices:
        known = skus.get(priced.sku_code, AcceptedSku())
        skus[priced.sku_code] = msgspec.structs.replace(
            known,
            price=priced.after.price,
            discount_price=priced.after.discount_price,
            country_prices=priced.after.country_prices or known.country_prices,
            is_price_unsure=False,
        )
    for stocked in change.stock:
        known = skus.get(stocked.sku_code, AcceptedSku())
        skus[stocked.sku_code] = msgspec.structs.replace(
            known, inventory=stocked.after, is_stock_unsure=False
        )
    return listing.with_accepted(skus=skus)
