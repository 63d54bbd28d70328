"""The form of a kind's text. Pure.

`{shop}`, `{feed}`, `{catalogue}`, `{order}` and `{name}` stand for what the trouble is of.
"""

from typing import NamedTuple


class Text(NamedTuple):
    """A kind in one language: what is wrong, what it means for the shop, what to do."""

    title: str
    meaning: str
    remedy: str
