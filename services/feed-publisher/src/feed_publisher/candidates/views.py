"""How a candidate for adoption is shown."""

from datetime import datetime

from pydantic import BaseModel, Field

from feed_publisher.candidates.store import OpenCandidate


class CandidateView(BaseModel):
    """A product that was online before us and that a family could take over, as last found.

    It has the family's SKU codes `sku_codes`, of `skus_in_shop`. Hints that it is the same: its
    title, and SKUs whose barcode agrees. An ambiguous one is adopted only when it is chosen.
    """

    family_id: str
    marketplace_product_id: str
    sku_codes: list[str]
    skus_in_shop: int
    title: str | None
    has_same_title: bool
    same_barcodes: list[str]
    is_ambiguous: bool = Field(
        description="The family has another candidate, or another family this product."
    )
    found_at: datetime


def candidate_view(found: OpenCandidate) -> CandidateView:
    """A candidate as shown."""
    one = found.candidate
    return CandidateView(
        family_id=one.family_id,
        marketplace_product_id=one.marketplace_product_id,
        sku_codes=one.sku_codes,
        skus_in_shop=one.skus_in_shop,
        title=one.title,
        has_same_title=one.has_same_title,
        same_barcodes=one.same_barcodes,
        is_ambiguous=found.is_ambiguous,
        found_at=one.found_at,
    )
