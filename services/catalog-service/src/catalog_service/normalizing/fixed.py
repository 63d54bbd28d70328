"""What a feed's constants give in a category: found once, the same for every product of it. Pure.

Only what raised no issue is kept: what is wrong with a constant is told by each product.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from catalog_service.categories.schema import CategorySchema
from catalog_service.feeds.compile import Matches
from common.contracts.product import AttributeValue


@dataclass(frozen=True)
class Fixed:
    """Values by field: first-level choices, category attributes, measures of the package."""

    choices: Mapping[str, str | None] = field(default_factory=dict)
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)
    weight_kg: str | None = None
    whole: Mapping[str, int] = field(default_factory=dict)
    """Lengths in centimetres, and days."""


NOTHING_FIXED = Fixed()
_kept: "WeakKeyDictionary[Matches, WeakKeyDictionary[CategorySchema, Fixed]]" = WeakKeyDictionary()


def find_kept(matches: Matches, schema: CategorySchema) -> Fixed | None:
    """What was found before, as long as configuration and schema are the same."""
    of_matches = _kept.get(matches)
    return None if of_matches is None else of_matches.get(schema)


def keep(matches: Matches, schema: CategorySchema, fixed: Fixed) -> None:
    """Keep what was found while both are in use."""
    _kept.setdefault(matches, WeakKeyDictionary())[schema] = fixed
