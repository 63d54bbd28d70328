"""Which of AliExpress's carriers a parcel goes with, and whether its number can be one. Pure.

The list is the seller's own and changes. People name carriers as they like: by key, display name or
company, in any case. What the list lacks goes as the platform's `OTHER_XX_LOCAL` (within a country)
or `OTHER_XX_OVERSEAS`, which want a page where the parcel can be followed.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aliexpress.logistics import Carrier
from common.errors import Refusal

MAX_PATTERN = 500
_OTHER = re.compile(r"OTHER_([A-Z]{2})_(LOCAL|OVERSEAS)")
_ANY_OTHER = "other"
_UNBOUNDED = re.compile(r"(?<!\\)[*+]|\{\d+,\}")
_REPEATED_GROUP = re.compile(r"\)(?:[*+]|\{\d+,)")
_SHOWN = 12


class CarrierUnknown(Refusal):
    """The carrier is none of the shop's, and there is no page to follow the parcel on."""

    def __init__(self, wanted: str, carriers: Sequence[Carrier]) -> None:
        names = ", ".join(carrier.service_name for carrier in carriers[:_SHOWN])
        super().__init__(
            f"AliExpress does not know the carrier {wanted} for this shop",
            status=422,
            slug="carrier-unknown",
            field="carrier",
            rule="M8.4",
            remedy=f"Name one of the shop's carriers ({names} ...), or add `tracking_website` to "
            "ship with a carrier AliExpress does not list.",
        )


class CarrierAmbiguous(Refusal):
    """Several carriers of the shop have this name."""

    def __init__(self, wanted: str, carriers: Sequence[Carrier]) -> None:
        names = ", ".join(carrier.service_name for carrier in carriers)
        super().__init__(
            f"several carriers of this shop have the name {wanted}: {names}",
            status=422,
            slug="carrier-ambiguous",
            field="carrier",
            rule="M8.4",
            remedy="Send one of these keys.",
        )


class WebsiteMissing(Refusal):
    """The carrier is one of the platform's `OTHER`s."""

    def __init__(self, service_name: str) -> None:
        super().__init__(
            f"{service_name} needs a page where the parcel can be followed",
            status=422,
            slug="tracking-website-missing",
            field="tracking_website",
            rule="M8.4",
            remedy="Send `tracking_website`, such as www.17track.net.",
        )


class TrackingNumberMalformed(Refusal):
    """The tracking number is not of the carrier's form."""

    def __init__(self, carrier: Carrier, tracking_number: str) -> None:
        super().__init__(
            f"{tracking_number} is not a tracking number of {carrier.service_name}",
            status=422,
            slug="tracking-number-malformed",
            field="tracking_number",
            rule="M8.4",
            remedy=f"{carrier.service_name} numbers match {carrier.tracking_pattern}. Correct the "
            "number, or name the carrier that really takes the parcel.",
        )


@dataclass(frozen=True)
class Choice:
    """The carrier a parcel is sent with; `is_substitute` where the wanted one is not listed."""

    carrier: Carrier
    is_substitute: bool


def choose_carrier(
    wanted: str, carriers: Sequence[Carrier], *, country: str | None, tracking_website: str | None
) -> Choice:
    """The shop's carrier for what was asked; `country` is where the parcel goes (ISO code).

    Raises `CarrierUnknown`, `CarrierAmbiguous` and `WebsiteMissing`.
    """
    listed = _find(wanted, carriers)
    if listed is None:
        substitute = _substitute(carriers, country) if tracking_website else None
        if substitute is None:
            raise CarrierUnknown(wanted, carriers)
        return Choice(substitute, is_substitute=True)
    if _is_other(listed) and not tracking_website:
        raise WebsiteMissing(listed.service_name)
    return Choice(listed, is_substitute=False)


def require_tracking_number(carrier: Carrier, tracking_number: str) -> None:
    """Raises `TrackingNumberMalformed` where the carrier's pattern does not match.

    The pattern is somebody else's: one that is broken, or may take for ever, is left to AliExpress.
    """
    pattern = carrier.tracking_pattern
    if not pattern or not _is_quick(pattern):
        return
    try:
        is_match = re.fullmatch(pattern, tracking_number) is not None
    except re.error:
        return
    if not is_match:
        raise TrackingNumberMalformed(carrier, tracking_number)


def _find(wanted: str, carriers: Sequence[Carrier]) -> Carrier | None:
    names: tuple[Callable[[Carrier], str | None], ...] = (
        lambda carrier: carrier.service_name,
        lambda carrier: carrier.display_name,
        lambda carrier: carrier.company,
    )
    for name in names:
        found = [one for one in carriers if _plain(name(one) or "") == _plain(wanted)]
        if len(found) > 1:
            raise CarrierAmbiguous(wanted, found)
        if found:
            return found[0]
    return None


def _plain(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum())


def _is_other(carrier: Carrier) -> bool:
    name = carrier.service_name
    return name.casefold() == _ANY_OTHER or _OTHER.fullmatch(name) is not None


def _substitute(carriers: Sequence[Carrier], country: str | None) -> Carrier | None:
    """Local where the parcel stays in the carrier's country, else overseas, else `Other`."""
    kinds = {}
    for carrier in carriers:
        match = _OTHER.fullmatch(carrier.service_name)
        if match is not None:
            kinds[match[1], match[2]] = carrier
    local = kinds.get((country or "", "LOCAL"))
    overseas = [
        carrier
        for (_, kind), carrier in sorted(kinds.items(), key=lambda k: k[0])
        if kind == "OVERSEAS"
    ]
    other = [one for one in carriers if one.service_name.casefold() == _ANY_OTHER]
    return next((one for one in [local, *overseas, *other] if one is not None), None)


def _is_quick(pattern: str) -> bool:
    """Whether matching takes a bounded time: no repeated group, few open-ended repeats."""
    return (
        len(pattern) <= MAX_PATTERN
        and not _REPEATED_GROUP.search(pattern)
        and len(_UNBOUNDED.findall(pattern)) <= 3
    )
