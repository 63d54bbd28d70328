"""Ship the parcels of a file and follow them until AliExpress has confirmed or refused each."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from rich.console import Group, RenderableType

from channel_cli.client import Channel
from channel_cli.commands_of import in_commands
from channel_cli.following import follow_shipments
from channel_cli.order_answers import RowProblem, Shipment, ShippedFile, ShippedRow
from channel_cli.output import table_of
from channel_cli.progress import progress_bar

SHOWN = 50
"""Rows shown one by one."""


async def ship_file(
    channel: Channel, merchant: str, shop: str, content: bytes, *, is_dry_run: bool, follows: bool
) -> ShippedFile:
    """What became of each row; with `follows` as it is once its parcel is settled."""
    with progress_bar("checking the rows" if is_dry_run else "sending the rows") as bar:
        answer = await channel.ship_file(merchant, shop, content, is_dry_run=is_dry_run)
        bar.show(len(answer.items), len(answer.items))
    parcels = parcels_of(answer.items)
    if is_dry_run or not follows or not parcels:
        return answer
    return as_settled(answer, await follow_shipments(channel, merchant, shop, parcels))


def parcels_of(rows: Sequence[ShippedRow]) -> list[Shipment]:
    """The parcels the rows asked for, each once. Pure."""
    found = {
        row.shipment_id: Shipment(
            shipment_id=row.shipment_id,
            order_id=row.order_id or "",
            state=row.state or "",
            carrier=row.carrier or "",
            tracking_number=row.tracking_number or "",
        )
        for row in rows
        if row.shipment_id is not None
    }
    return list(found.values())


def as_settled(answer: ShippedFile, settled: Mapping[str, Shipment]) -> ShippedFile:
    """The answer with the parcels as they are now; a row whose parcel was refused is refused.
    Pure."""
    items = [_row_as_settled(row, settled.get(row.shipment_id or "")) for row in answer.items]
    outcomes = [row.outcome for row in items]
    return msgspec.structs.replace(
        answer,
        accepted=outcomes.count("accepted"),
        already_there=outcomes.count("already_there"),
        refused=outcomes.count("refused"),
        items=items,
    )


def _row_as_settled(row: ShippedRow, shipment: Shipment | None) -> ShippedRow:
    if shipment is None:
        return row
    if shipment.state != "refused":
        return msgspec.structs.replace(row, state=shipment.state)
    why = RowProblem(
        title=shipment.explanation or "AliExpress refused the parcel",
        remedy=shipment.remedy or "",
        rule="M8.4",
    )
    return msgspec.structs.replace(row, outcome="refused", state=shipment.state, problem=why)


def file_tables(answer: ShippedFile) -> RenderableType:
    """The counts, and the rows one by one, the refused ones alone where they are many."""
    counts = table_of(
        ("accepted", "already there", "refused"),
        [(answer.accepted, answer.already_there, answer.refused)],
        "nothing was shipped: a dry run" if answer.dry_run else "",
    )
    rows = answer.items
    if len(rows) > SHOWN:
        rows = [row for row in rows if row.outcome == "refused"]
    parts = [counts]
    if rows:
        columns = ("line", "order", "tracking number", "outcome", "state", "problem", "next")
        parts.append(table_of(columns, [_cells(row) for row in rows[:SHOWN]]))
    if len(rows) > SHOWN:
        parts.append(f"and {len(rows) - SHOWN} more; --json shows all")
    return Group(*parts)


def _cells(row: ShippedRow) -> tuple[Any, ...]:
    problem = row.problem
    return (
        row.line,
        row.order_id,
        row.tracking_number,
        row.outcome.replace("_", " "),
        row.state,
        problem and problem.title,
        problem and in_commands(problem.remedy),
    )
