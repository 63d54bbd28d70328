"""The difference between what is desired of a family and what was accepted, as work to be done.

Pure. A product run creates, edits and deletes; an offer run sends prices, stock, and stock 0 for
what has gone (M7.1, M7.3). Nothing is planned where nothing differs (M7.2).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

import msgspec

from common.contracts.product import Content, ProductNormalized
from common.errors import Issue
from feed_publisher.claims.holder import Holder
from feed_publisher.desired.desired_state import desired_skus, has_all_prices, has_all_stock
from feed_publisher.listings.change import (
    Change,
    ContentBefore,
    PriceChange,
    StockChange,
    main_title,
)
from feed_publisher.listings.listing import (
    AcceptedSku,
    AcceptedState,
    Listing,
    Refused,
    Side,
    digest,
    has_same_prices,
)
from feed_publisher.planning.batches import MAX_SKUS
from feed_publisher.planning.desired_offers import (
    desired_offers,
    managed_stock,
    offer_errors,
)
from feed_publisher.planning.guards import stems_from_other_configuration
from feed_publisher.runs.items.planned import Planned


class FamilyPlan(msgspec.Struct, frozen=True):
    """What a run does for one family; `settled` are sides whose refusal no longer holds."""

    items: tuple[Planned, ...] = ()
    settled: tuple[Side, ...] = ()


def plan_product(
    desired: ProductNormalized, listing: Listing, holders: Mapping[str, Holder]
) -> FamilyPlan:
    """What a product run does: create, update, delete."""
    if desired.presence == "absent":
        return _plan_deletion(desired, listing)
    if desired.content is None or desired.content_part is None:
        return FamilyPlan()
    conflict = find_conflict(listing, desired_skus(desired), holders)
    if conflict is not None:
        return _refuse(desired, listing, conflict)
    if not listing.is_online:
        return _plan_creation(desired, desired.content, listing)
    return _plan_update(desired, desired.content, listing)


def find_conflict(
    listing: Listing, sku_codes: Iterable[str], holders: Mapping[str, Holder]
) -> Refused | None:
    """The first SKU code that belongs to another product of the shop (M1.7), as a refusal."""
    own = Holder(listing.feed_id, listing.family_id)
    for code in sku_codes:
        holder = holders.get(code)
        if holder is not None and holder != own:
            return Refused(
                "sku-claimed",
                f"SKU {code} belongs to product {holder.family_id} of feed {holder.feed_id}",
                digest(code, holder),
            )
    return None


def _plan_deletion(desired: ProductNormalized, listing: Listing) -> FamilyPlan:
    if not listing.is_online:
        return FamilyPlan(settled=tuple(_sides(listing.accepted)))
    return FamilyPlan(
        (
            Planned(
                family_id=desired.family_id,
                action="delete",
                desired_revision=desired.revision,
                marketplace_product_id=listing.marketplace_product_id,
                sku_codes=tuple(sorted(listing.accepted.skus)),
                removed_skus=_counted(desired, sorted(listing.accepted.skus)),
                removes_product=desired.absent_reason != "feed_removed",
            ),
        )
    )


def _plan_creation(desired: ProductNormalized, content: Content, listing: Listing) -> FamilyPlan:
    if desired.offers is None or desired.offers_part is None or not _is_whole(desired):
        return FamilyPlan()
    wanted = digest(_hash(desired), desired.offers_part.hash)
    known = desired_offers(desired, listing.accepted)
    codes = [sku.sku_code for sku in content.skus]
    if any(code not in known for code in codes):
        return _refuse(desired, listing, Refused("offer-missing", "a SKU has no price", wanted))
    offers = {code: known[code] for code in codes}
    if not any(offer.inventory for offer in offers.values()):
        return _refuse(
            desired, listing, Refused("no-stock", "no SKU of this new product has stock", wanted)
        )
    if listing.refuses("content", wanted):
        return FamilyPlan()
    return FamilyPlan(
        (
            Planned(
                family_id=desired.family_id,
                action="create",
                desired_revision=desired.revision,
                sku_codes=tuple(offers),
                change=Change(
                    wanted=wanted,
                    content=content,
                    content_hash=_hash(desired),
                    offers=offers,
                    configuration_version=desired.configuration_version,
                ),
            ),
        )
    )


def _plan_update(desired: ProductNormalized, content: Content, listing: Listing) -> FamilyPlan:
    accepted = listing.accepted
    wanted = digest(_hash(desired), [sku.sku_code for sku in content.skus])
    if accepted.main_locale not in {None, content.main_locale}:
        message = f"the product was created in {accepted.main_locale}, not {content.main_locale}"
        return _refuse(desired, listing, Refused("locale-fixed", message, wanted))
    codes = [sku.sku_code for sku in content.skus]
    drops = _drops_countries(desired, accepted)
    is_same = accepted.content_hash == _hash(desired) and accepted.skus.keys() == set(codes)
    if is_same and not drops:
        return FamilyPlan(settled=_settled(listing, "content"))
    offers = desired_offers(desired, accepted)
    new = [code for code in codes if code not in accepted.skus]
    if new and not (_is_whole(desired) and offers.keys() >= set(new)):
        return FamilyPlan()  # a new SKU waits until its offer is valid
    if listing.refuses("content", wanted):
        return FamilyPlan()
    is_reconfiguring = stems_from_other_configuration(desired, accepted)
    return FamilyPlan(
        (
            Planned(
                family_id=desired.family_id,
                action="update",
                desired_revision=desired.revision,
                marketplace_product_id=listing.marketplace_product_id,
                sku_codes=tuple(codes),
                change=Change(
                    wanted=wanted,
                    content=content,
                    content_hash=_hash(desired),
                    offers={code: offers.get(code, AcceptedSku()) for code in codes},
                    drops_countries=drops,
                    configuration_version=desired.configuration_version,
                    before=ContentBefore(accepted.title, accepted.category_id, accepted.skus)
                    if is_reconfiguring
                    else None,
                ),
                removed_skus=_counted(desired, sorted(accepted.skus.keys() - set(codes))),
                is_reconfiguring=is_reconfiguring,
            ),
        )
    )


def with_known_content(listing: Listing, desired: ProductNormalized) -> Listing:
    """The listing, with what a desired state of the same content says of it: the configuration it
    stems from, title and category."""
    accepted, content = listing.accepted, desired.content
    if not listing.is_online or content is None or accepted.content_hash != _hash(desired):
        return listing
    known = {
        "configuration_version": desired.configuration_version,
        "title": main_title(content),
        "category_id": content.category_id,
    }
    if all(getattr(accepted, name) == value for name, value in known.items()):
        return listing
    return listing.with_accepted(**known)


def plan_offers(desired: ProductNormalized, listing: Listing) -> FamilyPlan:
    """What an offer run does: prices with their discounts, stock, stock 0 for what has gone.

    Prices and stock that have an issue stay as they are at AliExpress, and one item says why.
    """
    if not listing.is_online:
        return FamilyPlan()
    accepted = listing.accepted
    staying = set(desired_skus(desired))
    stock = _stock_changes(accepted, managed_stock(desired, accepted))
    offers = {
        code: offer
        for code, offer in desired_offers(desired, accepted).items()
        if code in accepted.skus and code in staying
    }
    prices = tuple(
        PriceChange(code, accepted.skus[code], offer)
        for code, offer in sorted(offers.items())
        if _is_price_due(offer, accepted.skus[code])
    )
    items: list[Planned] = []
    settled: list[Side] = []
    if stock and not listing.refuses("stock", _wanted_stock(stock)):
        items += _stock_items(desired, listing, stock)
    elif not stock and has_all_stock(desired):
        settled += _settled(listing, "stock")
    if prices and not listing.refuses("price", _wanted_prices(prices)):
        staying_skus = {code: sku for code, sku in accepted.skus.items() if code in staying}
        items += _price_items(desired, listing, prices, staying_skus | offers)
    elif not prices and has_all_prices(desired):
        settled += _settled(listing, "price")
    if errors := offer_errors(desired):
        items += _unsent(desired, listing, errors)
    else:
        settled += _settled(listing, "offers")
    return FamilyPlan(tuple(items), tuple(settled))


def _wanted_stock(stock: Sequence[StockChange]) -> str:
    return digest([(change.sku_code, change.after) for change in stock])


def _wanted_prices(prices: Sequence[PriceChange]) -> str:
    return digest([(change.sku_code, change.after) for change in prices])


def _stock_changes(accepted: AcceptedState, stock: Mapping[str, int]) -> tuple[StockChange, ...]:
    return tuple(
        StockChange(code, sku.inventory, stock[code])
        for code, sku in sorted(accepted.skus.items())
        if code in stock and (sku.is_stock_unsure or stock[code] != sku.inventory)
    )


def _is_price_due(offer: AcceptedSku, accepted: AcceptedSku) -> bool:
    if accepted.is_price_unsure:
        return True
    return not has_same_prices(offer, accepted) and (
        bool(offer.country_prices) or not _only_countries_differ(offer, accepted)
    )


def _stock_items(
    desired: ProductNormalized, listing: Listing, stock: Sequence[StockChange]
) -> list[Planned]:
    """Zeroings apart from all else, so that the guard holds back nothing but them. What was zero
    before and is sent again takes nothing away."""
    after = {code: sku.inventory for code, sku in listing.accepted.skus.items()}
    after |= {change.sku_code: change.after for change in stock}
    zeroings = [change for change in stock if change.after == 0]
    others = [change for change in stock if change.after != 0]
    is_whole = any(change.before != 0 for change in zeroings) and not any(
        quantity != 0 for quantity in after.values()
    )
    return [
        Planned(
            family_id=desired.family_id,
            action="stock",
            desired_revision=desired.revision,
            marketplace_product_id=listing.marketplace_product_id,
            sku_codes=tuple(change.sku_code for change in part),
            change=Change(wanted=_wanted_stock(stock), stock=tuple(part)),
            removed_skus=_counted(desired, [c.sku_code for c in part if c.after == 0 != c.before]),
            removes_product=is_whole and desired.absent_reason != "feed_removed",
        )
        for part in (*_parts(zeroings), *_parts(others))
    ]


def is_zeroing(planned: Planned) -> bool:
    """Whether an item does nothing but take stock to zero."""
    stock = planned.change.stock
    return bool(stock) and all(change.after == 0 for change in stock)


def _price_items(
    desired: ProductNormalized,
    listing: Listing,
    prices: Sequence[PriceChange],
    offers: Mapping[str, AcceptedSku],
) -> list[Planned]:
    has_countries = any(offer.country_prices for offer in offers.values())
    return [
        Planned(
            family_id=desired.family_id,
            action="price",
            desired_revision=desired.revision,
            marketplace_product_id=listing.marketplace_product_id,
            sku_codes=tuple(change.sku_code for change in part),
            change=Change(
                wanted=_wanted_prices(prices),
                prices=tuple(part),
                countries=dict(offers) if has_countries else {},
            ),
        )
        for part in _parts(prices)
    ]


def _unsent(desired: ProductNormalized, listing: Listing, errors: Sequence[Issue]) -> list[Planned]:
    """The item that says which prices or stock cannot be sent; none when it is reported (M7.5)."""
    first, others = errors[0], len(errors) - 1
    value = "" if first.value is None else f" ({first.value!r})"
    more = f" Issues beside it: {others}." if others else ""
    message = f"{first.rule}, SKU {first.sku}: {first.message}{value}. {first.remedy}{more}"
    refused = Refused("offers-invalid", message, digest(errors))
    if listing.refuses("offers", refused.wanted):
        return []
    return [
        Planned(
            family_id=desired.family_id,
            action="stock" if has_all_prices(desired) else "price",
            desired_revision=desired.revision,
            marketplace_product_id=listing.marketplace_product_id,
            sku_codes=tuple(sorted({error.sku for error in errors if error.sku})),
            refused=refused,
        )
    ]


C = TypeVar("C", StockChange, PriceChange)


def _parts(changes: Sequence[C]) -> list[Sequence[C]]:
    return [changes[start : start + MAX_SKUS] for start in range(0, len(changes), MAX_SKUS)]


def _only_countries_differ(offer: AcceptedSku, accepted: AcceptedSku) -> bool:
    """Country prices can only be taken away by an update of the content."""
    bare = msgspec.structs.replace(accepted, country_prices=())
    return has_same_prices(offer, bare)


def _drops_countries(desired: ProductNormalized, accepted: AcceptedState) -> bool:
    return (
        has_all_prices(desired)
        and any(sku.country_prices for sku in accepted.skus.values())
        and not any(offer.country_prices for offer in desired.offers or ())
    )


def _is_whole(desired: ProductNormalized) -> bool:
    """Whether prices and stock of all SKUs are valid: what is created begins complete."""
    return has_all_prices(desired) and has_all_stock(desired)


def _counted(desired: ProductNormalized, removed: Iterable[str]) -> tuple[str, ...]:
    """What the guard counts of these SKUs: a feed that was removed is to take its products away."""
    return () if desired.absent_reason == "feed_removed" else tuple(removed)


def _refuse(desired: ProductNormalized, listing: Listing, refused: Refused) -> FamilyPlan:
    known = listing.accepted.refused.get("content")
    if known is not None and (known.code, known.message) == (refused.code, refused.message):
        return FamilyPlan()  # reported already
    return FamilyPlan(
        (
            Planned(
                family_id=desired.family_id,
                action="update" if listing.is_online else "create",
                desired_revision=desired.revision,
                marketplace_product_id=listing.marketplace_product_id,
                sku_codes=tuple(desired_skus(desired)),
                refused=refused,
            ),
        )
    )


def _settled(listing: Listing, side: Side) -> tuple[Side, ...]:
    return (side,) if side in listing.accepted.refused else ()


def _sides(accepted: AcceptedState) -> list[Side]:
    sides: tuple[Side, ...] = ("content", "price", "stock", "offers")
    return [side for side in sides if side in accepted.refused]


def _hash(desired: ProductNormalized) -> str:
    return desired.content_part.hash if desired.content_part else ""
