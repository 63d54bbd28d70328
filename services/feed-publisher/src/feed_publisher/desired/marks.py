"""Marks of a family, and what they say of its accepted state. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

Lane = Literal[1, 2]
"""The place of a mark in the fast lane: what may fall to zero before all else."""
ZEROING: Lane = 1
OTHER: Lane = 2


@dataclass(frozen=True)
class Unsure:
    """What may have been changed at AliExpress since it was accepted: stock and prices by SKU
    code, or the content. None of it is believed any more."""

    stock: Collection[str] = ()
    prices: Collection[str] = ()
    content: bool = False

    @property
    def sku_codes(self) -> set[str]:
        """The SKUs whose stock or price it is."""
        return {*self.stock, *self.prices}


@dataclass(frozen=True)
class Marks:
    """The marks of a family for a kind of run that were read together, and all they say."""

    ids: list[int]
    unsure: Unsure = Unsure()


@dataclass(frozen=True)
class UnsureFamily:
    """A family to be marked, because some of what was accepted of it is unsure."""

    feed_id: str
    family_id: str
    unsure: Unsure
