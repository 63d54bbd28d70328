"""What feed-publisher answers of products that were online before the channel (M1.6)."""

import msgspec

from channel_cli.answers import Answer


class Candidate(Answer, frozen=True, kw_only=True):
    """A product of the shop that a product of the feed could take over, and what speaks for it."""

    family_id: str
    marketplace_product_id: str
    sku_codes: list[str]
    skus_in_shop: int
    has_same_title: bool
    same_barcodes: list[str]
    is_ambiguous: bool
    title: str | None = None


class AdoptionOutcome(Answer, frozen=True, kw_only=True):
    """What became of one adoption."""

    family_id: str
    marketplace_product_id: str
    outcome: str
    message: str | None = None
    remedy: str | None = None


class AdoptedPage(Answer, frozen=True, kw_only=True):
    """What became of some adoptions; `stopped` says why the others were not tried."""

    items: list[AdoptionOutcome]
    next_cursor: str | None = None
    stopped: str | None = None


class Adopted(Answer, frozen=True, kw_only=True):
    """What became of all that were to be adopted."""

    items: list[AdoptionOutcome] = msgspec.field(default_factory=list)
    stopped: str | None = None
