"""Stars in a buyer's data: what is known in clear is never overwritten with them. Pure."""

import re

from msgspec.structs import replace

from common.contracts.order import Address, Order, Passport

PARTS = (
    "contact_name",
    "country",
    "province",
    "city",
    "postal_code",
    "street",
    "street_2",
    "phone",
)
"""The texts of an address."""

_STARS = re.compile(r"\*+")


def is_masked(text: str | None) -> bool:
    """Whether stars stand for parts of it."""
    return text is not None and "*" in text


def marked(address: Address) -> Address:
    """The address, which says whether parts of it are masked."""
    return replace(address, is_masked=any(is_masked(getattr(address, part)) for part in PARTS))


def fits(mask: str, text: str) -> bool:
    """Whether this mask may stand for this text: each run of stars for anything, case aside."""
    text = text.casefold()
    start, *others = _STARS.split(mask.casefold())
    if not others:
        return start == text
    *middle, end = others
    place, limit = len(start), len(text) - len(end)
    if place > limit or not text.startswith(start) or not text.endswith(end):
        return False
    for part in middle:
        found = text.find(part, place, limit)
        if found < 0:
            return False
        place = found + len(part)
    return True


def keep_clear_address(known: Address | None, read: Address | None) -> Address | None:
    """The address to store: as read, but what is masked or left out of it as known in clear.

    Where what is read cannot be the address that is known, the buyer has changed it: the known one
    is kept whole, as parts of two addresses make none, and marked as outdated.
    """
    if known is None or read is None or not read.is_masked:
        return read
    kept = {part: getattr(known, part) for part in PARTS if _is_hidden(known, read, part)}
    if not kept:
        return read
    if any(_contradicts(getattr(known, part), getattr(read, part)) for part in PARTS):
        return replace(known, is_outdated=True)
    return marked(replace(read, **kept))


def keep_clear_buyer(known: Order, read: Order) -> Order:
    """The order as read, with what is known in clear of its buyer and masked or left out there."""
    return replace(
        read,
        address=keep_clear_address(known.address, read.address),
        tax_number=_keep_clear_text(known.tax_number, read.tax_number),
        passport=_keep_clear_passport(known.passport, read.passport),
    )


def _is_hidden(known: Address, read: Address, part: str) -> bool:
    """Whether a part is known in clear, but read masked or not at all."""
    before, now = getattr(known, part), getattr(read, part)
    return before is not None and not is_masked(before) and (now is None or is_masked(now))


def _contradicts(known: str | None, read: str | None) -> bool:
    if read is None:
        return False
    if known is None:
        return not is_masked(read)
    if is_masked(known):
        return not is_masked(read) and not fits(known, read)
    return not fits(read, known)


def _keep_clear_text(known: str | None, read: str | None) -> str | None:
    if read is None:
        return known
    return known if known is not None and is_masked(read) and not is_masked(known) else read


def _keep_clear_passport(known: Passport | None, read: Passport | None) -> Passport | None:
    if read is None:
        return known
    return known if known is not None and _has_stars(read) and not _has_stars(known) else read


def _has_stars(passport: Passport) -> bool:
    return any(is_masked(getattr(passport, part)) for part in passport.__struct_fields__)
