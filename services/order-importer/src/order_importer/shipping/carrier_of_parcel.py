"""The carrier a parcel goes with, out of the shop's list as it is now."""

from common.postgres.pool import Pool
from order_importer.carriers.choose_carrier import CarrierUnknown, Choice, choose_carrier
from order_importer.carriers.load_carriers import FRESH_FOR, NEW_ENOUGH, load_carriers
from order_importer.orders.store import StoredOrder
from order_importer.shops.shop_access import ShopAccess


async def choose_for_order(
    pool: Pool,
    access: ShopAccess,
    stored: StoredOrder,
    carrier: str,
    *,
    tracking_website: str | None,
) -> Choice:
    """The carrier; a list that lacks it is read again before anything else takes its place.

    Raises the refusals of `carriers`, and an `Outage` where the list cannot be read now.
    """
    address = stored.order.address
    for at_most_old in (FRESH_FOR, NEW_ENOUGH):
        known = await load_carriers(
            pool, access, stored.merchant_id, stored.shop_id, at_most_old=at_most_old
        )
        try:
            choice = choose_carrier(
                carrier,
                known.carriers,
                country=address.country if address else None,
                tracking_website=tracking_website,
            )
        except CarrierUnknown:
            if at_most_old == NEW_ENOUGH:
                raise
            continue
        if not choice.is_substitute:
            break
    return choice


def note_for(carrier: str, note: str | None, choice: Choice) -> str | None:
    """The note for AliExpress; it names the real carrier where that goes as one of the `OTHER`s."""
    parts = [f"Carrier: {carrier}"] if choice.is_substitute else []
    return " ".join([*parts, *([note] if note else [])]) or None
