"""Reading and writing AliExpress's JSON: one tolerant cursor over what really arrives.

An answer may be wrapped (`"job_list": {"batch_operation_job_dto": [...]}`) or simplified, a list
may arrive as its only element, an empty one as "", {}, null or not at all, a number as a string,
JSON inside a JSON string. `Fields` reads all of these; what it cannot read is `Unreadable`, which
names the place. Optional values (`find_`) that cannot be read count as absent.
"""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec

T = TypeVar("T")

PACIFIC = ZoneInfo("America/Los_Angeles")
BEIJING = ZoneInfo("Asia/Shanghai")
WIRE_TIME = "%Y-%m-%d %H:%M:%S"

_MAX_DIGITS = 24  # of a number: beyond it nothing AliExpress means
_MAX_MINOR_DIGITS = 4  # of a currency (ISO 4217)
_MAX_NESTED_JSON = 4  # JSON in JSON in JSON ... is a mistake or an attack
_TRUE = frozenset({"true", "1", "y", "yes"})
_FALSE = frozenset({"false", "0", "n", "no"})
_COMPACT_TIME = re.compile(r"(\d{14})(\d{3})?([+-]\d{4})?")

_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")


class Unreadable(Exception):
    """The value at `path` is not of the documented form."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class Refused(Exception):
    """AliExpress refused the request inside `result`; the client gives it its type."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Money(msgspec.Struct, frozen=True):
    """An amount as an exact decimal string, with its ISO 4217 currency."""

    amount: str
    currency: str


def encode(value: object) -> str:
    """JSON for a parameter: compact, `Decimal` as a number with all its digits."""
    return _encoder.encode(value).decode()


def decode(text: str | bytes) -> Any:
    """Any JSON; fractions become `Decimal`. Raises `Unreadable`."""
    try:
        return _decoder.decode(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable("$", f"not JSON ({error})") from error


def int_or_text(marketplace_id: str) -> int | str:
    """An id inside a JSON parameter: a number where it is one, as the documentation has them."""
    is_number = marketplace_id.isascii() and marketplace_id.isdigit()
    return int(marketplace_id) if is_number and len(marketplace_id) < 20 else marketplace_id


def latest_written_alike(moment: datetime) -> datetime:
    """The latest moment AliExpress writes as it writes this one: an hour later in the first of
    November's repeated hours, else the same."""
    return moment.astimezone(PACIFIC).replace(fold=1).astimezone(UTC)


def to_pacific(moment: datetime) -> str:
    """`moment` as AliExpress wants it in filters of orders, products and feeds."""
    return moment.astimezone(PACIFIC).strftime(WIRE_TIME)


def from_pacific(text: str) -> datetime | None:
    """A wire time in UTC, or None when it is none.

    Without an offset it is US Pacific time, with or without seconds or time of day; of the hour
    that November repeats, the first is meant. Epoch milliseconds and ISO 8601 are understood too.
    """
    text = text.strip()
    try:
        if compact := _COMPACT_TIME.fullmatch(text):
            moment = datetime.strptime(compact[1] + (compact[3] or ""), _compact_format(compact[3]))  # noqa: DTZ007 - its zone follows
        elif text.isascii() and text.isdigit():
            return datetime.fromtimestamp(int(text) / 1000, UTC)
        else:
            moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=PACIFIC)
        return moment.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _compact_format(offset: str | None) -> str:
    return "%Y%m%d%H%M%S" + ("%z" if offset else "")


def until_midnight_in_beijing(moment: datetime) -> timedelta:
    """How long a daily quota stays used up."""
    local = moment.astimezone(BEIJING)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return midnight - local


