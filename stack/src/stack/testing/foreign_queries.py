"""Every query of a test once more for another merchant, who must find the tables empty (rule X1).

Sessions of `common.postgres.pool` are recorded while tests run. Before a test's database goes, what
ran on it runs again under the service's role, acting for a merchant without rows, and then with the
protected tables really empty: both must come to the same. So a query that forgets its merchant is
tested too: not what it says, but what it may see.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import asyncpg
from asyncpg.connection import LoggedQuery

from common.postgres import pool
from common.postgres.acting import EVERYBODY, SETTING

STRANGER = "a-merchant-without-rows"
REPLAYED_EACH = 2
"""How often one text is replayed in a run, each time with what another test gave it."""
_VERBS = ("select", "with", "update", "delete", "insert")
_OF_THE_SERVER = re.compile(r"\bFROM\s+pg_(?!temp)", re.IGNORECASE)
"""Catalogues and statistics, which are about no merchant's rows."""

Outcome = tuple[str, list[tuple[object, ...]]] | str
"""The status of a query and its rows, in no order of theirs, or the SQLSTATE of its error."""


class ForeignRowsSeen(AssertionError):
    """Another merchant sees, or changes, rows of a protected table."""


class ForeignQueries:
    """What the tests of this process ran, by database."""

    def __init__(self) -> None:
        self._recorded: dict[str, dict[str, Sequence[object]]] = defaultdict(dict)
        self._replayed: Counter[str] = Counter()

    def record_pools(self) -> None:
        """Record the sessions of all pools that are opened from now on."""
        record = self._record

        class RecordedSession(pool.Session):
            __slots__ = ()

            def __init__(self, *arguments: Any, **named: Any) -> None:
                super().__init__(*arguments, **named)
                self.add_query_logger(record)

        pool.Session = RecordedSession  # type: ignore[misc]  # another class of the kind

    def _record(self, logged: LoggedQuery) -> None:
        text = logged.query.strip()
        is_new = self._replayed[text] < REPLAYED_EACH
        is_of_rows = text.lower().startswith(_VERBS) and not _OF_THE_SERVER.search(text)
        if is_new and logged.exception is None and is_of_rows:
            self._recorded[logged.conn_params.database][text] = logged.args

    async def replay(self, owner_url: str, role: str, database: str) -> None:
        """Run again what ran on this database. Raises `ForeignRowsSeen`."""
        queries = self._recorded.pop(database, {})
        if not queries:
            return
        self._replayed.update(queries.keys())
        connection = await asyncpg.connect(owner_url)
        try:
            seen = await _compare(connection, role, queries.items())
        finally:
            await connection.close()
        if seen:
            raise ForeignRowsSeen("\n".join(["another merchant sees what is not its own:", *seen]))


async def _compare(
    connection: pool.Connection,
    role: str,
    queries: Iterable[tuple[str, Sequence[object]]],
) -> list[str]:
    """The queries that come to something else than on empty tables; nothing is changed."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        await _act(connection, role, STRANGER)
        foreign = [await _outcome(connection, text, arguments) for text, arguments in queries]
        await connection.execute("RESET ROLE")
        await _empty_protected(connection)
        await _act(connection, role, EVERYBODY)
        empty = [await _outcome(connection, text, arguments) for text, arguments in queries]
    finally:
        await transaction.rollback()
    return [
        f"{text}\n  {arguments!r:.500}\n  {seen!r:.500}\n  on empty tables {expected!r:.500}"
        for (text, arguments), seen, expected in zip(queries, foreign, empty, strict=True)
        if seen not in (expected, _REFUSED)
    ]


_REFUSED = asyncpg.InsufficientPrivilegeError.sqlstate
"""Of a row written for another merchant."""


async def _act(connection: pool.Connection, role: str, merchant_id: str) -> None:
    await connection.execute(f"SET LOCAL ROLE {role}")
    await connection.execute("SELECT set_config($1, $2, true)", SETTING, merchant_id)


async def _empty_protected(connection: pool.Connection) -> None:
    names = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relrowsecurity"
        " AND relnamespace = 'public'::regnamespace"
    )
    await truncate(connection, [name for (name,) in names], "CASCADE")


async def truncate(connection: pool.Connection, tables: Sequence[str], how: str) -> None:
    """Empty those of the tables that have rows: to truncate one that has none takes as long."""
    has_rows = [f"SELECT '{name}' WHERE EXISTS (SELECT FROM \"{name}\")" for name in tables]  # noqa: S608 - names of the catalog
    filled = await connection.fetch(" UNION ALL ".join(has_rows)) if has_rows else []
    if filled:
        names = ", ".join(f'"{name}"' for (name,) in filled)
        await connection.execute(f"TRUNCATE {names} {how}")


async def _outcome(connection: pool.Connection, text: str, arguments: Sequence[object]) -> Outcome:
    trial = connection.transaction()
    await trial.start()
    try:
        statement = await connection.prepare(text)
        rows = await statement.fetch(*arguments)
    except asyncpg.PostgresError as error:
        return str(error.sqlstate)
    except asyncpg.InterfaceError:  # the many arguments of `executemany`
        return "not one query"
    finally:
        await trial.rollback()
    return str(statement.get_statusmsg()), sorted((tuple(row) for row in rows), key=repr)
