"""Where an order goes, in clear or masked, as each method writes it."""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

from sandbox.orders.order import Buyer, Order
from sandbox.wire import known


def receipt_address(order: Order, *, is_masked: bool) -> dict[str, Any]:
    """The address inside an order's details."""
    return _address(order.buyer, _masked if is_masked else _clear)


def receipt(order: Order, *, is_masked: bool) -> dict[str, Any]:
    """The address of an order by itself; masked, it carries the `oaid` that decrypts it."""
    address = receipt_address(order, is_masked=is_masked)
    address["country_name"] = order.buyer.country_name
    return address | {"oaid": oaid(order)} if is_masked else address


def delivery_info(order: Order, *, is_masked: bool) -> dict[str, Any]:
    """The address with what customs ask of the buyer."""
    address = receipt_address(order, is_masked=is_masked)
    address["country_name"] = order.buyer.country_name
    passport = order.passport
    customs = known(tax_number=tax_number(order, is_masked=is_masked))
    if passport is None:
        return address | customs
    show = _masked if is_masked else _clear
    return (
        address
        | customs
        | {
            "passport_no": show(passport.number),
            "passport_first_name": show(passport.first_name),
            "passport_middle_name": show(passport.middle_name),
            "passport_last_name": show(passport.last_name),
            "passport_birthday": passport.birthday,
            "passport_issue_authority": passport.issue_authority,
            "passport_issue_date": passport.issue_date,
        }
    )


def tax_number(order: Order, *, is_masked: bool) -> str | None:
    """What Brazil's customs ask of a buyer."""
    number = order.buyer.tax_number
    return _masked(number) if is_masked and number else number


def decrypted(order: Order) -> dict[str, Any]:
    """What is masked of an address, in clear."""
    buyer = order.buyer
    return {
        "contact_person": buyer.name,
        "buyer_signer_fullname": buyer.name,
        "first_name": buyer.first_name,
        "mobile_no": buyer.mobile,
        "phone_number": "",
        "detail_address": buyer.street,
        "address2": buyer.address2,
    }


def oaid(order: Order) -> str:
    """What a masked address is decrypted by."""
    digest = hashlib.sha256(f"oaid:{order.seller_id}:{order.id}".encode()).digest()
    return urlsafe_b64encode(digest[:16]).decode().rstrip("=")


def masked_name(name: str) -> str:
    """A buyer's name as order details mask it."""
    return _masked(name)


def _address(buyer: Buyer, show: Callable[[str], str]) -> dict[str, Any]:
    return {
        "contact_person": show(buyer.name),
        "country": buyer.country,
        "province": buyer.province,
        "city": buyer.city,
        "address": show(buyer.street),
        "address2": show(buyer.address2),
        "detail_address": show(buyer.street),
        "zip": buyer.zip,
        "phone_country": buyer.phone_country,
        "phone_area": "",
        "phone_number": "",
        "mobile_no": show(buyer.mobile),
    }


def _clear(text: str) -> str:
    return text


def _masked(text: str) -> str:
    """The first three characters, and a star for each that follows."""
    return text[:3] + "*" * (len(text) - 3)
