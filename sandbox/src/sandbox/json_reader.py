"""Reads JSON as the platform's reader does: strictly first, then the way clients misspell it.

Clients are known to send trailing and doubled commas, single quotes, names without quotes, and
the notation of their own language (`None`, `True`).
"""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

DEPTH_MAX = 100
"""Levels of a JSON text that are read; a payload that keeps the rules has less than 20."""
WHOLE_NUMBERS = range(-(2**63), 2**64)
"""Those that stay whole when read; others become doubles."""
_LONG_NUMBER = re.compile("[0-9]{19}")
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<mark>[{}\[\]:,])
      | "(?P<double>[^"\\]*(?:\\.[^"\\]*)*)"
      | '(?P<single>[^'\\]*(?:\\.[^'\\]*)*)'
      | (?P<number>-?[0-9][0-9.eE+-]*)
      | (?P<name>[A-Za-z_$][\w$]*)
    )\s*""",
    re.VERBOSE | re.DOTALL,
)
_WORDS = {
    "true": "true", "True": "true", "false": "false", "False": "false",
    "null": "null", "None": "null",
}  # fmt: skip
_ESCAPE = re.compile(r"\\(x[0-9A-Fa-f]{2}|U00(?:0[0-9A-Fa-f]|10)[0-9A-Fa-f]{4}|.)|\"", re.DOTALL)


class NotJson(ValueError):
    """The text is no JSON however it is read, or nested deeper than `DEPTH_MAX`."""


def parse_json(text: str) -> Any:
    """The value of a JSON text. Raises `NotJson`."""
    try:
        value = msgspec.json.decode(text)
    except RecursionError as error:
        raise NotJson from error
    except msgspec.DecodeError:
        value = _parse_misspelt(text)
    if text.count("[") + text.count("{") > DEPTH_MAX or _LONG_NUMBER.search(text):
        return _bounded(value, DEPTH_MAX)
    return value


def _parse_misspelt(text: str) -> Any:
    try:
        return msgspec.json.decode(" ".join(_without_idle_commas(_tokens(text))))
    except (msgspec.DecodeError, RecursionError) as error:
        raise NotJson from error


def _tokens(text: str) -> Iterator[str]:
    """The text's tokens, each as strict JSON spells it."""
    place = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise NotJson
        place = found.end()
        name = found["name"]
        quoted = found["double"] if found["single"] is None else found["single"]
        if quoted is not None:
            yield f'"{_ESCAPE.sub(_respell, quoted)}"'
        elif name is not None:
            is_key = text.startswith(":", place)
            yield f'"{name}"' if is_key else _WORDS.get(name, name)
        else:
            yield found[0].strip()


def _respell(escape: re.Match[str]) -> str:
    r"""An escape as JSON has it: `\'`, `\x41` and `\U0001f600` are none there."""
    spelt = escape[1]
    if spelt is None:
        return '\\"'
    if len(spelt) > 1:
        number = int(spelt[1:], 16)
        return chr(number) if number > 0xFFFF else f"\\u{number:04x}"
    return "'" if spelt == "'" else escape[0]


def _without_idle_commas(parts: Iterator[str]) -> Iterator[str]:
    """The tokens without commas that stand before an end, after a beginning or after another."""
    previous, is_comma_due = "{", False
    for part in parts:
        if part == ",":
            is_comma_due = previous not in ("{", "[")
            continue
        if is_comma_due and part not in ("}", "]"):
            yield ","
        is_comma_due = False
        yield part
        previous = part


def _bounded(value: Any, levels: int) -> Any:
    """The value without long whole numbers, which no file of the state could hold."""
    if isinstance(value, int):
        return value if value in WHOLE_NUMBERS else _double(value)
    if not isinstance(value, dict | list):
        return value
    if not levels:
        raise NotJson
    if isinstance(value, list):
        return [_bounded(item, levels - 1) for item in value]
    return {name: _bounded(item, levels - 1) for name, item in value.items()}


def _double(number: int) -> float:
    try:
        return float(number)
    except OverflowError as error:
        raise NotJson from error
