"""How issues and products are shown."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from pydantic import BaseModel

from aliexpress.payload import creation_payload
from aliexpress.wire import encode
from catalog_service.feeds.store import Feed
from catalog_service.photo_bank.photo import Photo
from catalog_service.photo_bank.store import PhotoKey
from catalog_service.preview.store import ShownProduct
from catalog_service.sources.views import ProductView
from common.contracts.product import ProductNormalized
from common.errors import Issue, Refuser


class IssueView(BaseModel):
    """Why a product cannot be sent as it is, or what would be better.

    `refused_by` is who would refuse it: `aliexpress`, or the `channel` alone, since what AliExpress
    would take is not what is meant.
    """

    rule: str
    field: str
    message: str
    remedy: str
    value: str | None
    sku: str | None
    severity: str
    refused_by: str


class ProductLine(BaseModel):
    """A family of the feed in a list.

    `refused_by` is `aliexpress` where AliExpress would refuse it, `channel` where the channel alone
    does, null where it has no error.
    """

    family_id: str
    state: str
    title: str | None
    category_id: str | None
    category_path: str | None
    sku_codes: list[str]
    errors: int
    refused_by: str | None
    advice: int
    quality: int | None
    """How much of the advice it meets, 0 to 100; null where that cannot be said (M3.14)."""
    issues: list[IssueView]
    revision: int
    report_status: str | None
    marketplace_product_id: str | None
    normalized_at: datetime


class PictureView(BaseModel):
    """A picture of the catalogue's in the shop's photo bank: under which address it is sent, or why
    it is not; neither while it is still to be uploaded (M3.5)."""

    url: str
    photo_bank_url: str | None
    reason: str | None


class ProductPreview(ProductLine):
    """A family as it would be sent, beside its source fields (M6.1).

    `body` is the request body that creates the product, exactly; null while it cannot be created.
    Of a product that is online the body of an update differs from it by what the shop has, as
    `body_note` says. `waits_for` names what has to be there before its newest state is evaluated:
    until then all this is as it was before. `pictures` are those asked into the photo bank.
    """

    presence: str
    absent_reason: str | None
    content: dict[str, Any] | None
    offers: list[dict[str, Any]] | None
    stock: list[dict[str, Any]] | None
    body: dict[str, Any] | None
    body_note: str | None
    waits_for: str | None
    pictures: list[PictureView]
    sources: list[ProductView]
    causes: list[dict[str, Any]]


ONLINE_NOTE = (
    "It is online: an update carries these fields and aliexpress_product_id, and its prices, stock"
    " and country prices go back as the shop has them. GET .../feeds/{feed}/bodies/{family} of"
    " feed-publisher shows that body exactly, if there is anything to update."
)


def body_of(event: ProductNormalized) -> dict[str, Any] | None:
    """The body that creates the product, as it is read from the wire; None while none can."""
    payload = creation_payload(event)
    if payload is None:
        return None
    body: dict[str, Any] = msgspec.json.decode(encode(payload))
    return body


def issue_views(issues: Sequence[Issue]) -> list[IssueView]:
    """The issues as answered."""
    return [IssueView(**msgspec.structs.asdict(issue)) for issue in issues]


def product_line(product: ShownProduct) -> ProductLine:
    """The family as a line."""
    return ProductLine(**_line(product))


def product_preview(
    product: ShownProduct,
    sources: list[ProductView],
    *,
    waits_for: str | None = None,
    photos: Mapping[str, Photo] | None = None,
) -> ProductPreview:
    """The family in full; `photos` are its pictures in the photo bank, by address."""
    event = product.event
    content = None if event.content is None else msgspec.to_builtins(event.content)
    offers = None if event.offers is None else msgspec.to_builtins(event.offers)
    stock = None if event.stock is None else msgspec.to_builtins(event.stock)
    return ProductPreview(
        **_line(product),
        presence=event.presence,
        absent_reason=event.absent_reason,
        content=content,
        offers=offers,
        stock=stock,
        body=body_of(event),
        body_note=None if product.marketplace_product_id is None else ONLINE_NOTE,
        waits_for=waits_for,
        pictures=[
            PictureView(url=url, photo_bank_url=photo.address, reason=photo.reason)
            for url, photo in (photos or {}).items()
        ],
        sources=sources,
        causes=[msgspec.to_builtins(cause) for cause in product.report_causes],
    )


def photos_of(
    product: ShownProduct, photos: Mapping[PhotoKey, Photo], feed: Feed
) -> dict[str, Photo]:
    """The product's pictures among those asked into the photo bank of its feed's shop."""
    keys = {url: (feed.merchant_id, feed.shop_id, url) for url in product.image_urls}
    return {url: photos[key] for url, key in keys.items() if key in photos}


def issues_of(event: ProductNormalized) -> list[Issue]:
    """The issues of a product, one that concerns several parts once."""
    parts = (event.content_part, event.offers_part, event.stock_part)
    return list(dict.fromkeys(issue for part in parts if part is not None for issue in part.issues))


def refuser_of(issues: Iterable[Issue]) -> Refuser | None:
    """Who refuses the product: AliExpress, for one of its errors; else the channel, for any."""
    refusers = {issue.refused_by for issue in issues if issue.severity == "error"}
    if "aliexpress" in refusers:
        return "aliexpress"
    return "channel" if refusers else None


def _line(product: ShownProduct) -> dict[str, Any]:
    event = product.event
    issues = issues_of(event)
    errors = sum(issue.severity == "error" for issue in issues)
    return {
        "family_id": event.family_id,
        "state": product.state,
        "title": product.title,
        "category_id": product.category_id,
        "category_path": product.category_path,
        "sku_codes": event.sku_codes,
        "errors": errors,
        "refused_by": refuser_of(issues),
        "advice": len(issues) - errors,
        "quality": product.quality,
        "issues": issue_views(issues),
        "revision": event.revision,
        "report_status": product.report_status,
        "marketplace_product_id": product.marketplace_product_id,
        "normalized_at": product.normalized_at,
    }
