"""The states of an order and how long each lasts; pure."""

from dataclasses import dataclass
from datetime import timedelta

from sandbox.settings import Settings

PLACED = "PLACE_ORDER_SUCCESS"
PAYING = "PAYMENT_PROCESSING"
EXAMINE_MONEY = "WAIT_SELLER_EXAMINE_MONEY"
RISK = "RISK_CONTROL"
RISK_HOLD = "RISK_CONTROL_HOLD"
TO_SEND = "WAIT_SELLER_SEND_GOODS"
PART_SENT = "SELLER_PART_SEND_GOODS"
SENT = "WAIT_BUYER_ACCEPT_GOODS"
FUNDS = "FUND_PROCESSING"
CANCELLING = "IN_CANCEL"
DISPUTE = "IN_ISSUE"
FROZEN = "IN_FROZEN"
FINISHED = "FINISH"
ARCHIVED = "ARCHIVE"

STATUSES = (
    PLACED, PAYING, EXAMINE_MONEY, RISK, RISK_HOLD, TO_SEND, PART_SENT, SENT, FUNDS, CANCELLING,
    DISPUTE, FROZEN, FINISHED, ARCHIVED,
)  # fmt: skip
UNPAID = frozenset({PLACED, PAYING, EXAMINE_MONEY})
CONFIRMED, CANCELLED = "buyer_confirm_goods", "buyer_cancel_order"
PAY_TIMEOUT, SEND_TIMEOUT, DISPUTE_ENDED = "pay_timeout", "send_goods_timeout", "end_issue"
CONFIRMATIONS = frozenset({CONFIRMED, "buyer_confirm_goods_timeout"})
"""End reasons of orders that were delivered; any other means cancelled, and refunded if paid."""
SHIPPABLE = frozenset({TO_SEND, PART_SENT, DISPUTE, CANCELLING, FROZEN})
"""States order.fulfill takes (D:119601)."""
ENDED = frozenset({FUNDS, FINISHED, ARCHIVED})
"""States in which parcels stay as they are."""
USUAL_PATH = (PLACED, RISK, TO_SEND, SENT, FUNDS, FINISHED, ARCHIVED)

JOURNEYS = (
    "plain", "unpaid", "slow_payment", "offline_payment", "risk_hold", "cancel", "freeze",
    "dispute",
)  # fmt: skip
"""Ways an order may go; all but `plain` leave the usual path once."""

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Step:
    """Where an order goes by itself, after how long, and why when it ends."""

    after: timedelta
    status: str
    end_reason: str = ""
    ends_journey: bool = False


def next_step(
    status: str, journey: str, ship_days: int, settings: Settings, returns_to: str
) -> Step | None:
    """What happens to an order left alone in a state; None when nothing does.

    `returns_to` is the state a frozen order falls back into.
    """
    special = _off_the_path(status, journey, settings)
    if special is not None:
        return special
    payment = timedelta(seconds=settings.payment_seconds)
    usual = {
        PLACED: Step(payment, RISK),
        PAYING: Step(payment, RISK),
        EXAMINE_MONEY: Step(DAY, RISK),
        RISK: Step(timedelta(seconds=settings.risk_control_seconds), TO_SEND),
        RISK_HOLD: Step(DAY, TO_SEND),
        TO_SEND: Step(timedelta(days=ship_days), FINISHED, SEND_TIMEOUT),
        PART_SENT: Step(timedelta(days=ship_days), FINISHED, SEND_TIMEOUT),
        SENT: Step(timedelta(seconds=settings.delivery_seconds), FUNDS),
        CANCELLING: Step(DAY, FINISHED, CANCELLED),
        FROZEN: Step(DAY, returns_to),
        DISPUTE: Step(3 * DAY, FINISHED, DISPUTE_ENDED),
        FUNDS: Step(timedelta(seconds=settings.funds_seconds), FINISHED, CONFIRMED),
        FINISHED: Step(timedelta(seconds=settings.archive_seconds), ARCHIVED),
    }
    return usual.get(status)


def _off_the_path(status: str, journey: str, settings: Settings) -> Step | None:
    payment = timedelta(seconds=settings.payment_seconds)
    return {
        (PLACED, "unpaid"): Step(20 * DAY, FINISHED, PAY_TIMEOUT, True),
        (PLACED, "slow_payment"): Step(payment, PAYING, "", True),
        (PLACED, "offline_payment"): Step(payment, EXAMINE_MONEY, "", True),
        (RISK, "risk_hold"): Step(
            timedelta(seconds=settings.risk_control_seconds), RISK_HOLD, "", True
        ),
        (TO_SEND, "cancel"): Step(DAY, CANCELLING, "", True),
        (TO_SEND, "freeze"): Step(DAY / 2, FROZEN, "", True),
        (SENT, "dispute"): Step(2 * DAY, DISPUTE, "", True),
    }.get((status, journey))


def path_to(target: str) -> tuple[str, ...]:
    """The states an order passes on its way to `target`, from the first after being placed."""
    if target in USUAL_PATH:
        return USUAL_PATH[1 : USUAL_PATH.index(target) + 1]
    if target in UNPAID:
        return (target,)
    if target == RISK_HOLD:
        return (RISK, RISK_HOLD)
    return (RISK, TO_SEND, target)
