"""Databases of a service, and numbered rows in its tables, as the owner, whom no policy binds."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from common.postgres.migrate import upgrade
from stack.postgres import create_database, create_role, database_url, random_password

PART = 50_000
MERCHANT, OPERATOR = "m", None
OTHERS = 5
"""Merchants beside the one that is asked for; together they have a quarter of its rows."""


@dataclass(frozen=True)
class Question:
    """A request: `route` as the OpenAPI names it, what is asked there, and `what` tells it apart.

    `deep` has the page in the middle asked for as well: its cursor's key, of the first merchant.
    """

    route: str
    path: str
    what: str = ""
    deep: Sequence[str | int] | None = None


async def fill(url: str, merchant: str, rows: int, statements: Sequence[str], *values: str) -> None:
    """Run statements for the numbers 0 to `rows` - 1, a part at a time: their first parameters are
    the part's first and last number and the merchant, then come `values`, as many as they name."""
    connection = await asyncpg.connect(url)
    try:
        for text in statements:
            statement = text
            used = [n for n in range(4, 4 + len(values)) if f"${n}" in statement]
            named = [values[n - 4] for n in used]
            for place, n in enumerate(used, 4):
                statement = statement.replace(f"${n}", f"${place}")
            for first in range(0, rows, PART):
                last = min(first + PART, rows) - 1
                await connection.execute(statement, first, last, merchant, *named, timeout=900)
    finally:
        await connection.close()


async def settle(url: str) -> None:
    """What autovacuum would have done by the time somebody asks."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("VACUUM ANALYZE", timeout=900)
    finally:
        await connection.close()


async def new_database(admin_url: str, name: str, migrations: Path) -> tuple[str, str]:
    """A migrated database: its address for the owner, and for the service's role, which owns
    nothing."""
    await create_database(admin_url, name)
    owner_url = database_url(admin_url, database=name)
    password, role = random_password(), f"role_{name}"
    await create_role(admin_url, role, password)
    await asyncio.to_thread(upgrade, migrations, owner_url, service_role=role)
    return owner_url, database_url(admin_url, database=name, user=role, password=password)
