"""Barcodes of SKUs: EAN-8, EAN-13, UPC-A, UPC-E, GTIN-14, ISBN-10 and ISBN-13. Pure.

Each ends with a digit that is computed from the others, so that a mistyped one is found. Blanks and
hyphens are how people group them. A spreadsheet writes `5.90124E+12` for a number it keeps with all
its digits: what it left out is lost.
"""

import re
from decimal import Decimal

_GROUPING = re.compile("[\\s\u00ad\u2010-\u2015\u2212-]+")
_WHOLE_IN_FLOAT = re.compile(r"([0-9]{6,14})\.0+")
_SCIENTIFIC = re.compile(r"([0-9])(?:[.,]([0-9]+))?[eE]\+?([0-9]{1,2})")
_ISBN_10 = re.compile(r"[0-9]{9}[0-9X]")
_LENGTHS = frozenset({8, 12, 13, 14})
LONGEST_TEXT = 64


class BarcodeInvalid(Exception):
    """The text is no barcode; the message says why, to follow a colon."""


def read_barcode(text: str) -> str:
    """The barcode's digits (an ISBN-10 may end with X). Raises `BarcodeInvalid`."""
    if len(text) > LONGEST_TEXT:
        raise BarcodeInvalid("it is too long")
    code = _GROUPING.sub("", _written_out(text.strip())).upper()
    if _ISBN_10.fullmatch(code):
        if _isbn_10_sum(code) % 11:
            raise _wrong_check_digit(code)
        return code
    if not (code.isascii() and code.isdigit()):
        raise BarcodeInvalid("it holds more than digits")
    if len(code) not in _LENGTHS:
        raise BarcodeInvalid(f"it has {len(code)} digits; 8, 10, 12, 13 or 14 are taken")
    if not code.strip("0"):
        raise BarcodeInvalid("it is all zeros")
    if gtin_sum(code) % 10 and not _is_upc_e(code):
        raise _wrong_check_digit(code)
    return code


def _written_out(text: str) -> str:
    """A number as spreadsheets and floats write it, with its digits."""
    whole = _WHOLE_IN_FLOAT.fullmatch(text)
    if whole is not None:
        return whole[1]
    found = _SCIENTIFIC.fullmatch(text)
    if found is None:
        return text
    first, fraction, exponent = found[1], found[2] or "", int(found[3])
    if len(fraction) < exponent:
        raise BarcodeInvalid("its last digits were lost in scientific notation")
    number = Decimal(f"{first}.{fraction}E{exponent}")
    return str(int(number)) if number == int(number) else text


def gtin_sum(code: str) -> int:
    """The weighted sum whose last digit is 0: weights 1, 3, 1, ... from the right."""
    return sum(int(digit) * (1, 3)[at % 2] for at, digit in enumerate(reversed(code)))


def _isbn_10_sum(code: str) -> int:
    values = [10 if digit == "X" else int(digit) for digit in code]
    return sum(weight * value for weight, value in zip(range(10, 0, -1), values, strict=True))


def _is_upc_e(code: str) -> bool:
    """Whether the eight digits are a UPC-A that was shortened, with its check digit."""
    if len(code) != 8 or code[0] not in "01":
        return False
    system, body, check = code[0], code[1:7], code[7]
    last = body[5]
    if last in "012":
        whole = body[:2] + last + "0000" + body[2:5]
    elif last == "3":
        whole = body[:3] + "00000" + body[3:5]
    elif last == "4":
        whole = body[:4] + "00000" + body[4]
    else:
        whole = body[:5] + "0000" + last
    return gtin_sum(system + whole + check) % 10 == 0


def _wrong_check_digit(code: str) -> BarcodeInvalid:
    return BarcodeInvalid(f"its last digit {code[-1]} is not the check digit of the others")
