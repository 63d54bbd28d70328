"""A carrier's pattern of its numbers in words, for people who read no regular expressions. Pure."""

import re
import string
from dataclasses import dataclass

_PIECE = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]|\\.|\(\?:|\(\?|\{\d+(?:,\d*)?\}|.", re.DOTALL)
_COUNT = re.compile(r"\{(\d+)(,?)(\d*)\}")
_ENDS = frozenset({"^", "$", r"\A", r"\Z", r"\b"})
_MARKS = string.punctuation
_DEEPEST = 4
_LONGEST_LIST = 8
_UNLIMITED = None


class _Indescribable(Exception):
    """The pattern says what these words cannot."""


@dataclass(frozen=True)
class _Part:
    """A part of a number: `one` of it, `many` of it; a literal stands for itself."""

    one: str
    many: str | None = None
    is_literal: bool = False


def describe_pattern(pattern: str) -> str | None:
    """The pattern in words, as `2 letters, then 9 digits, then CN`.

    None where it is no regular expression, or one that words do not make clearer.
    """
    try:
        re.compile(pattern)
        return _Reader(pattern).read()
    except (re.error, OverflowError, _Indescribable):
        return None


class _Reader:
    """Reads a pattern piece by piece, from left to right."""

    def __init__(self, pattern: str) -> None:
        self._pieces = _PIECE.findall(pattern)
        self._depth = 0

    def read(self) -> str:
        words = self._alternatives()
        if self._pieces or not words:
            raise _Indescribable
        return words

    def _alternatives(self) -> str:
        found = [self._sequence()]
        while self._next_is("|"):
            found.append(self._sequence())
        return _either(found) if len(found) > 1 else found[0]

    def _sequence(self) -> str:
        parts: list[_Part] = []
        while self._pieces and self._pieces[0] not in ("|", ")"):
            piece = self._pieces.pop(0)
            if piece in _ENDS:
                continue
            part = self._counted(self._part(piece))
            if parts and parts[-1].is_literal and part.is_literal:
                part = _Part(parts.pop().one + part.one, is_literal=True)
            parts.append(part)
        if len(parts) > 1 and any("; or " in part.one for part in parts):
            raise _Indescribable  # it would not be seen where a choice ends
        return ", then ".join(part.one for part in parts)

    def _part(self, piece: str) -> _Part:
        if piece in ("(", "(?:"):
            return self._group()
        if piece[0] == "[" or piece in (".", r"\d", r"\w"):
            return _kind_of(piece)
        literal = piece[1:] if piece[0] == "\\" else piece
        if len(literal) != 1 or (piece[0] == "\\" and literal.isalnum()) or piece in "*+?":
            raise _Indescribable
        return _Part(literal, is_literal=True)

    def _group(self) -> _Part:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _Indescribable
        words = self._alternatives()
        self._depth -= 1
        if not self._next_is(")") or not words:
            raise _Indescribable
        return _Part(words)

    def _counted(self, part: _Part) -> _Part:
        least, most = self._count()
        if (least, most) == (1, 1):
            return _Part(f"1 {part.one}") if part.many else part
        if (least, most) == (0, 1):
            return _Part(f"perhaps {'1 ' if part.many else ''}{part.one}")
        if part.is_literal and least == most and least <= _LONGEST_LIST:
            return _Part(part.one * least, is_literal=True)
        if part.many is None:
            raise _Indescribable
        if most is _UNLIMITED:
            return _Part(f"{least} or more {part.many}")
        return _Part(f"{least} {part.many}" if least == most else f"{least} to {most} {part.many}")

    def _count(self) -> tuple[int, int | None]:
        """How often the last part comes, at least and at most."""
        signs: dict[str, tuple[int, int | None]] = {
            "?": (0, 1),
            "*": (0, _UNLIMITED),
            "+": (1, _UNLIMITED),
        }
        if not self._pieces:
            return 1, 1
        if self._pieces[0] in signs:
            return signs[self._pieces.pop(0)]
        match = _COUNT.fullmatch(self._pieces[0])
        if match is None:
            return 1, 1
        self._pieces.pop(0)
        least = int(match[1])
        return least, (int(match[3]) if match[3] else _UNLIMITED) if match[2] else least

    def _next_is(self, piece: str) -> bool:
        """Whether this piece came, which is then read."""
        if self._pieces and self._pieces[0] == piece:
            self._pieces.pop(0)
            return True
        return False


def _kind_of(piece: str) -> _Part:
    """What one character out of a set is called; case is left out."""
    members = re.compile(piece)
    letters = [c for c in string.ascii_uppercase if _is_any(members, c + c.lower())]
    digits = [c for c in string.digits if members.fullmatch(c)]
    marks = [c for c in _MARKS if members.fullmatch(c)]
    if "".join(marks) == r"[\]^_`":
        marks = []  # A-z, by which letters are meant
    if len(marks) > _LONGEST_LIST:
        return _Part("character", "characters")
    kinds = [
        _named(letters, string.ascii_uppercase, "letter"),
        _named(digits, string.digits, "digit"),
        (_listed(marks), _listed(marks)),
    ]
    known = [kind for kind in kinds if kind[0]]
    if not known:
        raise _Indescribable
    return _Part(" or ".join(one for one, _ in known), " or ".join(many for _, many in known))


def _is_any(members: re.Pattern[str], characters: str) -> bool:
    return any(members.fullmatch(character) for character in characters)


def _named(found: list[str], every: str, name: str) -> tuple[str, str]:
    """One and many of the found letters or digits."""
    if len(found) == len(every):
        return name, f"{name}s"
    if len(found) > 2 and "".join(found) in every:
        reach = f"{found[0]} to {found[-1]}"
        return f"{name} from {reach}", f"{name}s from {reach}"
    return _listed(found), _listed(found)


def _listed(found: list[str]) -> str:
    if len(found) > _LONGEST_LIST:
        raise _Indescribable
    return " or ".join(found)


def _either(found: list[str]) -> str:
    if not all(found):
        raise _Indescribable
    return ("; or " if any(", then " in words for words in found) else " or ").join(found)
