"""The rows a turn writes: of what was evaluated, and of what could not be."""

from collections.abc import Mapping, Sequence

from catalog_service.families.store import FamilyKey, ProductKey
from catalog_service.normalizing.evaluate import withheld
from catalog_service.normalizing.rows import row_of, rows_of
from catalog_service.normalizing.store import NormalizedRow, Previous, load_last_results
from catalog_service.normalizing.turn import Turn
from catalog_service.normalizing.variations import Member
from common.postgres.pool import Connection


async def rows_of_turn(
    connection: Connection,
    turn: Turn,
    members: Mapping[FamilyKey, Sequence[Member]],
    previous: dict[ProductKey, Previous],
) -> list[NormalizedRow]:
    """The rows, in the order of their keys; of a family that failed what was last known of it, so
    that nothing of it is sent and what is online stays."""
    rows = rows_of(turn, previous)
    if turn.failed:
        last = await load_last_results(connection, [task.key for task, _ in turn.failed])
        for task, failed in turn.failed:
            rows_of_family = members.get(task.family, [])
            kept = withheld(failed, task.family[2], rows_of_family, last.get(task.key))
            rows += row_of(task, kept, previous.get(task.key))
    return sorted(rows, key=lambda row: row.event.key())
