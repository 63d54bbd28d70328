"""The known names that are nearest to one nobody knows. Pure."""

from collections.abc import Collection
from difflib import get_close_matches

MOST_SHOWN = 5
MOST_COMPARED = 1_000
"""Comparing costs some 20 microseconds a name."""
LONGEST_COMPARED = 100


def nearest_names(name: str, known: Collection[str]) -> list[str]:
    """Those that are likely meant, the nearest first, whatever their capitals; none that is far.

    At most `MOST_COMPARED` are looked at: pass those that sort next to the name.
    """
    folded: dict[str, str] = {}
    for one in list(known)[:MOST_COMPARED]:
        folded.setdefault(one[:LONGEST_COMPARED].casefold(), one)
    wanted = name[:LONGEST_COMPARED].casefold()
    return [folded[near] for near in get_close_matches(wanted, folded, n=MOST_SHOWN)]


def nearest_remedy(names: Collection[str]) -> str:
    """What to do about a name nobody knows."""
    if not names:
        return "Check the identifier: none that is known is like it."
    return f"Check the identifier. The nearest known ones: {', '.join(names)}."
