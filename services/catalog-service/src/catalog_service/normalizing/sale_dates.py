"""When a sale price holds: its dates as catalogues write them (M3.9). Pure.

    instant = date [time] [zone] | 10 or 13 digits: seconds or milliseconds since 1970
    date    = 2026-01-31 | 2026/1/31 | 20260131 | 31.01.2026 | 31 January 2026 | Jan 31, 2026
            | 31/01/2026 or 01/31/2026, where only one of them is a date
    time    = 23:59 | 23:59:59 | 11:59 pm, behind T, a blank or a comma
    zone    = Z | UTC | GMT | +01:00 | +0100 | +01; the feed's time zone where there is none

What is not read whole is refused: a date is never guessed.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo

LONGEST_TEXT = 64
EARLIEST = datetime.min.replace(tzinfo=UTC)
LATEST = datetime.max.replace(tzinfo=UTC)

_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_MONTH = (
    r"(?P<name>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s+)?"
_TIME = (
    r"(?:(?:t|,?\s+)(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?(?:\s*(?P<half>[ap])\.?m\.?)?)?"
)
_ZONE = r"\s*(?P<zone>z|utc|gmt|[+-][0-9]{2}(?::?[0-9]{2})?)?"
_BASIC_TIME = r"(?:t(?P<hour>[0-9]{2})(?P<minute>[0-9]{2})(?P<second>[0-9]{2})?)?"
_FORMS = [
    re.compile(date + time + _ZONE, re.IGNORECASE | re.ASCII)
    for date, time in (
        (
            r"(?P<year>[0-9]{4})(?P<sign>[-/.])(?P<month>[0-9]{1,2})(?P=sign)(?P<day>[0-9]{1,2})",
            _TIME,
        ),
        (r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})", _BASIC_TIME),
        (r"(?P<day>[0-9]{1,2})\.\s?(?P<month>[0-9]{1,2})\.\s?(?P<year>[0-9]{4})", _TIME),
        (
            r"(?P<one>[0-9]{1,2})(?P<sign>[/-])(?P<other>[0-9]{1,2})(?P=sign)(?P<year>[0-9]{4})",
            _TIME,
        ),
        (rf"{_WEEKDAY}(?P<day>[0-9]{{1,2}})[\s-]{_MONTH}[\s-](?P<year>[0-9]{{4}})", _TIME),
        (rf"{_WEEKDAY}{_MONTH}\s(?P<day>[0-9]{{1,2}}),?\s(?P<year>[0-9]{{4}})", _TIME),
    )
]
_EPOCH = re.compile(r"[0-9]{10}|[0-9]{13}", re.ASCII)


class DateInvalid(Exception):
    """The text is no date that can be read; the message says why, to follow a colon."""


@dataclass(frozen=True)
class SaleWindow:
    """From when (inclusive) until when (exclusive) a sale price holds; None: without that bound."""

    begins: datetime | None = None
    ends: datetime | None = None

    def is_open(self, at: datetime) -> bool:
        """Whether the sale price holds then."""
        return (self.begins is None or self.begins <= at) and (self.ends is None or at < self.ends)

    def next_change(self, at: datetime) -> datetime | None:
        """The first instant after `at` from which `is_open` may differ; None when there is none."""
        bounds = (bound for bound in (self.begins, self.ends) if bound is not None and bound > at)
        return min(bounds, default=None)


def read_instant(text: str, zone: tzinfo, *, is_end: bool = False) -> datetime:
    """The instant in UTC; a date alone is the beginning of that day, as an end its end.

    Raises `DateInvalid`.
    """
    text = text.strip()
    if _EPOCH.fullmatch(text):
        return datetime.fromtimestamp(int(text) / (1 if len(text) == 10 else 1000), UTC)
    if len(text) <= LONGEST_TEXT:
        for form in _FORMS:
            found = form.fullmatch(text)
            if found is not None:
                return _instant(found.groupdict(), zone, is_end=is_end)
    raise DateInvalid("it is not a date that can be read")


def _instant(parts: dict[str, str | None], zone: tzinfo, *, is_end: bool) -> datetime:
    year = int(parts["year"] or 0)
    month, day = _month_and_day(parts, year)
    try:
        midnight = datetime(year, month, day)  # noqa: DTZ001 - its zone is added below
        time = _time(parts)
    except ValueError:
        raise DateInvalid("there is no such day or time") from None
    if time is None:
        time = timedelta(days=1) if is_end else timedelta()
    try:
        return (midnight + time).replace(tzinfo=_zone(parts["zone"]) or zone).astimezone(UTC)
    except OverflowError:
        return EARLIEST if year == 1 else LATEST


def _month_and_day(parts: dict[str, str | None], year: int) -> tuple[int, int]:
    if (name := parts.get("name")) is not None:
        return _MONTHS.index(name[:3].lower()) + 1, int(parts["day"] or 0)
    if (one := parts.get("one")) is None:
        return int(parts["month"] or 0), int(parts["day"] or 0)
    pair = int(one), int(parts["other"] or 0)
    orders = {(month, day) for month, day in (pair, pair[::-1]) if _is_date(year, month, day)}
    if len(orders) > 1:
        raise DateInvalid("day and month cannot be told apart")
    return orders.pop() if orders else (0, 0)


def _is_date(year: int, month: int, day: int) -> bool:
    try:
        datetime(year, month, day)  # noqa: DTZ001 - a date alone
    except ValueError:
        return False
    return True


def _time(parts: dict[str, str | None]) -> timedelta | None:
    """The time of the day; None where only a date is written. Raises `ValueError`."""
    if parts["hour"] is None:
        return None
    hour, minute = int(parts["hour"]), int(parts["minute"] or 0)
    second = int(parts.get("second") or 0)
    half = (parts.get("half") or "").lower()
    if half:
        if not 1 <= hour <= 12:
            raise ValueError(hour)
        hour = hour % 12 + 12 * (half == "p")
    is_midnight = (hour, minute, second) == (24, 0, 0)
    if minute > 59 or second > 59 or (hour > 23 and not is_midnight):
        raise ValueError(hour)
    microsecond = int((parts.get("fraction") or "")[:6].ljust(6, "0"))
    return timedelta(hours=hour, minutes=minute, seconds=second, microseconds=microsecond)


def _zone(text: str | None) -> tzinfo | None:
    if text is None:
        return None
    if text[0] not in "+-":
        return UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    hours, minutes = int(digits[:2]), int(digits[2:])
    if hours > 23 or minutes > 59:
        raise DateInvalid(f"there is no time zone {text}")
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)
