"""What a parcel of ours can be corrected to, and why not. Pure (M8.4)."""

from collections.abc import Mapping

from aliexpress.orders import OrderDetails
from aliexpress.orders import Parcel as WireParcel
from common.contracts.order import Order
from common.errors import Refusal
from order_importer.carriers.tracking_number import normalize
from order_importer.corrections.store import Correction
from order_importer.shipping.obstacles import ADVICE, FROZEN, Advice, OrderState
from order_importer.shipping.refusals import Meaning, Rejection, meaning_of
from order_importer.shipping.store import Shipment

NOT_CORRECTABLE = "order-not-correctable"
"""The type of the problem, and the code of a correction refused for it."""
_ENDED = Advice(
    "it has ended, and AliExpress keeps its parcels as they are",
    "Write the right number to the buyer in AliExpress's messages, if it still matters.",
)
_OBSTACLES: Mapping[str, Advice] = {
    "FUND_PROCESSING": _ENDED,
    "FINISH": _ENDED,
    "ARCHIVE": _ENDED,
    FROZEN: ADVICE[FROZEN],
}
_DELIVERED = "received"
"""AliExpress's word for a parcel that its buyer has."""
MEANINGS: tuple[tuple[str, Meaning], ...] = (
    (
        "缺少履约信息",
        Meaning(
            "refused",
            "AliExpress does not let this parcel be changed: the order's state forbids it, or the "
            "parcel is there under another number or carrier.",
            "Import the order and look at its parcels in the AliExpress seller centre.",
        ),
    ),
    (
        "未通过物流风控审核",
        Meaning(
            "refused",
            "AliExpress does not accept the new tracking number for this carrier; the parcel keeps "
            "the number it had.",
            "Correct the number, or name the carrier that really takes the parcel.",
        ),
    ),
)
"""Answers that mean something else than to a parcel."""


class ShipmentRefused(Refusal):
    """A parcel that AliExpress does not have has no number to correct."""

    def __init__(self, number: str) -> None:
        super().__init__(
            f"the parcel {number} was refused, AliExpress does not have it",
            status=409,
            slug="shipment-refused",
            rule="M8.4",
            remedy="Ship it again with the right number and an idempotency key of its own.",
        )


class OrderNotCorrectable(Refusal):
    """The order is in a state in which its parcels stay as they are."""

    def __init__(self, order_id: str, state: str, advice: Advice) -> None:
        super().__init__(
            f"order {order_id} is {state}: {advice.because}",
            status=409,
            slug=NOT_CORRECTABLE,
            rule="M8.4",
            remedy=advice.remedy,
        )


class ParcelOfSellerCentre(Refusal):
    """The parcel was not made here."""

    def __init__(self, number: str) -> None:
        super().__init__(
            f"the parcel {number} was made in the AliExpress seller centre",
            status=409,
            slug="parcel-of-seller-centre",
            rule="M8.4",
            remedy="Correct its number in the AliExpress seller centre, then import orders.",
        )


class TrackingUnchanged(Refusal):
    """The parcel has this number and this carrier already."""

    def __init__(self, number: str, service_name: str) -> None:
        super().__init__(
            f"the parcel has the number {number} of {service_name} already",
            status=409,
            slug="tracking-unchanged",
            field="tracking_number",
            rule="M8.4",
            remedy="Nothing, if that is the right one; else send the right number or carrier.",
        )


class CorrectionOpen(Refusal):
    """A parcel is corrected once at a time."""

    def __init__(self, number: str) -> None:
        super().__init__(
            f"the parcel is being corrected to {number}, which is not settled yet",
            status=409,
            slug="correction-open",
            rule="M8.4",
            remedy="Wait until that correction is confirmed or refused, then correct again.",
        )


def require_ours(order: Order, shipment_id: str) -> None:
    """Raises `ParcelOfSellerCentre`."""
    for parcel in order.parcels:
        if parcel.shipment_id == shipment_id and parcel.origin == "marketplace":
            raise ParcelOfSellerCentre(parcel.tracking_number)


