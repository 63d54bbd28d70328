"""Why a parcel is refused: by AliExpress, whose answers come in Chinese only, or by us. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from order_importer.shipping.obstacles import (
    LEAVE_OUT,
    LINES_NOT_SHIPPABLE,
    NO_FURTHER,
    NOT_SHIPPABLE,
    Obstacle,
    named,
)

NextStep = Literal["refused", "refused-unless-there", "retry-unless-there"]
"""The parcel is refused; or the order has to be read first, since the parcel may be there already:
if it is not, it is refused, or sent again."""


@dataclass(frozen=True)
class Meaning:
    """An answer explained, and what to do about it."""

    next: NextStep
    explanation: str
    remedy: str


@dataclass(frozen=True)
class Rejection:
    """A parcel's refusal as it is shown: a code and a message, explained, with the remedy."""

    code: str
    message: str
    explanation: str
    remedy: str


MEANINGS: tuple[tuple[str, Meaning], ...] = (
    (
        "已填写发货通知",
        Meaning(
            "refused-unless-there",
            "AliExpress has the order as shipped completely already.",
            NO_FURTHER,
        ),
    ),
    (
        "缺少履约信息",
        Meaning(
            "refused",
            "AliExpress does not let the order be shipped in the state it is in.",
            "Import the order and look at its state: it may be cancelled, frozen or in dispute.",
        ),
    ),
    (
        "未通过物流风控审核",
        Meaning(
            "refused",
            "AliExpress does not accept this tracking number for this carrier.",
            "Correct the number, or ship with OTHER_XX_LOCAL or OTHER_XX_OVERSEAS and "
            "`tracking_website`.",
        ),
    ),
    (
        "系统异常",
        Meaning(
            "retry-unless-there",
            "AliExpress failed inside and may or may not have recorded the parcel.",
            "Nothing: the order is read, and the parcel sent again only if it is not there.",
        ),
    ),
    (
        "订单号有误或不属于当前账号",
        Meaning(
            "refused",
            "AliExpress does not know the order for this seller account.",
            "Check that the order belongs to the shop.",
        ),
    ),
)


def meaning_of(message: str) -> Meaning:
    """What an answer means; one not known is a refusal, shown as AliExpress wrote it."""
    for part, meaning in MEANINGS:
        if part in message:
            return meaning
    return Meaning(
        "refused",
        f"AliExpress refused the parcel: {message}",
        "Correct what AliExpress names, then ship again with a new idempotency key.",
    )


def rejected_by_aliexpress(code: str, message: str) -> Rejection:
    """AliExpress's answer to a parcel, explained."""
    meaning = meaning_of(message)
    return Rejection(code, message, meaning.explanation, meaning.remedy)


def rejected_for(order_id: str, obstacle: Obstacle) -> Rejection:
    """The parcel of an order that was found in this state right before the call."""
    return Rejection(
        NOT_SHIPPABLE,
        f"order {order_id} is {obstacle.state}",
        f"The order is {obstacle.state}: {obstacle.because}. It was read right before its parcel "
        "was to be sent, and the parcel was not sent.",
        obstacle.remedy,
    )


def rejected_for_lines(lines: Mapping[str, str]) -> Rejection:
    """The parcel whose lines were found in these states right before the call."""
    return Rejection(
        LINES_NOT_SHIPPABLE,
        named(lines),
        f"Right before the parcel was to be sent, {named(lines)}. The parcel was not sent.",
        LEAVE_OUT,
    )
