"""What a shipment or a correction that waits shows. Pure."""

from aliexpress.errors import AppRefused, BadAnswer, CallerFault
from order_importer.shops.pauses import NOTHING_TO_DO

_UNREADABLE = (
    "Nothing at first: it is tried again by itself. If it stays, look at the order and at the "
    "account's state in the AliExpress seller centre."
)


def explain_wait(failure: Exception) -> tuple[str | None, str | None]:
    """Why it waits, and the remedy; nothing for what passes by itself."""
    if isinstance(failure, AppRefused):
        return failure.trouble, NOTHING_TO_DO
    if isinstance(failure, CallerFault | BadAnswer):
        return f"AliExpress does not show the order, which is read first: {failure}", _UNREADABLE
    return None, None
