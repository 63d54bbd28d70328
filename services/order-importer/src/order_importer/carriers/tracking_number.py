"""The tracking number that people mean, in the form its carrier takes. Pure (M8.4).

Carriers print numbers in groups, pages add invisible characters, people type as they like: blanks,
dashes, invisible characters and case say nothing. What is compared is always `normalize`d.
"""

import re
import unicodedata
from collections.abc import Iterator

from aliexpress.logistics import Carrier
from common.errors import Refusal
from order_importer.carriers.pattern_words import describe_pattern

MAX_WRITTEN = 200
"""The longest text that is looked at."""
MAX_NUMBER = 64
MAX_PATTERN = 500

_BLANK_CATEGORIES = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf"})
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_DASHES = frozenset("\u02d7\u2043\u2212\u2500\u2501\u2796\u30fc\uff70")
"""Beside those that Unicode calls dashes: signs that look like one."""
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_UNBOUNDED = re.compile(r"(?<!\\)[*+]|\{\d+,\}")
_REPEATED_GROUP = re.compile(r"\)(?:[*+]|\{\d+,)")


class TrackingNumberMalformed(Refusal):
    """What was written cannot be a tracking number, or not one of the carrier."""

    def __init__(self, title: str, remedy: str) -> None:
        super().__init__(
            title,
            status=422,
            slug="tracking-number-malformed",
            field="tracking_number",
            rule="M8.4",
            remedy=remedy,
        )


def normalize(written: str) -> str:
    """The number without blanks, dashes and invisible characters, in ASCII capitals."""
    return _capital("".join(char for char in _visible(written) if not _is_dash(char)))


def tracking_number_for(carrier: Carrier, written: str) -> str:
    """The number to send: normalized, or as written where the carrier's pattern wants it so.

    Raises `TrackingNumberMalformed`. The pattern is somebody else's: one that is broken, or may
    take for ever, is left to AliExpress.
    """
    number = normalize(written)
    _require_readable(number)
    pattern = _pattern_of(carrier)
    if pattern is None:
        return number
    fitting = next((form for form in _forms(written) if pattern.fullmatch(form)), None)
    if fitting is None:
        raise TrackingNumberMalformed(
            f"{number} is not a tracking number of {carrier.service_name}",
            f"Numbers of {carrier.service_name} {_in_words(pattern.pattern)}; blanks, dashes and "
            "case do not matter. Correct the number, or name the carrier that really takes the "
            "parcel.",
        )
    return fitting


def _visible(written: str) -> str:
    """Without blanks and invisible characters; full-width signs as their ASCII ones."""
    kept = (char for char in written if not _is_invisible(char))
    return "".join(kept).translate(_FULL_WIDTH)


def _is_invisible(char: str) -> bool:
    return (
        unicodedata.category(char) in _BLANK_CATEGORIES
        or char in _INVISIBLE
        or "VARIATION SELECTOR" in unicodedata.name(char, "")
    )


def _is_dash(char: str) -> bool:
    return unicodedata.category(char) == "Pd" or char in _DASHES


def _capital(text: str) -> str:
    """In capitals, ASCII letters alone: others have capitals that they are not taken for."""
    return "".join(char.upper() if char.isascii() else char for char in text)


def _forms(written: str) -> Iterator[str]:
    """The writings of a number, the likeliest first: few carriers want small letters or dashes."""
    visible = _visible(written)
    whole = "".join(char for char in visible if not _is_dash(char))
    dashed = "".join("-" if _is_dash(char) else char for char in visible)
    for text in (whole, dashed):
        yield from (text.upper(), text, text.lower())


def _require_readable(number: str) -> None:
    if not number:
        raise TrackingNumberMalformed(
            "the tracking number has no letters and digits", "Send the parcel's tracking number."
        )
    foreign = sorted({char for char in number if not "!" <= char <= "~"})
    if foreign:
        names = ", ".join(unicodedata.name(char, f"U+{ord(char):04X}") for char in foreign[:5])
        raise TrackingNumberMalformed(
            f"the tracking number has characters that no carrier uses: {names}",
            "Type the number as the carrier printed it, in letters A to Z and digits.",
        )
    if len(number) > MAX_NUMBER:
        raise TrackingNumberMalformed(
            f"the tracking number has {len(number)} characters, more than {MAX_NUMBER}",
            "Send one tracking number; each parcel has its own request.",
        )


def _pattern_of(carrier: Carrier) -> re.Pattern[str] | None:
    """The carrier's pattern; None where there is none that can be relied on."""
    pattern = carrier.tracking_pattern
    if not pattern or not _is_quick(pattern):
        return None
    try:
        return re.compile(pattern)
    except (re.error, OverflowError):
        return None


def _in_words(pattern: str) -> str:
    words = describe_pattern(pattern)
    return f"match {pattern}" if words is None else f"are {words}"


def _is_quick(pattern: str) -> bool:
    """Whether matching takes a bounded time: no repeated group, few open-ended repeats."""
    return (
        len(pattern) <= MAX_PATTERN
        and not _REPEATED_GROUP.search(pattern)
        and len(_UNBOUNDED.findall(pattern)) <= 3
    )
