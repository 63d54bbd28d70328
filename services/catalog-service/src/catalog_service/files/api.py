"""REST over imports: upload a catalogue file, follow it, read its problems, confirm deletions."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Literal, NamedTuple

from fastapi import APIRouter, Depends, File, Query, Request, UploadFile
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from catalog_service.access import (
    CatalogueId,
    CatalogueReader,
    CatalogueWriter,
    ImportId,
)
from catalog_service.files.problems.store import list_problems
from catalog_service.files.readers.items import BadLine
from catalog_service.files.readers.recognise import Options
from catalog_service.files.reading_form import ReadingForm
from catalog_service.files.store import (
    CANCELLABLE,
    Import,
    NewImport,
    State,
    add_chunk,
    add_import,
    cancel_import,
    confirm_import,
    finish_upload,
    forget_import,
    list_imports,
    load_import,
)
from catalog_service.files.uploads import Uploads, counted, pieces_of
from catalog_service.sources.store import load_catalogue
from catalog_service.sources.versions import Catalogue
from common.errors import Refusal
from common.postgres.audit import record
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work
from common.web.pagination import Keyset, Limit, Page
from common.web.routing import new_router


class ImportView(BaseModel):
    """An import and how far it is: `lines_read` of `lines`; `rows_read` counts products and bad
    lines; `repeated` rows stood in the file before, the same; `withheld` deletions wait for
    `confirm-deletions`."""

    import_id: int
    catalogue_id: str
    file_name: str
    format: str | None
    is_full: bool
    is_dry_run: bool
    state: State
    failure: str | None
    size_bytes: int
    lines: int
    lines_read: int
    rows_read: int
    accepted: int
    unchanged: int
    repeated: int
    rejected: int
    deleted: int
    withheld: int
    created_at: datetime
    finished_at: datetime | None


class ProblemLine(BaseModel):
    """What is wrong in one line of the file."""

    line: int
    product_id: str | None
    message: str
    remedy: str


class UploadForm(ReadingForm):
    """How the file is to be read; what is left out is as the catalogue says, or found out."""

    mode: Literal["full", "partial"] = "full"
    dry_run: bool = False


async def _upload_form(request: Request, query: Annotated[UploadForm, Query()]) -> UploadForm:
    """The upload's options from the query, or from fields of the form, which win."""
    form = await request.form()
    sent = {name: form[name] for name in UploadForm.model_fields if name in form}
    try:
        return UploadForm.model_validate(query.model_dump(exclude_unset=True) | sent)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None


def _with_fields_of(catalogue: Catalogue, options: Options) -> Options:
    """The options; what they leave open of ids and parents is as the catalogue says."""
    return replace(
        options,
        id_field=options.id_field or catalogue.id_field,
        parent_field=options.parent_field or catalogue.parent_field,
    )


def _view(found: Import) -> ImportView:
    return ImportView(**{name: getattr(found, name) for name in ImportView.model_fields})


def _line(problem: BadLine) -> ProblemLine:
    return ProblemLine(
        line=problem.line,
        product_id=problem.product_id,
        message=problem.message,
        remedy=problem.remedy,
    )


class ImportPlace(NamedTuple):
    """Where an import stands in its catalogue's list."""

    import_id: int


class ProblemPlace(NamedTuple):
    """Where a problem stands in its import's list."""

    number: int


FORM_BYTES = 1_000_000
"""What an upload may hold beside its file."""

AfterImport = Annotated[ImportPlace | None, Depends(Keyset(ImportPlace))]
AfterProblem = Annotated[ProblemPlace | None, Depends(Keyset(ProblemPlace))]


BASE = "/v1/merchants/{merchant_id}/catalogues/{catalogue_id}/imports"


def upload_router(pool: Pool, uploads: Uploads) -> APIRouter:
    """The route that takes a file, counted by merchant."""
    limit_bytes = uploads.limits.largest
    router = new_router(tags=["imports"], route_class=counted(uploads))

    @router.post(BASE, status_code=202, max_body_size=limit_bytes + FORM_BYTES)
    async def upload(
        merchant: CatalogueWriter,
        catalogue_id: CatalogueId,
        file: Annotated[UploadFile, File()],
        given: Annotated[UploadForm, Depends(_upload_form)],
    ) -> ImportView:
        """Upload a catalogue file; it is read in the background."""
        options = given.options()
        async with unit_of_work(pool) as connection:
            catalogue = await load_catalogue(connection, merchant, catalogue_id)
            if catalogue.fed_by != "files":
                raise Refusal(
                    f"the catalogue {catalogue_id} is fed by events",
                    status=409,
                    slug="fed-by-events",
                    remedy="Declare a catalogue fed by files, and send the file to that.",
                )
            options = _with_fields_of(catalogue, options)
            new = NewImport(
                merchant,
                catalogue_id,
                file.filename or "catalogue",
                options,
                is_full=given.mode == "full",
                is_dry_run=given.dry_run,
            )
            import_id = await add_import(connection, new)
        try:
            size = await _keep(pool, merchant, import_id, file, limit_bytes)
        except Refusal:
            async with unit_of_work(pool) as connection:
                await forget_import(connection, merchant, import_id)
            raise
        async with unit_of_work(pool) as connection:
            uploaded = await finish_upload(connection, merchant, import_id, size)
            if uploaded is not None:
                details = {"import": import_id, "mode": given.mode, "dry_run": given.dry_run}
                await record(connection, "catalogue.file-imported", catalogue_id, details)
        if uploaded is None:
            raise Refusal(
                "the import was cancelled while its file was sent",
                status=409,
                slug="import-cancelled",
                remedy="Send the file again if it is to be read after all.",
            )
        return _view(uploaded)

    return router


