"""REST over proposals: a catalogue file, or a catalogue, in; a commented configuration out."""

import asyncio
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, File, Query, Request, UploadFile
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError

from catalog_service.access import FeedWriter
from catalog_service.categories.store import find_tree
from catalog_service.currencies.store import load_currencies
from catalog_service.describing.describe import Description
from catalog_service.files.import_file import FOLDER_PREFIX
from catalog_service.files.reading_form import ReadingForm
from catalog_service.files.uploads import Uploads, counted, pieces_of
from catalog_service.proposals.draft import Categories, Setting
from catalog_service.proposals.leaves import find_required, find_suggestions
from catalog_service.proposals.propose import Proposal, category_source, propose
from catalog_service.proposals.read import ReadCatalogue, read_catalogue, read_file
from catalog_service.proposals.readings import Readings
from catalog_service.proposals.shop import check_shop
from catalog_service.sources.store import load_catalogue
from common.errors import Refusal
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading
from common.web.identity import IDENTIFIER_PATTERN
from common.web.routing import new_router

FORM_BYTES = 1_000_000
"""What a request may hold beside its file."""
SHOWN_GUESSES = 3
FILE = "file"

Identifier = Annotated[str, Field(pattern=IDENTIFIER_PATTERN)]


class ProposalForm(ReadingForm, extra="forbid"):
    """For which shop, and as which catalogue; without a file the catalogue is what was imported.

    `main_locale` is found in the texts when it is left out.
    """

    shop: Identifier
    catalogue: Identifier = "catalogue"
    main_locale: Annotated[str, Field(pattern=r"^[a-z]{2}_[A-Z]{2}$")] | None = None


class _Query(ReadingForm):
    """The same in the query; what is missing there may be in the form."""

    shop: Identifier | None = None
    catalogue: Identifier | None = None
    main_locale: str | None = None


class GuessView(BaseModel):
    """What a column may be, how sure (0 to 1), and why."""

    role: str
    sure: float
    why: str
    locale: str | None = None
    unit: str | None = None


class ColumnView(BaseModel):
    """A column: the share of rows that fill it, its different values (at least, where it is not
    exact), some of them, and what it seems to be, the surest first."""

    name: str
    fill_rate: float
    distinct: int
    distinct_is_exact: bool
    samples: list[str]
    guesses: list[GuessView]


class FamiliesView(BaseModel):
    """How rows belong together, and how many have a parent then."""

    kind: str
    id_field: str | None
    parent_field: str | None
    children: int
    sure: float
    why: str


class OpenPointView(BaseModel):
    """What is left to decide, and how many rows wait on it."""

    products: int
    field: str
    message: str
    remedy: str


class ProblemView(BaseModel):
    """What is wrong in one line of the file."""

    line: int
    message: str
    remedy: str


class ProposalView(BaseModel):
    """A proposed configuration. `rows` were read, the first ones where `is_partial`; `rejected` of
    the lines before are no rows, the first of them under `problems`."""

    format: str
    read_as: str
    rows: int
    is_partial: bool
    rejected: int
    problems: list[ProblemView]
    columns: list[ColumnView]
    families: FamiliesView
    open_points: list[OpenPointView]
    configuration: str


async def _form(request: Request, query: Annotated[_Query, Query()]) -> ProposalForm:
    """The form's fields, which win, or those of the query; one that is neither is refused."""
    form = await request.form()
    sent = {name: form[name] for name in form if name != FILE}
    try:
        return ProposalForm.model_validate(query.model_dump(exclude_unset=True) | sent)
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None


