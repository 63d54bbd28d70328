"""REST: adopt products that were online before us, singly or all at once (M1.6)."""

from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from common.errors import Refusal
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading
from common.web.pagination import Keyset, Limit, Page
from common.web.routing import new_router
from feed_publisher.access import STORABLE, FamilyId, FeedId, Reader, Writer
from feed_publisher.candidates.store import OpenCandidate, list_candidates
from feed_publisher.candidates.views import CandidateView, candidate_view
from feed_publisher.desired.feeds.store import load_feed
from feed_publisher.drift.adopt import Adopter, Adoption, Adoptions

AT_ONCE = 25
"""Adoptions of one request: each reads its product at AliExpress."""
ProductId = Annotated[str, Field(pattern=r"^\d{1,20}$")]


class CandidatePlace(NamedTuple):
    """A candidate's place in the list of a feed's."""

    family_id: str
    marketplace_product_id: str


AfterCandidate = Annotated[CandidatePlace | None, Depends(Keyset(CandidatePlace))]


class SingleAdoption(BaseModel):
    """The product in the shop that this family takes over."""

    model_config = ConfigDict(extra="forbid")

    marketplace_product_id: ProductId


class ChosenAdoption(BaseModel):
    """A family, and the product in the shop that it takes over."""

    model_config = ConfigDict(extra="forbid")

    family_id: Annotated[str, Field(pattern=STORABLE, max_length=255)]
    marketplace_product_id: ProductId


class ChosenAdoptions(BaseModel):
    """Which are to be adopted."""

    model_config = ConfigDict(extra="forbid")

    items: Annotated[list[ChosenAdoption], Field(min_length=1, max_length=AT_ONCE)]


class AdoptionOutcome(BaseModel):
    """What became of one adoption; the next runs bring what was adopted up to date."""

    family_id: str
    marketplace_product_id: str
    outcome: Literal["adopted", "refused", "ambiguous"]
    message: str | None = None
    remedy: str | None = None


class AdoptedPage(BaseModel):
    """What became of a page of candidates; `stopped` says why the others were not tried."""

    items: list[AdoptionOutcome]
    next_cursor: str | None = None
    stopped: str | None = None


def adoption_router(pool: Pool, adopter: Adopter) -> APIRouter:
    """The routes."""
    router = new_router(tags=["products"])
    feeds = "/v1/merchants/{merchant_id}/feeds/{feed_id}"

    @router.get(feeds + "/adoptions")
    async def get_candidates(
        merchant_id: Reader, feed_id: FeedId, after: AfterCandidate = None, limit: Limit = 50
    ) -> Page[CandidateView]:
        """Products that were online before us and hold SKU codes of this feed's products, as runs
        and dry runs found them (M1.6)."""
        page = await _candidates(pool, merchant_id, feed_id, after, limit)
        return page.with_items([candidate_view(found) for found in page.items])

    @router.post(feeds + "/adoptions")
    async def post_adoptions(
        merchant_id: Writer, feed_id: FeedId, request: ChosenAdoptions
    ) -> AdoptedPage:
        """Adopt these; each is refused or adopted by itself."""
        chosen = [Adoption(one.family_id, one.marketplace_product_id) for one in request.items]
        tried = await adopter.adopt_each(merchant_id, feed_id, chosen)
        return AdoptedPage(items=_outcomes(chosen, tried), stopped=tried.stopped)

    @router.post(feeds + "/adopt-all")
    async def post_all_adoptions(
        merchant_id: Writer, feed_id: FeedId, after: AfterCandidate = None
    ) -> AdoptedPage:
        """Adopt the next candidates that are not ambiguous; with each `next_cursor` those after
        them, until there is none."""
        page = await _candidates(pool, merchant_id, feed_id, after, AT_ONCE)
        clear = [_adoption_of(found) for found in page.items if not found.is_ambiguous]
        tried = await adopter.adopt_each(merchant_id, feed_id, clear)
        unclear = [_adoption_of(found) for found in page.items if found.is_ambiguous]
        return AdoptedPage(
            items=[*_outcomes(clear, tried), *map(_ambiguous, unclear)],
            next_cursor=None if tried.stopped else page.next_cursor,
            stopped=tried.stopped,
        )

    @router.post(feeds + "/products/{family_id:path}/adopt", status_code=204)
    async def post_adoption(
        merchant_id: Writer, feed_id: FeedId, family_id: FamilyId, request: SingleAdoption
    ) -> None:
        """Link the family to the product by SKU (M1.6); the next runs bring it up to date."""
        await adopter.adopt(merchant_id, feed_id, family_id, request.marketplace_product_id)

    return router


async def _candidates(
    pool: Pool, merchant_id: str, feed_id: str, after: CandidatePlace | None, limit: int
) -> "Page[OpenCandidate]":  # a form pydantic need not know
    async with reading(pool) as connection:
        await load_feed(connection, merchant_id, feed_id)
        found = await list_candidates(
            connection, merchant_id, feed_id, after=after or ("", ""), limit=limit + 1
        )
    return Page.of(
        found,
        limit,
        lambda one: CandidatePlace(one.candidate.family_id, one.candidate.marketplace_product_id),
    )


def _adoption_of(found: OpenCandidate) -> Adoption:
    return Adoption(found.candidate.family_id, found.candidate.marketplace_product_id)


def _outcomes(chosen: Sequence[Adoption], tried: Adoptions) -> list[AdoptionOutcome]:
    """Of those that were tried."""
    return [_outcome(one, refusal) for one, refusal in zip(chosen, tried.outcomes, strict=False)]


def _outcome(adoption: Adoption, refusal: Refusal | None) -> AdoptionOutcome:
    return AdoptionOutcome(
        family_id=adoption.family_id,
        marketplace_product_id=adoption.product_id,
        outcome="adopted" if refusal is None else "refused",
        message=None if refusal is None else refusal.title,
        remedy=None if refusal is None else refusal.remedy,
    )


def _ambiguous(adoption: Adoption) -> AdoptionOutcome:
    return AdoptionOutcome(
        family_id=adoption.family_id,
        marketplace_product_id=adoption.product_id,
        outcome="ambiguous",
        message="the family has another candidate, or the product is one of another family",
        remedy="Choose the product that is the same, and adopt it by itself.",
    )
