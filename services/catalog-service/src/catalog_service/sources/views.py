"""How a source product is shown."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from catalog_service.sources.store import SourceProduct
from common.telemetry.tracing import trace_id_of


class ProductView(BaseModel):
    """A source product as its merchant's system sent it."""

    product_id: str
    parent_id: str | None
    family_id: str
    version: int
    is_deleted: bool
    fields: dict[str, Any]
    updated_at: datetime
    trace_id: str | None
    """Of the trace that began with its latest event, or line of a file, if it has one."""


def product_view(product: SourceProduct) -> ProductView:
    """The product as answered."""
    return ProductView(
        product_id=product.product_id,
        parent_id=product.parent_id,
        family_id=product.family_id,
        version=product.version,
        is_deleted=product.is_deleted,
        fields=product.fields,
        updated_at=product.updated_at,
        trace_id=trace_id_of(product.traceparent),
    )
