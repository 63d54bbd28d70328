"""Buyers' addresses in clear, where order details mask them."""

import msgspec

from aliexpress.client import Client
from aliexpress.operation import AccessToken, Operation
from aliexpress.wire import Fields

DECRYPT_ORDER = Operation("aliexpress.trade.seller.order.decrypt")


class ClearAddress(msgspec.Struct, frozen=True):
    """What is masked of an order's address, in clear; the rest of it is in the order's receipt."""

    name: str | None
    buyer_name: str | None
    first_name: str | None
    mobile: str | None
    phone_number: str | None
    detail_address: str | None
    address2: str | None

    def __repr__(self) -> str:
        """Without the buyer's data."""
        return "ClearAddress()"


async def decrypt_address(
    client: Client, token: AccessToken, order_id: str, oaid: str
) -> ClearAddress:
    """The masked parts of an order's address: a buyer's personal data.

    `oaid` is the one of the order's details or receipt. Source:
    aliexpress.trade.seller.order.decrypt. Errors: `CallerFault` (an order and an `oaid` that do not
    belong together).
    """
    parameters = {"orderId": order_id, "oaid": oaid}
    return await client.call(DECRYPT_ORDER, parameters, token, _clear_address)


def _clear_address(answer: Fields) -> ClearAddress:
    result = answer.find_fields("result_obj") or answer.result()
    expected = ("contact_person", "detail_address", "mobile_no")
    result.refuse_unless_successful(*expected)
    result.require_any(*expected)
    return ClearAddress(
        name=result.find_text("contact_person"),
        buyer_name=result.find_text("buyer_signer_fullname"),
        first_name=result.find_text("first_name"),
        mobile=result.find_text("mobile_no"),
        phone_number=result.find_text("phone_number"),
        detail_address=result.find_text("detail_address"),
        address2=result.find_text("address2"),
    )