class Fields:
    """One JSON object of an answer, and the path that leads to it."""

    def __init__(self, value: dict[str, Any], path: str = "$") -> None:
        self.value = value
        self.path = path

    def raw_json(self) -> str:
        """The object as JSON text, for keeping."""
        return encode(self.value)

    # Scalars -----------------------------------------------------------------------------------

    def find_text(self, *names: str) -> str | None:
        """The first of `names` that holds text or a number; blank counts as absent."""
        for name in names:
            if (text := _as_text(self.value.get(name))) is not None:
                return text
        return None

    def text(self, *names: str) -> str:
        """Like `find_text`, required."""
        return self._required(self.find_text(*names), names, "text")

    def find_integer(self, *names: str) -> int | None:
        """The first of `names` that holds a whole number."""
        for name in names:
            number = _as_decimal(self.value.get(name))
            if number is not None and number == number.to_integral_value():
                return int(number)
        return None

    def integer(self, *names: str) -> int:
        """Like `find_integer`, required."""
        return self._required(self.find_integer(*names), names, "a whole number")

    def find_id(self, *names: str) -> str | None:
        """An id as text; ids are 64 bits wide and never pass through a float."""
        for name in names:
            if (text := _as_id(self.value.get(name))) is not None:
                return text
        return None

    def id(self, *names: str) -> str:
        """Like `find_id`, required."""
        return self._required(self.find_id(*names), names, "an id")

    def find_flag(self, *names: str) -> bool | None:
        """A truth value, written true, "true", 1, "1" or "Y"."""
        for name in names:
            if (flag := _as_flag(self.value.get(name))) is not None:
                return flag
        return None

    def flag(self, *names: str) -> bool:
        """Like `find_flag`, required."""
        return self._required(self.find_flag(*names), names, "true or false")

    def find_amount(self, *names: str) -> str | None:
        """A number as an exact decimal string, for prices and weights without a currency."""
        for name in names:
            if (number := _as_decimal(self.value.get(name))) is not None:
                return _plain(number)
        return None

    def find_time(self, *names: str) -> datetime | None:
        """A Pacific wire time, in UTC."""
        for name in names:
            text = _as_text(self.value.get(name))
            if text is not None and (moment := from_pacific(text)) is not None:
                return moment
        return None

    def find_money(self, *names: str) -> Money | None:
        """Either shape of money; None without an amount or a currency.

        Order lists carry {amount, currency_code}, order details {amount or amount_str, cent,
        cent_factor, currency_code or currency{currency_code}}, of which the cents are exact, also
        beside an amount of 0.
        """
        for name in names:
            shape = self.find_fields(name)
            if shape is None:
                continue
            currency = shape.find_text("currency_code")
            if currency is None and (nested := shape.find_fields("currency")) is not None:
                currency = nested.find_text("currency_code")
            amount = _from_cents(shape) or shape.find_amount("amount_str", "amount", "value")
            if amount is not None and currency is not None:
                return Money(amount, currency)
        return None

    # Structure ---------------------------------------------------------------------------------

    def has(self, *names: str) -> bool:
        """Whether any of `names` is there with something in it."""
        return any(not _is_empty(self.value.get(name)) for name in names)

    def find_fields(self, name: str) -> "Fields | None":
        """The object at `name`, also out of a JSON string or a list of one."""
        value = _embedded(self.value.get(name))
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        return Fields(value, f"{self.path}.{name}") if isinstance(value, dict) and value else None

    def fields(self, name: str) -> "Fields":
        """Like `find_fields`, required."""
        return self._required(self.find_fields(name), (name,), "an object")

    def result(self) -> "Fields":
        """What stands under `result`, or this object itself where there is none."""
        return self.find_fields("result") or self

    def items(self, name: str, element: str) -> list[Any]:
        """The list at `name`, whose wrapped form names its elements `element`."""
        path = f"{self.path}.{name}"
        return _as_list(self.value.get(name), element, path)

    def objects(self, name: str, element: str) -> list["Fields"]:
        """A list of objects."""
        found = []
        for index, item in enumerate(self.items(name, element)):
            path = f"{self.path}.{name}[{index}]"
            value = _embedded(item)
            if not isinstance(value, dict):
                raise Unreadable(path, "an object is expected")
            found.append(Fields(value, path))
        return found

    def read_all(self, name: str, element: str, read: Callable[["Fields"], T]) -> list[T]:
        """A list of objects, each put through `read`."""
        return [read(item) for item in self.objects(name, element)]

    def texts(self, name: str, element: str) -> list[str]:
        """A list of texts or ids, also a list within the list; blanks are left out."""
        items = self.items(name, element)
        flat = (part for item in items for part in (item if isinstance(item, list) else [item]))
        return [text for text in map(_as_id, flat) if text is not None]

    def find_names(self, name: str) -> dict[str, str]:
        """Texts by language, out of a JSON string such as `multi_language_names`."""
        names = self.find_fields(name)
        if names is None:
            return {}
        texts = ((language, _as_text(text)) for language, text in names.value.items())
        return {language: text for language, text in texts if text is not None}

    # Outcome -----------------------------------------------------------------------------------

    def refuse_unless_successful(self, *payload: str) -> None:
        """Raise `Refused` when this result says so.

        A success flag decides. Without one an error code or message counts only if nothing of
        `payload` is there: documented answers carry filler errors beside their data.
        """
        flag = self.find_flag("success", "result_success", "is_success")
        code = self.find_text("error_code", "result_error_code") or ""
        message = self.find_text("error_message", "error_desc", "result_error_desc", "error_msg")
        if flag is True or (flag is None and self.has(*payload)):
            return
        if flag is False or message is not None or code not in {"", "0"}:
            raise Refused(code, message or "no reason given")

    def require_any(self, *names: str) -> None:
        """Raise `Unreadable` when none of `names` was sent: lost on the way is not empty."""
        if not any(name in self.value for name in names):
            raise Unreadable(self.path, f"{' or '.join(names)} is expected")

    def _required(self, value: T | None, names: Iterable[str], what: str) -> T:
        if value is None:
            raise Unreadable(f"{self.path}.{' or '.join(names)}", f"{what} is expected")
        return value


