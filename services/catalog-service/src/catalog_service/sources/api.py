"""REST over catalogues and their source products."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict

from catalog_service.sources.store import (
    SourceProduct,
    add_catalogue,
    count_products,
    find_catalogue,
    find_product,
    list_catalogues,
    list_products,
)
from catalog_service.sources.versions import Catalogue, FedBy, Versioning
from common.errors import NotFound, Refusal
from common.postgres.pool import Connection, Pool
from common.postgres.unit_of_work import unit_of_work
from common.web.identity import IDENTIFIER_PATTERN, merchant_with
from common.web.pagination import Cursor, Limit, Page, cursor_of, place_of
from common.web.problem import PROBLEM_RESPONSES

Reader = Annotated[str, Depends(merchant_with("catalogue:read"))]
Writer = Annotated[str, Depends(merchant_with("catalogue:write"))]
CatalogueId = Annotated[str, Path(pattern=IDENTIFIER_PATTERN)]


class CatalogueForm(BaseModel):
    """How a catalogue's products come in; neither can change once it is declared."""

    model_config = ConfigDict(extra="forbid")

    versioning: Versioning = "arrival"
    fed_by: FedBy = "events"


class CatalogueView(CatalogueForm):
    """A declared catalogue."""

    catalogue_id: str
    products: int | None = None


class ProductView(BaseModel):
    """A source product as its merchant's system sent it."""

    product_id: str
    parent_id: str | None
    family_id: str
    version: int
    is_deleted: bool
    fields: dict[str, Any]
    updated_at: datetime


async def load_catalogue(connection: Connection, merchant_id: str, catalogue_id: str) -> Catalogue:
    """The merchant's catalogue. Raises `NotFound`."""
    found = await find_catalogue(connection, merchant_id, catalogue_id)
    if found is None:
        raise NotFound("catalogue", remedy="Declare it with PUT, or list those there are.")
    return found


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
    )


def sources_router(pool: Pool) -> APIRouter:
    """The routes of catalogues."""
    router = APIRouter(tags=["catalogues"], responses=PROBLEM_RESPONSES)

    @router.put("/v1/merchants/{merchant_id}/catalogues/{catalogue_id}")
    async def declare(
        merchant: Writer, catalogue_id: CatalogueId, form: CatalogueForm
    ) -> CatalogueView:
        """Declare a catalogue; events parked for it are then played."""
        wanted = Catalogue(merchant, catalogue_id, form.versioning, form.fed_by)
        async with unit_of_work(pool) as connection:
            declared = await add_catalogue(connection, wanted)
        if declared != wanted:
            raise Refusal(
                f"the catalogue is declared {declared.versioning}, fed by {declared.fed_by}",
                status=409,
                slug="catalogue-differs",
                remedy="Declare another catalogue: how one is versioned and fed never changes.",
            )
        return _view(declared)

    @router.get("/v1/merchants/{merchant_id}/catalogues")
    async def list_of_merchant(
        merchant: Reader, cursor: Cursor = None, limit: Limit = 50
    ) -> Page[CatalogueView]:
        """The merchant's catalogues with their number of products."""
        place = place_of(cursor)
        async with pool.acquire(timeout=10) as connection:
            found = await list_catalogues(
                connection, merchant, after=str(place[0]) if place else "", limit=limit + 1
            )
        items = [_view(catalogue, products) for catalogue, products in found[:limit]]
        more = len(found) > limit
        return Page(items=items, next_cursor=cursor_of(items[-1].catalogue_id) if more else None)

    @router.get("/v1/merchants/{merchant_id}/catalogues/{catalogue_id}")
    async def show(merchant: Reader, catalogue_id: CatalogueId) -> CatalogueView:
        """A catalogue with its number of products."""
        async with pool.acquire(timeout=10) as connection:
            catalogue = await load_catalogue(connection, merchant, catalogue_id)
            products = await count_products(connection, catalogue)
        return _view(catalogue, products)

    @router.get("/v1/merchants/{merchant_id}/catalogues/{catalogue_id}/products")
    async def products(
        merchant: Reader,
        catalogue_id: CatalogueId,
        q: str | None = None,
        cursor: Cursor = None,
        limit: Limit = 50,
    ) -> Page[ProductView]:
        """Source products by id; `q` is looked for in ids and fields."""
        place = place_of(cursor)
        async with pool.acquire(timeout=10) as connection:
            await load_catalogue(connection, merchant, catalogue_id)
            found = await list_products(
                connection,
                merchant,
                catalogue_id,
                text=q,
                after=str(place[0]) if place else "",
                limit=limit + 1,
            )
        items = [product_view(product) for product in found[:limit]]
        more = len(found) > limit
        return Page(items=items, next_cursor=cursor_of(items[-1].product_id) if more else None)

    @router.get("/v1/merchants/{merchant_id}/catalogues/{catalogue_id}/products/{product_id:path}")
    async def product(merchant: Reader, catalogue_id: CatalogueId, product_id: str) -> ProductView:
        """One source product; a deleted one too, with its version."""
        async with pool.acquire(timeout=10) as connection:
            found = await find_product(connection, merchant, catalogue_id, product_id)
        if found is None:
            raise NotFound("product")
        return product_view(found)

    return router


def _view(catalogue: Catalogue, products: int | None = None) -> CatalogueView:
    return CatalogueView(
        catalogue_id=catalogue.catalogue_id,
        versioning=catalogue.versioning,
        fed_by=catalogue.fed_by,
        products=products,
    )
