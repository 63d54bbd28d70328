"""REST: plans and reports of runs."""

from collections import defaultdict
from datetime import datetime
from typing import Annotated, Literal, NamedTuple

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading
from common.web.pagination import Int32, Keyset, Limit, Page
from common.web.routing import new_router
from feed_publisher.access import Reader, RunId
from feed_publisher.listings.causes import explain
from feed_publisher.listings.change import ContentBefore, main_title
from feed_publisher.listings.listing import AcceptedSku, Refused
from feed_publisher.reports.store import (
    ItemRow,
    list_items,
    list_refusals,
    list_refused_families,
)
from feed_publisher.reports.table import csv_table
from feed_publisher.reports.views import CauseView, cause_view, item_cause, offer_view
from feed_publisher.runs.items.store import count_items
from feed_publisher.runs.store import load_run
from feed_publisher.shortfalls.store import list_run_causes

ItemStatus = Literal[
    "pending", "sending", "in_job", "accepted", "rejected", "withheld", "superseded", "deferred"
]
PlanAction = Literal["create", "update", "delete", "price", "stock"]
EXAMPLES = 10
MOST_REFUSALS = 2_000
"""Pairs of code and message that a report groups."""
LOOKED_AT = 200
"""Of how many items with each code a report names families, and of how many samples are taken."""
SAMPLES = 5

Offer = dict[str, str | int | None]
Side = dict[str, object]


class ItemPlace(NamedTuple):
    """An item's place in its run."""

    item_no: Int32


AfterItem = Annotated[ItemPlace | None, Depends(Keyset(ItemPlace))]


class PlanLine(BaseModel):
    """What a plan does to one product, or to the price or stock of one SKU.

    `action` is `withheld` for what needs a confirmation; `planned_action` says which.
    """

    item_no: int
    action: str
    planned_action: str
    family_id: str
    sku: str | None
    marketplace_product_id: str | None
    before: Side | None
    after: Side | None
    status: str
    code: str | None
    message: str | None


class ItemView(BaseModel):
    """An item of a run and its outcome."""

    item_no: int
    family_id: str
    action: str
    status: str
    sku_codes: list[str]
    marketplace_product_id: str | None
    code: str | None
    message: str | None
    explanation: str | None
    remedy: str | None
    decided_at: datetime | None


class GroupedCause(CauseView):
    """A cause and what it concerns: how many items, and the first families."""

    count: int
    families: list[str]


class Shown(BaseModel):
    """A product's content in short; what is not known is null, prices are by SKU."""

    title: str | None
    category_id: str | None
    prices: dict[str, str | None]


class Sample(BaseModel):
    """A product that a new configuration would rewrite: what it is, and what it would be."""

    family_id: str
    before: Shown
    after: Shown


class ReportView(BaseModel):
    """A run's report: items by action and status, refusals grouped by cause, and a sample of what a
    new configuration would rewrite."""

    run_id: str
    feed_id: str
    kind: str
    state: str
    trouble: str | None = Field(description="What holds the run up, or why it was given up.")
    counts: dict[str, dict[str, int]]
    missing: int = Field(description="Products that are wanted and have no item; causes say why.")
    unchanged: int | None = Field(
        description="Products that are wanted and need nothing, or an earlier run is at them."
    )
    causes: list[GroupedCause]
    samples: list[Sample]


def report_router(pool: Pool) -> APIRouter:
    """The routes."""
    router = new_router(tags=["reports"])
    merchant = "/v1/merchants/{merchant_id}"

    @router.get(merchant + "/runs/{run_id}/plan")
    async def get_plan(
        merchant_id: Reader,
        run_id: RunId,
        action: PlanAction | None = None,
        after: AfterItem = None,
        limit: Limit = 100,
    ) -> Page[PlanLine]:
        """What the run does: a line per product, and per SKU for price and stock."""
        page = await _items(pool, merchant_id, run_id, after, limit, action=action)
        return page.with_items([line for item in page.items for line in _plan_lines(item)])

    @router.get(merchant + "/runs/{run_id}/items")
    async def get_items(
        merchant_id: Reader,
        run_id: RunId,
        status: ItemStatus | None = None,
        after: AfterItem = None,
        limit: Limit = 100,
    ) -> Page[ItemView]:
        """The run's items and their outcomes."""
        page = await _items(pool, merchant_id, run_id, after, limit, status=status)
        return page.with_items([_item_view(item) for item in page.items])

    @router.get(
        merchant + "/runs/{run_id}/report",
        response_model=ReportView,
        responses={200: {"content": {"text/csv": {}}}},
    )
    async def get_report(
        merchant_id: Reader,
        run_id: RunId,
        request: Request,
        form: Annotated[Literal["json", "csv"] | None, Query(alias="format")] = None,
    ) -> ReportView | Response:
        """The run's report, grouped by cause; as CSV a line per item."""
        if form == "csv" or (form is None and "text/csv" in request.headers.get("accept", "")):
            async with reading(pool) as connection:
                await load_run(connection, merchant_id, run_id)
            return StreamingResponse(
                csv_table(pool, merchant_id, run_id),
                media_type="text/csv",
                headers={"content-disposition": f'attachment; filename="report-{run_id}.csv"'},
            )
        return await _report(pool, merchant_id, run_id)

    return router


