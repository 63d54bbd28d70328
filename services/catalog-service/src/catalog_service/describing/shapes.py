"""What a text looks like: a number, an amount, a picture's address, a barcode. Pure."""

import re
from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlsplit

from catalog_service.describing.names import unit_named
from catalog_service.feeds.currencies import currencies_of
from catalog_service.normalizing.barcodes import gtin_sum

Shape = Literal[
    "number",
    "whole",
    "positive",
    "amount_mark",
    "measure",
    "comma_decimal",
    "point_decimal",
    "url",
    "image",
    "barcode",
    "date",
    "boolean",
    "html",
    "long",
    "words",
    "code",
    "path",
    "list",
    "json",
    "stock_word",
    "currency_code",
]

LONG = 120
LONGEST = 4_000
"""Characters of a value that are looked at."""
LIST_SIGNS = ("|", ";", ",", "\n", " ")
PATH_SIGNS = (" > ", ">", " / ", "/", " » ", "»", " :: ", "|", " - ", "\\")

_NUMBER = re.compile(
    r"(?P<before>[^0-9+\-.,]{0,8}?)\s*[+\-]?(?P<digits>[0-9][0-9.,' \u00a0\u202f]*|[.,][0-9]+)"
    r"\s*(?P<behind>[^0-9\s][^0-9]{0,8})?"
)
_MONTH = r"[^\W\d_]{3,10}\.?"
_DATE = re.compile(
    r"(?:[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}"
    r"|[0-9]{1,2}[./-] ?[0-9]{1,2}[./-] ?(?:[0-9]{4}|[0-9]{2})"
    rf"|(?:{_MONTH},? )?[0-9]{{1,2}}\.?(?: de )?[ -]{_MONTH}(?: de )?[ -](?:[0-9]{{4}}|[0-9]{{2}})"
    rf"|{_MONTH} [0-9]{{1,2}},? [0-9]{{4}})"
    r"(?:[T ,].*)?"
)
_BOOLEANS = frozenset(
    [
        "true",
        "false",
        "yes",
        "no",
        "y",
        "n",
        "0",
        "1",
        "si",
        "sí",
        "ja",
        "nein",
        "oui",
        "non",
        "active",
        "inactive",
        "enabled",
        "disabled",
        "published",
        "draft",
        "archived",
        "on",
        "off",
        "visible",
        "hidden",
    ]
)
_STOCK_WORDS = frozenset(
    {
        *("in stock", "out of stock", "instock", "outofstock", "in_stock", "out_of_stock"),
        *("preorder", "backorder", "onbackorder", "available", "unavailable"),
        *("disponible", "agotado", "auf lager", "nicht auf lager", "en stock", "rupture"),
        *("true", "false", "yes", "no", "0", "1"),
    }
)
_NO_VALUES = frozenset(
    {
        *("", "-", "--", "---", "–", "—", ".", "/", "x", "?"),
        *("n/a", "#n/a", "n.a.", "na", "nan", "null", "none", "nil", "undefined", "empty"),
        *("no", "nein", "non", "not set", "never", "keine", "keiner", "kein", "ninguno", "ninguna"),
        *("aucun", "aucune", "nessuno", "nessuna", "nenhum", "geen", "brak", "нет", "yok", "无"),
    }
)
_NO_DATE = re.compile(
    r"0+|0{4}[-/.]0{1,2}[-/.]0{1,2}(?:[t ].*)?|0{1,2}[-/.]0{1,2}[-/.]0{4}(?: .*)?"
)
_HTML = re.compile(
    r"<(?:p|br|div|ul|li|strong|b|span|h[1-6]|table|img|em|i)\b[^>]*>", re.IGNORECASE
)
_IMAGE = re.compile(r"\.(?:jpe?g|png|webp|gif|avif|bmp)(?:$|[?#!_])", re.IGNORECASE)
_BARCODE = re.compile(r"[0-9]{8}|[0-9]{12,14}")
_CODE = re.compile(r"[\w.#/+:\-]{1,64}")


def shapes_of(text: str) -> frozenset[Shape]:
    """Every shape the text has."""
    return frozenset(_shapes(text[:LONGEST].strip()))


def _shapes(text: str) -> Iterator[Shape]:
    if text:
        yield from _number_shapes(text)
        yield from _address_shapes(text)
        yield from _word_shapes(text)
        yield from _text_shapes(text)


