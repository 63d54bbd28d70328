"""How suggestions are answered."""

from typing import Literal

from pydantic import BaseModel


class CandidateView(BaseModel):
    """What may be taken and its name, how well it fits (0 to 1), and why."""

    take: str
    name: str
    score: float
    why: str


class SuggestionView(BaseModel):
    """What waits for a decision: `of` is a category path, an attribute, or a value of an attribute.
    So many products wait on it; the likeliest candidate stands first. `is_awaited`: AliExpress was
    asked, too, and has not answered yet."""

    kind: Literal["categories", "attributes", "values"]
    of: str
    attribute: str | None = None
    section: Literal["category_attributes", "sku_attributes"] | None = None
    products: int
    candidates: list[CandidateView]
    is_awaited: bool = False