def require_correctable(order: Order, shipment: Shipment, state: OrderState) -> None:
    """Raises `ShipmentRefused` and `OrderNotCorrectable`."""
    if shipment.state == "refused":
        raise ShipmentRefused(shipment.tracking_number)
    obstacle = find_obstacle(state)
    if obstacle is not None:
        raise OrderNotCorrectable(order.order_id, *obstacle)


def find_obstacle(state: OrderState) -> tuple[str, Advice] | None:
    """The state in which nobody may change parcels of the order, and its advice; else None."""
    words = (state.status, state.frozen_status or "")
    return next(((word, _OBSTACLES[word]) for word in words if word in _OBSTACLES), None)


def shows(details: OrderDetails, correction: Correction) -> bool:
    """Whether AliExpress has the parcel as corrected, in place of what it was."""
    is_there = any(
        _is_of(parcel, correction.tracking_number) and _is_carried(parcel, correction.service_name)
        for parcel in details.parcels
    )
    return is_there and not is_taken(details, correction)


def is_taken(details: OrderDetails, correction: Correction) -> bool:
    """Whether another parcel has the new number: AliExpress shows it beside the former one."""
    new, former = correction.tracking_number, correction.former_number
    is_other_number = normalize(new) != normalize(former)
    return is_other_number and all(find_parcel(details, number) for number in (new, former))


def find_parcel(details: OrderDetails, number: str) -> WireParcel | None:
    """AliExpress's parcel of this number, however written."""
    return next((parcel for parcel in details.parcels if _is_of(parcel, number)), None)


def _is_of(parcel: WireParcel, number: str) -> bool:
    """Whether AliExpress's parcel has this number."""
    return normalize(parcel.tracking_number) == normalize(number)


def _is_carried(parcel: WireParcel, service_name: str) -> bool:
    """By this carrier, as far as AliExpress names one."""
    return not parcel.service_name or parcel.service_name.casefold() == service_name.casefold()


def meaning_of_correction(message: str) -> Meaning:
    """What AliExpress's answer to a correction means; one not known is a refusal."""
    for part, meaning in MEANINGS:
        if part in message:
            return meaning
    meaning = meaning_of(message)
    if meaning.next != "refused-unless-there":
        return meaning
    return Meaning("refused", meaning.explanation, meaning.remedy)


def rejected_by_aliexpress(code: str, message: str) -> Rejection:
    """AliExpress's answer to a correction, explained."""
    meaning = meaning_of_correction(message)
    return Rejection(code, message, meaning.explanation, meaning.remedy)


def find_rejection(there: WireParcel, state: OrderState) -> Rejection | None:
    """Why this parcel of an order found in this state is not changed; None where it is."""
    if there.receive_status == _DELIVERED:
        return Rejection(
            "parcel-delivered",
            f"the parcel {there.tracking_number} is delivered",
            "AliExpress shows the parcel as received by its buyer, and keeps its number.",
            "Nothing: the buyer has the parcel.",
        )
    obstacle = find_obstacle(state)
    if obstacle is None:
        return None
    word, advice = obstacle
    return Rejection(
        NOT_CORRECTABLE,
        f"the order is {word}",
        f"The order is {word}: {advice.because}. It was read right before the change was to be "
        "sent, and nothing was sent.",
        advice.remedy,
    )


def rejected_as_taken(number: str) -> Rejection:
    """The correction to a number that another parcel of the order has at AliExpress."""
    return Rejection(
        "parcel-known",
        f"the order has another parcel {number}",
        f"AliExpress shows the number {number} beside the one that was to be corrected: another "
        "parcel has it.",
        "Look at the order's parcels in the AliExpress seller centre, and send the right number.",
    )


def rejected_as_missing(number: str) -> Rejection:
    """The correction of a parcel that AliExpress does not show under the number it had."""
    return Rejection(
        "parcel-not-there",
        f"AliExpress shows no parcel {number}",
        f"AliExpress shows neither the number {number} nor the new one among the order's parcels: "
        "somebody changed the parcel in the AliExpress seller centre.",
        "Look at the order's parcels in the AliExpress seller centre and correct the number there.",
    )


REFUSED_SHIPMENT = Rejection(
    "shipment-refused",
    "the parcel itself was refused",
    "AliExpress refused the parcel before it could be corrected, and does not have it.",
    "Ship the parcel with the right number and a new idempotency key.",
)
