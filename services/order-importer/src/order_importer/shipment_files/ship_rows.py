"""Ship the rows of a file, each as if it were asked for alone.

Rows of one order and number are one parcel: exports have a row for each line. A parcel that is
there already, by whatever way, is not asked for again; one that was refused is.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from common.contracts.order import Parcel
from common.errors import Refusal
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading
from order_importer.carriers.tracking_number import normalize
from order_importer.orders.store import find_orders_of_lines, load_order
from order_importer.shipment_files.read_file import BadRow, FileRow, RowRefused
from order_importer.shipping.ship_order import ShipmentRequest, check_shipment, ship_order
from order_importer.shipping.store import Shipment, find_by_key, load_shipment
from order_importer.shops.shop_access import ShopAccess

Outcome = Literal["accepted", "already_there", "refused"]


class ParcelDiffers(Refusal):
    """The order has the parcel, but not as the row says."""

    def __init__(self, field: str, title: str, remedy: str) -> None:
        super().__init__(
            title, status=409, slug="parcel-differs", field=field, rule="M8.4", remedy=remedy
        )


@dataclass(frozen=True)
class RowResult:
    """What became of a row; `shipment` is its parcel, None where it was refused or in a dry run."""

    line: int
    outcome: Outcome
    order_id: str | None
    tracking_number: str | None
    shipment: Shipment | None = None
    refusal: Refusal | None = None


@dataclass(frozen=True)
class _Wanted:
    """Rows that are one parcel."""

    rows: Sequence[FileRow]
    request: ShipmentRequest

    def answer(
        self,
        outcome: Outcome,
        shipment: Shipment | None = None,
        *,
        shown: Parcel | None = None,
        refusal: Refusal | None = None,
    ) -> list[RowResult]:
        """The same for each of its rows."""
        known = shipment or shown
        number = known.tracking_number if known else self.request.tracking_number
        return [
            RowResult(row.line, outcome, self.request.order_id, number, shipment, refusal)
            for row in self.rows
        ]


async def ship_rows(
    pool: Pool,
    access: ShopAccess,
    shop: tuple[str, str],
    rows: Sequence[FileRow | BadRow],
    *,
    is_dry_run: bool,
) -> list[RowResult]:
    """What became of each row, in their order; `shop` is (merchant, shop).

    Raises an `Outage` where the carriers cannot be read now: the file is to be sent again then.
    """
    results = [
        RowResult(row.line, "refused", row.order_id, row.tracking_number, refusal=row.refusal)
        for row in rows
        if isinstance(row, BadRow)
    ]
    wanted, refused = await _gather(pool, shop, [row for row in rows if isinstance(row, FileRow)])
    results += refused
    planned: dict[str, list[Parcel]] = {}
    for parcel in wanted:
        try:
            there = await _find_there(pool, parcel.request)
            if isinstance(there, Parcel):
                results += parcel.answer("already_there", shown=there)
            elif there is not None:
                results += parcel.answer("already_there", there)
            elif is_dry_run:
                earlier = planned.setdefault(parcel.request.order_id, [])
                earlier.append(await check_shipment(pool, access, parcel.request, earlier))
                results += parcel.answer("accepted", shown=earlier[-1])
            else:
                key = await _free_key(pool, parcel.request)
                shipment = await ship_order(pool, access, parcel.request, key)
                results += parcel.answer("accepted", shipment)
        except Refusal as refusal:
            results += parcel.answer("refused", refusal=refusal)
    return sorted(results, key=lambda result: result.line)


async def _gather(
    pool: Pool, shop: tuple[str, str], rows: Sequence[FileRow]
) -> tuple[list[_Wanted], list[RowResult]]:
    """The parcels of the rows, and the rows that make none."""
    nameless = [line for row in rows if row.order_id is None for line in row.body.lines or ()]
    async with reading(pool) as connection:
        orders = await find_orders_of_lines(connection, *shop, nameless) if nameless else {}
    parcels: dict[tuple[str, str], list[FileRow]] = {}
    refused = []
    for row in rows:
        order_ids = {row.order_id or orders.get(line) for line in row.body.lines or ("",)}
        order_id = order_ids.pop()
        if order_id is None or order_ids:
            refused.append(_orderless(row, is_several=bool(order_ids)))
        else:
            parcels.setdefault((order_id, normalize(row.body.tracking_number)), []).append(row)
    wanted = []
    for (order_id, _), of_parcel in parcels.items():
        request = _request(shop, order_id, of_parcel)
        parcel = _Wanted(of_parcel, request)
        if any(_differs(row, of_parcel[0]) for row in of_parcel):
            refused += parcel.answer("refused", refusal=_rows_differ(of_parcel))
        else:
            wanted.append(parcel)
    return wanted, refused


def _orderless(row: FileRow, *, is_several: bool) -> RowResult:
    title = "these lines are of several orders" if is_several else "no order has this line"
    refusal = RowRefused("line_ids", title, "Check the shop and the lines, or import orders.")
    return RowResult(row.line, "refused", None, row.body.tracking_number, refusal=refusal)


def _request(shop: tuple[str, str], order_id: str, rows: Sequence[FileRow]) -> ShipmentRequest:
    """The parcel of these rows: with the lines of all of them, or all that are left."""
    body = rows[0].body
    lines = [line for row in rows for line in row.body.lines or ()]
    is_whole = any(row.body.lines is None for row in rows)
    return ShipmentRequest(
        *shop,
        order_id,
        body.carrier,
        body.tracking_number,
        None if is_whole else lines,
        body.tracking_website,
        body.note,
        is_further=body.further,
        more_follow=body.more_follow,
    )


def _differs(row: FileRow, first: FileRow) -> bool:
    """Beside its lines and the writing of its number."""
    plain = {"lines": None, "tracking_number": ""}
    return row.body.model_copy(update=plain) != first.body.model_copy(update=plain)


def _rows_differ(rows: Sequence[FileRow]) -> Refusal:
    lines = ", ".join(str(row.line) for row in rows)
    return RowRefused(
        "tracking_number",
        f"lines {lines} of the file are one parcel, and say different things of it",
        "Give the rows of one parcel the same carrier, website, note, further and more_follow.",
    )


async def _find_there(pool: Pool, request: ShipmentRequest) -> Shipment | Parcel | None:
    """The parcel the order has under this number, now or formerly, and not refused or gone: our
    shipment, or one of the seller centre.

    Raises `NotFound` and `ParcelDiffers`.
    """
    number = normalize(request.tracking_number)
    address = request.merchant_id, request.shop_id, request.order_id
    async with reading(pool) as connection:
        order = (await load_order(connection, *address)).order
        parcels = [one for one in order.parcels if one.state != "refused" and one.gone_at is None]
        now = [one for one in parcels if normalize(one.tracking_number) == number]
        formerly = [one for one in parcels if number in map(normalize, one.former_numbers)]
        if not now and not formerly:
            return None
        parcel = [*now, *formerly][0]
        if parcel.origin == "marketplace":
            return parcel
        shipment = await load_shipment(connection, *address, parcel.shipment_id)
    _require_same_lines(request, parcel)
    if now:
        _require_same_carrier(request, shipment)
    return shipment


def _require_same_lines(request: ShipmentRequest, parcel: Parcel) -> None:
    others = sorted(set(request.line_ids or ()) - set(parcel.line_ids))
    if others:
        raise ParcelDiffers(
            "line_ids",
            f"the parcel {parcel.tracking_number} is there without the lines {', '.join(others)}",
            "Ship these lines with the number of the parcel they are in.",
        )


def _require_same_carrier(request: ShipmentRequest, shipment: Shipment) -> None:
    names = {shipment.carrier.casefold(), shipment.service_name.casefold()}
    if request.carrier.casefold() not in names:
        raise ParcelDiffers(
            "carrier",
            f"the parcel {shipment.tracking_number} is there with {shipment.carrier}",
            "If the file is right, correct the parcel "
            f"(POST .../shipments/{shipment.shipment_id}/tracking).",
        )


async def _free_key(pool: Pool, request: ShipmentRequest) -> str:
    """The idempotency key of the row's parcel: the same at each upload, another after a refusal."""
    parcel = [
        request.shop_id,
        request.order_id,
        sorted(set(request.line_ids)) if request.line_ids is not None else None,
        normalize(request.tracking_number),
    ]
    base = hashlib.sha256(msgspec.json.encode(parcel)).hexdigest()[:48]
    number = 0
    async with reading(pool) as connection:
        while True:
            key = f"file-{base}-{number}"
            before = await find_by_key(connection, request.merchant_id, key)
            if before is None or before.state != "refused":
                return key
            number += 1
