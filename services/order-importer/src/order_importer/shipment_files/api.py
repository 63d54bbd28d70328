"""REST: ship from a CSV file, and the template for one."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from common.errors import Refusal
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading
from common.web.problem import TYPE_BASE
from common.web.routing import new_router
from order_importer.access import Reader, Shipper, ShopId
from order_importer.shipment_files.read_file import MAX_BYTES, TEMPLATE, read_file, too_large
from order_importer.shipment_files.ship_rows import Outcome, RowResult, ship_rows
from order_importer.shops.shop_access import ShopAccess
from order_importer.shops.store import load_shop

CSV = "text/csv"
_TAKEN = frozenset(
    {"", CSV, "text/plain", "text/tab-separated-values", "application/vnd.ms-excel"}
    | {"application/octet-stream", "application/csv"}
)
_BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": {CSV: {"schema": {"type": "string"}}}}
}


class NoCsv(Refusal):
    """The body is sent as something else."""

    def __init__(self, media_type: str) -> None:
        super().__init__(
            f"{media_type} is sent, CSV is taken",
            status=415,
            slug="unsupported-media-type",
            field="Content-Type",
            rule="M8.4",
            remedy=f"Send the file itself as the body, with Content-Type {CSV}.",
        )


class RowProblem(BaseModel):
    """Why a row was refused, and the next step."""

    type: str
    title: str
    status: int
    field: str | None
    rule: str
    remedy: str


class RowView(BaseModel):
    """What became of a row, by the line of the file it begins on; `state` is its shipment's."""

    line: int
    outcome: Outcome
    order_id: str | None
    tracking_number: str | None
    carrier: str | None = None
    shipment_id: str | None = None
    state: str | None = None
    problem: RowProblem | None = None


class FileResult(BaseModel):
    """What became of a file, row by row."""

    dry_run: bool
    accepted: int
    already_there: int
    refused: int
    items: list[RowView]


def shipment_file_router(pool: Pool, access: ShopAccess) -> APIRouter:
    """For merchants."""
    router = new_router(
        prefix="/v1/merchants/{merchant_id}/shops/{shop_id}/shipments",
        tags=["shipping"],
    )

    @router.get("/template", response_class=Response, responses={200: {"content": {CSV: {}}}})
    async def get_template(merchant_id: Reader, shop_id: ShopId) -> Response:
        """The header of a file: one row a parcel, or a row for each line of it."""
        async with reading(pool) as connection:
            await load_shop(connection, merchant_id, shop_id)
        disposition = {"content-disposition": 'attachment; filename="shipments.csv"'}
        return Response(TEMPLATE, media_type=f"{CSV}; charset=utf-8", headers=disposition)

    @router.post("/file", openapi_extra=_BODY)
    async def ship_file(
        merchant_id: Shipper,
        shop_id: ShopId,
        request: Request,
        is_dry_run: Annotated[bool, Query(alias="dry_run")] = False,
    ) -> FileResult:
        """Ship the parcels of a file. Sent again it ships nothing twice; a row that AliExpress
        refused meanwhile is tried again. With `dry_run` nothing is shipped."""
        content = await _body_of(request)
        async with reading(pool) as connection:
            await load_shop(connection, merchant_id, shop_id)
        results = await ship_rows(
            pool, access, (merchant_id, shop_id), read_file(content), is_dry_run=is_dry_run
        )
        return _view(results, is_dry_run=is_dry_run)

    return router


async def _body_of(request: Request) -> bytes:
    """The file. Raises `NoCsv` and `FileRefused`."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in _TAKEN:
        raise NoCsv(media_type)
    content = bytearray()
    async for piece in request.stream():
        content += piece
        if len(content) > MAX_BYTES:
            raise too_large()
    return bytes(content)


def _view(results: list[RowResult], *, is_dry_run: bool) -> FileResult:
    outcomes = [result.outcome for result in results]
    return FileResult(
        dry_run=is_dry_run,
        accepted=outcomes.count("accepted"),
        already_there=outcomes.count("already_there"),
        refused=outcomes.count("refused"),
        items=[_row_view(result) for result in results],
    )


def _row_view(result: RowResult) -> RowView:
    view = RowView(
        line=result.line,
        outcome=result.outcome,
        order_id=result.order_id,
        tracking_number=result.tracking_number,
    )
    if result.shipment is not None:
        view.carrier = result.shipment.carrier
        view.shipment_id = result.shipment.shipment_id
        view.state = result.shipment.state
    if result.refusal is not None:
        view.problem = _problem_of(result.refusal)
    return view


def _problem_of(refusal: Refusal) -> RowProblem:
    return RowProblem(
        type=TYPE_BASE + refusal.slug,
        title=refusal.title,
        status=refusal.status,
        field=refusal.field,
        rule=refusal.rule or "M8.4",
        remedy=refusal.remedy,
    )