def _address_shapes(text: str) -> Iterator[Shape]:
    if _is_url(text):
        yield "url"
        if _IMAGE.search(_path_of(text)):
            yield "image"
    elif list_sign(text) is not None:
        yield "list"


def _word_shapes(text: str) -> Iterator[Shape]:
    folded = text.casefold()
    if _BARCODE.fullmatch(text) and _has_check_digit(text):
        yield "barcode"
    if _DATE.fullmatch(text):
        yield "date"
    if folded in _BOOLEANS:
        yield "boolean"
    if folded in _STOCK_WORDS:
        yield "stock_word"
    if len(text) == 3 and text.isupper() and currencies_of(text):
        yield "currency_code"


def _text_shapes(text: str) -> Iterator[Shape]:
    if text[0] in "[{" and text[-1] in "]}":
        yield "json"
    if _HTML.search(text):
        yield "html"
    if len(text) > LONG:
        yield "long"
    if " " in text and any(c.isalpha() for c in text):
        yield "words"
    elif _CODE.fullmatch(text):
        yield "code"
    if path_sign(text) is not None:
        yield "path"


def _path_of(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return ""


def _number_shapes(text: str) -> Iterator[Shape]:
    found = _NUMBER.fullmatch(text)
    if found is None:
        return
    marks = [mark for part in ("before", "behind") if (mark := (found[part] or "").strip())]
    digits = found["digits"].strip()
    if not marks:
        yield "number"
        if digits.isdigit():
            yield "whole"
        if digits.strip("0.,"):
            yield "positive"
    elif all(map(currencies_of, marks)):
        yield "amount_mark"
        if digits.strip("0.,"):
            yield "positive"
    elif unit_named(marks[-1]) is not None:
        yield "measure"
    else:
        return
    sign = decimal_sign(digits)
    if sign == ",":
        yield "comma_decimal"
    elif sign == ".":
        yield "point_decimal"


def is_no_value(text: str) -> bool:
    """Whether the text is what exports write where there is no amount, or no date."""
    folded = text.strip().casefold()
    return folded in _NO_VALUES or _NO_DATE.fullmatch(folded) is not None


def decimal_sign(digits: str) -> str | None:
    """The decimal sign that a number's text can only have; None where it may have either."""
    last = max(digits.rfind(","), digits.rfind("."))
    if last < 0:
        return None
    sign, other = digits[last], "," if digits[last] == "." else "."
    if other in digits:
        return sign
    if digits.count(sign) > 1:
        return other  # it groups thousands
    behind = len(digits) - last - 1
    if behind == 3 and digits[:last].lstrip("0") and len(digits[:last]) <= 3:
        return None  # thousands, or three decimals
    return sign if behind else None


def number_of(text: str, decimal: str) -> float | None:
    """The number in a text as the decimal sign reads it; None where there is none."""
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        return None
    other = "," if decimal == "." else "."
    digits = re.sub(rf"[{re.escape(other)}'\s]", "", found["digits"]).replace(decimal, ".")
    try:
        return float(digits)
    except ValueError:
        return None


def currency_marks(text: str) -> frozenset[str]:
    """The currencies that the mark beside a number may mean."""
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        return frozenset()
    for part in ("before", "behind"):
        if meant := currencies_of((found[part] or "").strip()):
            return meant
    return frozenset()


def unit_of(text: str) -> str | None:
    """The unit behind a number, as the configuration calls it."""
    found = _NUMBER.fullmatch(text.strip())
    return None if found is None else unit_named((found["behind"] or "").strip())


def list_sign(text: str) -> str | None:
    """What divides the addresses of several pictures in one text."""
    if text.count("http") < 2:
        return None
    for sign in LIST_SIGNS:
        parts = [part.strip() for part in text.split(sign) if part.strip()]
        if len(parts) > 1 and all(map(_is_url, parts)):
            return sign
    return None


def path_sign(text: str) -> str | None:
    """What divides the steps of a path, if it is one."""
    if "://" in text or len(text) > 300:
        return None
    for sign in PATH_SIGNS:
        steps = text.split(sign)
        if 2 <= len(steps) <= 10 and all(0 < len(step.strip()) <= 60 for step in steps):
            return sign
    return None


def _is_url(text: str) -> bool:
    return text.startswith(("http://", "https://", "//")) and not any(map(str.isspace, text))


def _has_check_digit(code: str) -> bool:
    return gtin_sum(code) % 10 == 0 and bool(code.strip("0"))
