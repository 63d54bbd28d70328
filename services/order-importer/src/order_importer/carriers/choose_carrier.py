"""Which of AliExpress's carriers a parcel goes with. Pure.

The list is the seller's own and changes. People name carriers as they like: by key, display name or
company, in any case. What the list lacks goes as the platform's `OTHER_XX_LOCAL` (within a country)
or `OTHER_XX_OVERSEAS`, which want a page where the parcel can be followed.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aliexpress.logistics import Carrier
from common.errors import Refusal

_OTHER = re.compile(r"OTHER_([A-Z]{2})_(LOCAL|OVERSEAS)")
_ANY_OTHER = "other"
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