def read_object(body: bytes) -> Fields:
    """The JSON object that `body` is. Raises `Unreadable`."""
    value = decode(body)
    if not isinstance(value, dict):
        raise Unreadable("$", "an object is expected")
    return Fields(value)


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", {}, []) or (isinstance(value, str) and not value.strip())


def _embedded(value: Any) -> Any:
    """`value`, taken out of the JSON string that may hold it."""
    for _ in range(_MAX_NESTED_JSON):
        if not isinstance(value, str) or not value.lstrip().startswith(("{", "[", '"')):
            return value
        try:
            value = decode(value)
        except Unreadable:
            return value
    return value


def _as_list(value: Any, element: str, path: str) -> list[Any]:
    value = _embedded(value)
    if _is_empty(value):
        return []
    if isinstance(value, dict):
        if element in value:
            return _as_list(value[element], element, path)
        only = next(iter(value.values())) if len(value) == 1 else None
        if isinstance(only, list | dict):  # wrapped under another name than documented
            return _as_list(only, element, path)
        return [value]
    if isinstance(value, list):
        return [item for item in value if not _is_empty(item)]
    if isinstance(value, bool):
        raise Unreadable(path, "a list is expected")
    return [value]


def _as_text(value: Any) -> str | None:
    if isinstance(value, str):
        return value if value.strip() else None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    number = _as_decimal(value)
    return None if number is None else _plain(number)


def _as_id(value: Any) -> str | None:
    if isinstance(value, Decimal):
        number = _as_decimal(value)
        is_whole = number is not None and number == number.to_integral_value()
        return str(int(number)) if is_whole and number is not None else None
    return _as_text(value)


def _as_decimal(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    if isinstance(value, str) and len(value) > 2 * _MAX_DIGITS:
        return None
    if isinstance(value, int) and value.bit_length() > 4 * _MAX_DIGITS:
        return None
    try:
        number = Decimal(value.strip() if isinstance(value, str) else value)
    except InvalidOperation:
        return None
    if not number.is_finite() or abs(number.adjusted()) > _MAX_DIGITS:
        return None
    return number if len(number.as_tuple().digits) <= 2 * _MAX_DIGITS else None


def _as_flag(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    text = (_as_text(value) or "").strip().lower()
    return True if text in _TRUE else False if text in _FALSE else None


def _plain(number: Decimal) -> str:
    return format(number, "f")


def _from_cents(shape: Fields) -> str | None:
    cents, factor = shape.find_integer("cent"), shape.find_integer("cent_factor")
    if cents is None:
        return None
    digits = _minor_digits(shape) if factor is None else len(str(factor)) - 1
    if digits is None or factor not in {None, 10**digits}:
        return None
    sign, whole, _ = Decimal(cents).as_tuple()
    return _plain(Decimal((sign, whole, -digits)))


def _minor_digits(shape: Fields) -> int | None:
    """How many digits of the cents are a fraction, where the currency itself says it."""
    currency = shape.find_fields("currency")
    digits = currency.find_integer("default_fraction_digits") if currency is not None else None
    return digits if digits is not None and 0 <= digits <= _MAX_MINOR_DIGITS else None