async def _items(
    pool: Pool,
    merchant_id: str,
    run_id: str,
    after: ItemPlace | None,
    limit: int,
    *,
    status: str | None = None,
    action: str | None = None,
) -> "Page[ItemRow]":  # a form pydantic need not know
    async with reading(pool) as connection:
        await load_run(connection, merchant_id, run_id)
        items = await list_items(
            connection,
            merchant_id,
            run_id,
            status=status,
            action=action,
            after=after.item_no if after else 0,
            limit=limit + 1,
        )
    return Page.of(items, limit, lambda item: ItemPlace(item.item_no))


# -- plans -------------------------------------------------------------------------------------


def _plan_lines(item: ItemRow) -> list[PlanLine]:
    change = item.change
    if item.action == "price" and change.prices:
        return [_line(item, p.sku_code, _price(p.before), _price(p.after)) for p in change.prices]
    if item.action == "stock" and change.stock:
        return [
            _line(item, s.sku_code, {"inventory": s.before}, {"inventory": s.after})
            for s in change.stock
        ]
    before: Side | None = None
    after: Side | None = None
    if change.before is not None:
        skus = {code: offer_view(offer) for code, offer in change.before.offers.items()}
        names = {"title": change.before.title, "category_id": change.before.category_id}
        before = {**names, "skus": skus}
    if change.content is not None:
        skus = {code: offer_view(offer) for code, offer in change.offers.items()}
        after = {"content": msgspec.to_builtins(change.content), "skus": skus}
    return [_line(item, None, before, after)]


def _line(item: ItemRow, sku: str | None, before: Side | None, after: Side | None) -> PlanLine:
    return PlanLine(
        item_no=item.item_no,
        action="withheld" if item.status == "withheld" else item.action,
        planned_action=item.action,
        family_id=item.family_id,
        sku=sku,
        marketplace_product_id=item.marketplace_product_id,
        before=before,
        after=after,
        status=item.status,
        code=item.code,
        message=item.message,
    )


def _price(sku: AcceptedSku) -> Side:
    return {
        "price": sku.price,
        "discount_price": sku.discount_price,
        "country_prices": msgspec.to_builtins(sku.country_prices),
    }


# -- reports -----------------------------------------------------------------------------------


async def _report(pool: Pool, merchant_id: str, run_id: str) -> ReportView:
    async with reading(pool) as connection:
        run = await load_run(connection, merchant_id, run_id)
        missing = await list_run_causes(connection, merchant_id, run_id)
        items = (await count_items(connection, merchant_id, [run_id]))[run_id]
        refusals = await list_refusals(connection, merchant_id, run_id, limit=MOST_REFUSALS)
        codes = {refused.code for refused, _ in refusals}
        families = await list_refused_families(
            connection, merchant_id, run_id, codes, of_code=LOOKED_AT
        )
        withheld = await list_items(
            connection, merchant_id, run_id, status="withheld", limit=LOOKED_AT
        )
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    for (action, status), number in items.items():
        counts[action][status] = number
    causes: dict[tuple[str, str], GroupedCause] = {}
    for refused, number in refusals:
        _group(causes, refused).count += number
    for refused, family_id in families:
        group = _group(causes, refused)
        if len(group.families) < EXAMPLES:
            group.families.append(family_id)
    samples = [
        _sample(item, item.change.before) for item in withheld if item.change.before is not None
    ][:SAMPLES]
    for lack in missing:
        key = (lack.cause.code, f"{lack.cause.explanation} {lack.cause.remedy}")
        causes[key] = GroupedCause(
            **cause_view(lack.cause).model_dump(), count=lack.products, families=lack.families
        )
    return ReportView(
        run_id=run.run_id,
        feed_id=run.feed_id,
        kind=run.kind,
        state=run.state,
        trouble=run.trouble,
        counts={action: dict(statuses) for action, statuses in counts.items()},
        missing=run.missing,
        unchanged=run.unchanged,
        causes=sorted(
            (cause for cause in causes.values() if cause.count), key=lambda cause: -cause.count
        ),
        samples=samples,
    )


def _group(causes: dict[tuple[str, str], GroupedCause], refused: Refused) -> GroupedCause:
    cause = explain(refused)
    return causes.setdefault(
        (cause.code, cause.explanation),
        GroupedCause(**cause_view(cause).model_dump(), count=0, families=[]),
    )


def _sample(item: ItemRow, before: ContentBefore) -> Sample:
    content = item.change.content
    return Sample(
        family_id=item.family_id,
        before=Shown(
            title=before.title,
            category_id=before.category_id,
            prices={code: offer.price for code, offer in before.offers.items()},
        ),
        after=Shown(
            title=main_title(content),
            category_id=content.category_id if content else None,
            prices={code: offer.price for code, offer in item.change.offers.items()},
        ),
    )


def _item_view(item: ItemRow) -> ItemView:
    cause = item_cause(item)
    return ItemView(
        item_no=item.item_no,
        family_id=item.family_id,
        action=item.action,
        status=item.status,
        sku_codes=item.sku_codes,
        marketplace_product_id=item.marketplace_product_id,
        code=item.code,
        message=item.message,
        explanation=cause.explanation if cause else None,
        remedy=cause.remedy if cause else None,
        decided_at=item.decided_at,
    )
