"""Buyers' addresses in clear, where order details mask them, and what customs ask of buyers."""

import msgspec

from aliexpress.client import Client
from aliexpress.operation import AccessToken, Operation
from aliexpress.wire import Fields, encode, int_or_text

DECRYPT_ORDER = Operation("aliexpress.trade.seller.order.decrypt")
DELIVERY_INFO = Operation("aliexpress.solution.order.delivery.info.get")


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


class Passport(msgspec.Struct, frozen=True):
    """A buyer's passport as customs ask for it; dates as AliExpress writes them."""

    number: str
    first_name: str | None
    middle_name: str | None
    last_name: str | None
    birthday: str | None
    authority: str | None
    issued_on: str | None

    def __repr__(self) -> str:
        """Without the buyer's data."""
        return "Passport()"


class CustomsData(msgspec.Struct, frozen=True):
    """What customs ask of the buyer of an order, as far as it is given."""

    tax_number: str | None
    passport: Passport | None

    def __repr__(self) -> str:
        """Without the buyer's data."""
        return "CustomsData()"


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


async def load_customs_data(client: Client, token: AccessToken, order_id: str) -> CustomsData:
    """The tax number and passport of an order's buyer: personal data.

    Source: aliexpress.solution.order.delivery.info.get. Errors: `CallerFault` (unknown order).
    """
    query = encode({"order_id": int_or_text(order_id)})
    return await client.call(DELIVERY_INFO, {"single_order_query": query}, token, _customs_data)


def _customs_data(answer: Fields) -> CustomsData:
    result = answer.result()
    expected = ("contact_person", "country", "city", "detail_address", "address", "zip")
    result.refuse_unless_successful(*expected)
    result.require_any(*expected)
    return CustomsData(tax_number=result.find_text("tax_number"), passport=_passport(result))


def _passport(result: Fields) -> Passport | None:
    number = result.find_text("passport_no")
    if number is None:
        return None
    return Passport(
        number=number,
        first_name=result.find_text("passport_first_name"),
        middle_name=result.find_text("passport_middle_name"),
        last_name=result.find_text("passport_last_name"),
        birthday=result.find_text("passport_birthday"),
        authority=result.find_text("passport_issue_authority"),
        issued_on=result.find_text("passport_issue_date"),
    )


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
