"""How a SKU's way from its source row to what is wanted is shown."""

from datetime import datetime
from typing import Any

import msgspec
from pydantic import BaseModel, Field

from catalog_service.preview.explain import Explained, FilledMatch, sources_of_issue
from catalog_service.preview.store import ShownProduct
from catalog_service.preview.views import IssueView, issue_views, issues_of
from catalog_service.sources.store import SourceProduct
from catalog_service.sources.views import ProductView, product_view


class MatchView(BaseModel):
    """A match as it filled one value, from which source fields; `failure`: why it could not."""

    field: str
    product_id: str
    origin: str
    sources: dict[str, Any]
    value: str | list[str] | None
    failure: str | None


class SourcedIssue(IssueView):
    """An issue with the source fields that its value came from."""

    sources: dict[str, Any]


class WantedSku(BaseModel):
    """What is wanted of the SKU, as it was last emitted; null where it cannot be sent."""

    attributes: dict[str, Any] | None
    price: str | None
    discount_price: str | None
    currency: str | None
    inventory: int | None


class SkuWhy(BaseModel):
    """A SKU of a feed: its source rows, how they fill it, what is wrong, and what is wanted.

    `matches` and `excluded_by` are of the feed's present configuration; state, issues and `wanted`
    are those last emitted, with `evaluated_with` as configuration.
    """

    sku_code: str
    feed_id: str
    catalogue_id: str
    family_id: str
    product_id: str | None = Field(description="The source row that has the SKU code.")
    configuration_version: int
    evaluated_with: int | None
    revision: int | None
    state: str | None
    absent_reason: str | None
    normalized_at: datetime | None
    is_pending: bool = Field(description="Whether it is still to be evaluated.")
    waits_for: str | None
    category_path: str | None
    category_id: str | None
    excluded_by: list[str]
    source: ProductView | None
    parent: ProductView | None
    matches: list[MatchView]
    issues: list[SourcedIssue]
    wanted: WantedSku | None
    report_status: str | None
    marketplace_product_id: str | None


def match_view(match: FilledMatch) -> MatchView:
    """A match as shown."""
    return MatchView(**msgspec.structs.asdict(match))


def sourced_issues(
    product: ShownProduct, explained: Explained | None, names: set[str | None]
) -> list[SourcedIssue]:
    """The issues of the product and of the SKU, which goes by `names`."""
    issues = [issue for issue in issues_of(product.event) if issue.sku in {None, *names}]
    matches = [] if explained is None else explained.matches
    return [
        SourcedIssue(**view.model_dump(), sources=sources_of_issue(issue, matches))
        for issue, view in zip(issues, issue_views(issues), strict=True)
    ]


def wanted_view(product: ShownProduct, sku_code: str) -> WantedSku | None:
    """What was last emitted of the SKU; None where it is not wanted."""
    event = product.event
    if sku_code not in event.sku_codes:
        return None
    skus = () if event.content is None else event.content.skus
    sku = next((one for one in skus if one.sku_code == sku_code), None)
    offer = next((one for one in event.offers or () if one.sku_code == sku_code), None)
    stock = next((one for one in event.stock or () if one.sku_code == sku_code), None)
    return WantedSku(
        attributes=None if sku is None else msgspec.to_builtins(sku.attributes),
        price=offer.price if offer else None,
        discount_price=offer.discount_price if offer else None,
        currency=offer.currency if offer else None,
        inventory=stock.inventory if stock else None,
    )


def row_view(rows: list[SourceProduct], product_id: str | None) -> ProductView | None:
    """The row of this id, if it is among them."""
    found = (row for row in rows if row.product_id == product_id)
    return next(map(product_view, found), None)