def proposals_router(pool: Pool, uploads: Uploads) -> APIRouter:
    """The route of proposals, whose files are counted as uploads are."""
    limit_bytes = uploads.limits.largest
    readings = Readings()
    router = new_router(
        tags=["feeds"],
        route_class=counted(uploads, scope="feeds:write"),
    )

    @router.post(
        "/v1/merchants/{merchant_id}/feed-proposals", max_body_size=limit_bytes + FORM_BYTES
    )
    async def propose_feed(
        merchant: FeedWriter,
        given: Annotated[ProposalForm, Depends(_form)],
        file: Annotated[UploadFile | None, File()] = None,
    ) -> ProposalView:
        """Propose a configuration from a catalogue file, or from an imported catalogue. Nothing is
        stored."""
        async with reading(pool) as connection:
            categories = await check_shop(connection, merchant, given.shop)
        if file is None:
            async with reading(pool) as connection:
                await load_catalogue(connection, merchant, given.catalogue)
            async with readings.take(merchant):
                found = await read_catalogue(pool, merchant, given.catalogue)
            if not found.description.rows:
                raise Refusal(
                    f"the catalogue {given.catalogue} has no products",
                    status=409,
                    slug="catalogue-empty",
                    field="catalogue",
                    remedy="Import a file first, or send one with this request.",
                )
        else:
            async with readings.take(merchant):
                found = await _read_upload(file, given, limit_bytes)
        proposal = await _propose(pool, merchant, given, categories, found, file=file)
        return _view(found, proposal)

    return router


async def _read_upload(file: UploadFile, given: ProposalForm, limit_bytes: int) -> ReadCatalogue:
    options = given.options()
    with tempfile.TemporaryDirectory(prefix=FOLDER_PREFIX) as folder:
        path = Path(folder) / "catalogue"
        remedy = "Send a part of it: the columns and some thousand rows are enough."
        with path.open("wb") as target:
            async for piece in pieces_of(file, limit_bytes=limit_bytes, remedy=remedy):
                await asyncio.to_thread(target.write, piece)
        return await asyncio.to_thread(read_file, path, options)


async def _propose(
    pool: Pool,
    merchant: str,
    given: ProposalForm,
    categories: Categories,
    found: ReadCatalogue,
    *,
    file: UploadFile | None,
) -> Proposal:
    source = await asyncio.to_thread(category_source, found.description)
    async with reading(pool) as connection:
        tree = await find_tree(connection, merchant, given.shop)
        currencies = await load_currencies(connection, [(merchant, given.shop)])
    suggestions = await find_suggestions(tree[0] if tree else [], source)
    async with reading(pool) as connection:
        required = await find_required(connection, merchant, given.shop, source, suggestions)
    setting = Setting(
        shop=given.shop,
        catalogue=given.catalogue,
        source=(file.filename or "a file") if file else f"the catalogue {given.catalogue}",
        main_locale=given.main_locale,
        shop_currency=currencies.get((merchant, given.shop)),
        is_from_catalogue=file is None,
        categories="known" if tree else categories,
    )
    return await asyncio.to_thread(
        propose, found.description, setting, suggestions=suggestions, required=required
    )


def _view(found: ReadCatalogue, proposal: Proposal) -> ProposalView:
    description = found.description
    return ProposalView(
        format=description.format,
        read_as=found.read_as,
        rows=description.rows,
        is_partial=description.is_partial,
        rejected=found.rejected,
        problems=[
            ProblemView(line=each.line, message=each.message, remedy=each.remedy)
            for each in found.problems
        ],
        columns=[_column(description, name) for name in description.columns],
        families=FamiliesView(**asdict(description.families)),
        open_points=[OpenPointView(**asdict(point)) for point in proposal.open_points],
        configuration=proposal.configuration,
    )


def _column(description: Description, name: str) -> ColumnView:
    column = description.columns[name]
    return ColumnView(
        name=name,
        fill_rate=round(description.fill_rate(name), 4),
        distinct=len(column.distinct),
        distinct_is_exact=column.is_exact,
        samples=column.samples,
        guesses=[
            GuessView(
                role=guess.role,
                sure=guess.sure,
                why=guess.why,
                locale=guess.locale,
                unit=guess.unit,
            )
            for guess in description.guesses[name][:SHOWN_GUESSES]
        ],
    )
