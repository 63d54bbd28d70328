"""Parts of the templates that a draft writes. Pure."""

import re
from collections.abc import Iterable

from catalog_service.proposals.texts import field_expression

_MARKS = re.compile(r"[^0-9.,+\-]+")
MOST_MARKS = 12
LONGEST_MARK = 20


def quoted(text: str) -> str:
    """A text as a template writes it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def amount_expression(name: str, texts: Iterable[str], sign: str) -> str:
    """The column's amount as a number to compare; 0 where it is none.

    The signs beside the amounts are those of `texts`; an amount with another one is 0 as well.
    """
    found = {part.strip() for text in texts for part in _MARKS.findall(text)}
    known = sorted(mark for mark in found if mark.isprintable() and len(mark) <= LONGEST_MARK)
    marks = [mark for mark in known if mark and "{" not in mark][:MOST_MARKS]
    marks.sort(key=len, reverse=True)  # EUR before E
    away = [*marks, " ", "\u00a0", "\u202f", "," if sign == "." else "."]
    cut = "".join(f" | replace({quoted(mark)}, '')" for mark in away)
    point = " | replace(',', '.')" if sign == "," else ""
    return f"({field_expression(name)} | default('') | string{cut}{point} | float)"
