"""YAML as people read it: one line a match, comments above what they speak of. Pure."""

import re
from collections.abc import Mapping, Sequence
from textwrap import wrap

WIDTH = 100
LONGEST_COMMENT = 600
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?: [A-Za-z0-9_]+)*")
_WORDS_OF_YAML = frozenset(["true", "false", "yes", "no", "on", "off", "null", "y", "n"])

Value = str | bool | int | float | Sequence["Value"] | Mapping[str, "Value"]


def comment(text: str, indent: int = 0) -> list[str]:
    """The text as comment lines; whatever it quotes cannot end the comment."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    room = max(WIDTH - indent - 2, 40)
    return [f"{' ' * indent}# {line}" for line in wrap(plain[:LONGEST_COMMENT], room)]


def entry(key: str, value: Value, indent: int = 0, *, is_active: bool = True) -> str:
    """A key and its value in one line; one that is not active is a comment."""
    mark = "" if is_active else "# "
    return f"{' ' * indent}{mark}{scalar(key)}: {flow(value)}"


def flow(value: Value) -> str:
    """A value in YAML's flow form."""
    if isinstance(value, str):
        return scalar(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(k)}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, Sequence):
        return "[" + ", ".join(map(flow, value)) + "]"
    return str(value)


def scalar(text: str) -> str:
    """A text, quoted unless it can only be read as itself."""
    if _PLAIN.fullmatch(text) and text.casefold() not in _WORDS_OF_YAML:
        return text
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(sign: str) -> str:
    if sign in '"\\':
        return f"\\{sign}"
    if sign.isprintable():
        return sign
    code = ord(sign)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
