"""REST over catalogues and their source products."""

from typing import Annotated, NamedTuple

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict

from catalog_service.access import (
    CatalogueId,
    CatalogueReader,
    CatalogueWriter,
    ColumnName,
    ProductId,
    SearchedText,
)
from catalog_service.sources.store import (
    add_catalogue,
    count_products,
    find_last_scanned,
    list_catalogues,
    list_products,
    load_catalogue,
    load_product,
    save_fields,
)
from catalog_service.sources.versions import Catalogue, FedBy, Versioning
from catalog_service.sources.views import ProductView, product_view
from common.errors import Refusal
from common.postgres.audit import record
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work
from common.web.pagination import Keyset, Limit, Page, cursor_of
from common.web.routing import new_router


class CatalogueForm(BaseModel):
    """How a catalogue's products come in; `versioning` and `fed_by` never change.

    `id_field` and `parent_field` are the columns that name products and their parents in generic
    files: for every import that names no others. Left out they stay; null and blank forget them.
    """

    model_config = ConfigDict(extra="forbid")

    versioning: Versioning = "arrival"
    fed_by: FedBy = "events"
    id_field: ColumnName | None = None
    parent_field: ColumnName | None = None

    def fields(self) -> dict[str, str | None]:
        """The columns the form speaks of; None forgets one."""
        given = self.model_dump(include={"id_field", "parent_field"}, exclude_unset=True)
        return {name: column or None for name, column in given.items()}


class CatalogueView(CatalogueForm):
    """A declared catalogue."""

    catalogue_id: str
    products: int | None = None


class CataloguePlace(NamedTuple):
    """Where a catalogue stands in the list."""

    catalogue_id: str


class ProductPlace(NamedTuple):
    """Where a product stands in its catalogue's list."""

    product_id: str


AfterCatalogue = Annotated[CataloguePlace | None, Depends(Keyset(CataloguePlace))]
AfterProduct = Annotated[ProductPlace | None, Depends(Keyset(ProductPlace))]


def sources_router(pool: Pool) -> APIRouter:
    """The routes of catalogues."""
    router = new_router(tags=["catalogues"])

    @router.put("/v1/merchants/{merchant_id}/catalogues/{catalogue_id}")
    async def declare(
        merchant: CatalogueWriter, catalogue_id: CatalogueId, form: CatalogueForm
    ) -> CatalogueView:
        """Declare a catalogue; events parked for it are then applied."""
        fields = form.fields()
        if form.fed_by == "events" and any(fields.values()):
            raise Refusal(
                "a catalogue fed by events has no files whose columns could be named",
                status=422,
                slug="fed-by-events",
                field=next(name for name, column in fields.items() if column),
                remedy="Leave it out: each event names its product_id and parent_id.",
            )
        async with unit_of_work(pool) as connection:
            wanted = Catalogue(merchant, catalogue_id, form.versioning, form.fed_by)
            declared = await add_catalogue(connection, wanted)
            _check_same_kind(declared, wanted)
            declared = await save_fields(connection, declared, fields)
            await record(connection, "catalogue.declared", catalogue_id, {"fed_by": form.fed_by})
        return _view(declared)

    @router.get("/v1/merchants/{merchant_id}/catalogues")
    async def list_of_merchant(
        merchant: CatalogueReader, after: AfterCatalogue = None, limit: Limit = 50
    ) -> Page[CatalogueView]:
        """The merchant's catalogues with their number of products."""
        async with reading(pool) as connection:
            found = await list_catalogues(
                connection, merchant, after=after.catalogue_id if after else "", limit=limit + 1
            )
        views = [_view(catalogue, products) for catalogue, products in found]
        return Page.of(views, limit, lambda view: CataloguePlace(view.catalogue_id))

    @router.get("/v1/merchants/{merchant_id}/catalogues/{catalogue_id}")
    async def show(merchant: CatalogueReader, catalogue_id: CatalogueId) -> CatalogueView:
        """A catalogue with its number of products."""
        async with reading(pool) as connection:
            catalogue = await load_catalogue(connection, merchant, catalogue_id)
            products = await count_products(connection, catalogue)
        return _view(catalogue, products)

    @router.get("/v1/merchants/{merchant_id}/catalogues/{catalogue_id}/products")
    async def products(
        merchant: CatalogueReader,
        catalogue_id: CatalogueId,
        q: SearchedText = None,
        after: AfterProduct = None,
        limit: Limit = 50,
    ) -> Page[ProductView]:
        """Source products by id; `q` is looked for in ids and fields of 10,000 products at a time:
        a page may then be short, or empty, and still have a `next_cursor`."""
        place, last = after.product_id if after else "", None
        async with reading(pool) as connection:
            await load_catalogue(connection, merchant, catalogue_id)
            found = await list_products(
                connection, merchant, catalogue_id, text=q, after=place, limit=limit + 1
            )
            if q is not None and len(found) <= limit:
                last = await find_last_scanned(connection, merchant, catalogue_id, after=place)
        page = Page.of(found, limit, lambda product: ProductPlace(product.product_id))
        items = [product_view(product) for product in page.items]
        return (
            page.with_items(items)
            if last is None
            else Page(items=items, next_cursor=cursor_of(last))
        )

    @router.get("/v1/merchants/{merchant_id}/catalogues/{catalogue_id}/products/{product_id:path}")
    async def product(
        merchant: CatalogueReader, catalogue_id: CatalogueId, product_id: ProductId
    ) -> ProductView:
        """One source product; a deleted one too, with its version."""
        async with reading(pool) as connection:
            found = await load_product(connection, merchant, catalogue_id, product_id)
        return product_view(found)

    return router


def _check_same_kind(declared: Catalogue, wanted: Catalogue) -> None:
    if (declared.versioning, declared.fed_by) != (wanted.versioning, wanted.fed_by):
        raise Refusal(
            f"the catalogue is declared {declared.versioning}, fed by {declared.fed_by}",
            status=409,
            slug="catalogue-differs",
            remedy="Declare another catalogue: how one is versioned and fed never changes.",
        )


def _view(catalogue: Catalogue, products: int | None = None) -> CatalogueView:
    return CatalogueView(
        catalogue_id=catalogue.catalogue_id,
        versioning=catalogue.versioning,
        fed_by=catalogue.fed_by,
        id_field=catalogue.id_field,
        parent_field=catalogue.parent_field,
        products=products,
    )
