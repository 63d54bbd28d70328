"""What a proposal is made of: lines of a configuration and open points, collected. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from catalog_service.describing.describe import Description
from catalog_service.describing.guess import Guess
from catalog_service.describing.vocabulary import Role
from catalog_service.proposals.yaml_lines import Value, comment, entry

SURE = 0.6
"""From here on a guess is an active line; below it is a comment."""
MOST_ALTERNATIVES = 3
NOTHING: Mapping[str, Value] = {"constant": ""}
"""A match that gives nothing: what a mandatory line is filled with where nothing is sure."""


Categories = Literal["known", "awaited", "unconnected"]
"""How it stands with a shop's categories: its tree is here, or comes within a minute, or is not to
be had while the shop is not connected."""


@dataclass(frozen=True)
class OpenPoint:
    """What is left to decide: how many rows wait on it, where, and what to do."""

    products: int
    field: str
    message: str
    remedy: str


@dataclass(frozen=True)
class LeafSuggestion:
    """A leaf that may fit a category of the catalogue; `likeness` of 0 to 100."""

    category_id: str
    path: str
    likeness: float


@dataclass(frozen=True)
class RequiredAttribute:
    """An attribute that leaves of the shop ask for, the rows of those leaves, some values."""

    name: str
    is_sku: bool
    products: int
    values: tuple[str, ...]


@dataclass(frozen=True)
class Setting:
    """Which feed is proposed: ids as the caller gives them; the shop's currency where known."""

    shop: str
    catalogue: str
    source: str
    main_locale: str | None = None
    shop_currency: str | None = None
    is_from_catalogue: bool = False
    categories: Categories = "known"


@dataclass
class Draft:
    """Lines and open points so far."""

    description: Description
    lines: list[str] = field(default_factory=list)
    points: list[OpenPoint] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """How many rows were read."""
        return self.description.rows

    def section(self, key: str, indent: int = 0) -> None:
        """Begin a mapping."""
        if not indent:
            self.lines.append("")
        self.lines.append(entry(key, "", indent).removesuffix(' ""'))

    def say(self, text: str, indent: int = 0) -> None:
        """A comment."""
        self.lines += comment(text, indent)

    def put(self, key: str, value: Value, indent: int = 0, *, why: str = "") -> None:
        """An active line, with the reason above it."""
        if why:
            self.say(why, indent)
        self.lines.append(entry(key, value, indent))

    def offer(self, key: str, value: Value, indent: int = 0, *, why: str = "") -> None:
        """A line that is left as a comment."""
        if why:
            self.say(why, indent)
        self.lines.append(entry(key, value, indent, is_active=False))

    def wait(self, products: int, place: str, message: str, remedy: str) -> None:
        """Note an open point, unless nothing waits on it."""
        if products > 0:
            self.points.append(OpenPoint(products, place, message, remedy))

    def lacking(self, name: str) -> int:
        """How many rows have nothing in the column."""
        return self.rows - self.description.columns[name].filled

    def sure_column(self, *roles: Role) -> tuple[str, Guess] | None:
        """The likeliest column of the role, if it is sure enough to be used."""
        best = self.description.best(*roles)
        return best if best is not None and best[1].sure >= SURE else None

    def unsure_columns(self, *roles: Role) -> list[tuple[str, Guess]]:
        """Further columns that may have the role: for comments."""
        return self.description.candidates(*roles)[:MOST_ALTERNATIVES]


def reason(guess: Guess) -> str:
    """A guess in words, for the comment above its line."""
    return f"guess, {guess.sure:.2f} sure: {guess.why}"