def files_router(pool: Pool) -> APIRouter:
    """The routes of imports that are there."""
    router = new_router(tags=["imports"])

    @router.get(BASE)
    async def list_of_catalogue(
        merchant: CatalogueReader,
        catalogue_id: CatalogueId,
        after: AfterImport = None,
        limit: Limit = 50,
    ) -> Page[ImportView]:
        """The catalogue's imports, the newest first."""
        async with reading(pool) as connection:
            await load_catalogue(connection, merchant, catalogue_id)
            found = await list_imports(
                connection,
                merchant,
                catalogue_id,
                before=after.import_id if after else None,
                limit=limit + 1,
            )
        page = Page.of(found, limit, lambda each: ImportPlace(each.import_id))
        return page.with_items([_view(each) for each in page.items])

    @router.get(BASE + "/{import_id}")
    async def show(
        merchant: CatalogueReader, catalogue_id: CatalogueId, import_id: ImportId
    ) -> ImportView:
        """An import and how far it is."""
        async with reading(pool) as connection:
            return _view(await load_import(connection, merchant, catalogue_id, import_id))

    @router.get(BASE + "/{import_id}/problems")
    async def problems(
        merchant: CatalogueReader,
        catalogue_id: CatalogueId,
        import_id: ImportId,
        after: AfterProblem = None,
        limit: Limit = 50,
    ) -> Page[ProblemLine]:
        """What was wrong in the file, by line; the first 10,000 are kept."""
        async with reading(pool) as connection:
            await load_import(connection, merchant, catalogue_id, import_id)
            found = await list_problems(
                connection,
                merchant,
                import_id,
                after=after.number if after else 0,
                limit=limit + 1,
            )
        page = Page.of(found, limit, lambda each: ProblemPlace(each[0]))
        return page.with_items([_line(problem) for _, problem in page.items])

    @router.post(BASE + "/{import_id}/confirm-deletions", status_code=202)
    async def confirm(
        merchant: CatalogueWriter, catalogue_id: CatalogueId, import_id: ImportId
    ) -> ImportView:
        """Let the deletions be done that the guard withheld (M7.4)."""
        async with unit_of_work(pool) as connection:
            found = await load_import(connection, merchant, catalogue_id, import_id, is_locked=True)
            if found.state != "awaiting_confirmation":
                raise Refusal(
                    f"the import withholds nothing: it is {found.state}",
                    status=409,
                    slug="nothing-to-confirm",
                    rule="M7.4",
                    remedy="Only an import that awaits confirmation can be confirmed.",
                )
            await confirm_import(connection, found)
            details = {"import": import_id}
            await record(connection, "catalogue.deletions-confirmed", catalogue_id, details)
            return _view(await load_import(connection, merchant, catalogue_id, import_id))

    @router.post(BASE + "/{import_id}/cancel")
    async def cancel(
        merchant: CatalogueWriter, catalogue_id: CatalogueId, import_id: ImportId
    ) -> ImportView:
        """End an import that has not ended: nothing more is taken of its file, and nothing is
        deleted for it. What was taken before stays, and is counted."""
        async with unit_of_work(pool) as connection:
            found = await load_import(connection, merchant, catalogue_id, import_id, is_locked=True)
            if found.state in CANCELLABLE:
                await cancel_import(connection, found)
                details = {"import": import_id}
                await record(connection, "catalogue.import-cancelled", catalogue_id, details)
            elif found.state != "cancelled":
                raise Refusal(
                    f"the import has ended: it is {found.state}",
                    status=409,
                    slug="import-ended",
                    remedy="Nothing: only an import that has not ended can be cancelled.",
                )
            return _view(await load_import(connection, merchant, catalogue_id, import_id))

    return router


async def _keep(
    pool: Pool, merchant_id: str, import_id: int, file: UploadFile, limit_bytes: int
) -> int:
    """Keep the file piece by piece; its size. Raises `Refusal` where it is too large."""
    size = place = 0
    remedy = "Send it in parts with mode=partial."
    async for piece in pieces_of(file, limit_bytes=limit_bytes, remedy=remedy):
        size += len(piece)
        async with unit_of_work(pool) as connection:
            await add_chunk(connection, merchant_id, import_id, place, piece)
        place += 1
    return size
