"""Notes for which catalogues something came, in the process's memory; a job writes it down.

So ingest writes nothing for it. What a process that is killed had noted is lost, a minute's worth:
it only says in which rhythm a catalogue comes.
"""

from collections.abc import Iterable
from datetime import datetime

from catalog_service.arrivals.store import CatalogueKey, save_arrivals
from common import clock
from common.postgres.pool import Pool
from common.postgres.unit_of_work import unit_of_work

_arrived: dict[CatalogueKey, datetime] = {}
"""Of this process: when something came last, since it was written down."""


def note_arrivals(catalogues: Iterable[CatalogueKey]) -> None:
    """Something came for these catalogues just now, whether it changed anything or not."""
    _arrived.update(dict.fromkeys(catalogues, clock.now()))


async def save_noted(pool: Pool) -> bool:
    """Write down what was noted; never more work to do at once."""
    noted = dict(_arrived)
    if noted:
        async with unit_of_work(pool) as connection:
            await save_arrivals(connection, noted)
    for key, at in noted.items():
        if _arrived.get(key) == at:  # else it came again meanwhile
            del _arrived[key]
    return False
