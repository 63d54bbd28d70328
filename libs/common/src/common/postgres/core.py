"""Statements built with SQLAlchemy Core, run through asyncpg in the transaction in hand.

One pool, one transaction, one commit place: Core builds what filters, sorts or pages, and asyncpg
sends it, so that it stands in the same `unit_of_work` as the sets of the hot paths. A statement is
compiled once per form; its values are bound at each call (`docs/decisions/0010`). One that is run
many times a second is built once too, with `bindparam`s whose values `fetch` is given by name:
building costs more than all else.
"""

from collections.abc import Mapping, Sequence

import asyncpg
from sqlalchemy import ARRAY, ClauseElement, ColumnElement, Text, func, literal, select, tuple_
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.util import LRUCache

from common.postgres.pool import Connection

FORMS_KEPT = 500
"""Compiled statements of a process; a service has some dozens."""

_dialect = PGDialect_asyncpg()  # type: ignore[no-untyped-call]  # the library's own
_compiled: LRUCache[object, SQLCompiler] = LRUCache(FORMS_KEPT)


async def fetch(
    connection: Connection, statement: ClauseElement, **named: object
) -> list[asyncpg.Record]:
    """All rows, their columns by the statement's labels. `named` here and below are the values of
    its `bindparam`s."""
    text, values = bound(statement, named)
    return await connection.fetch(text, *values)


async def fetch_one(
    connection: Connection, statement: ClauseElement, **named: object
) -> asyncpg.Record | None:
    """The first row, or None."""
    text, values = bound(statement, named)
    return await connection.fetchrow(text, *values)


async def fetch_value(connection: Connection, statement: ClauseElement, **named: object) -> object:
    """The first column of the first row, or None."""
    text, values = bound(statement, named)
    value: object = await connection.fetchval(text, *values)
    return value


async def execute(connection: Connection, statement: ClauseElement, **named: object) -> int:
    """Run a statement whose rows nobody needs; how many it wrote."""
    text, values = bound(statement, named)
    status: str = await connection.execute(text, *values)
    count = status.rpartition(" ")[2]
    return int(count) if count.isdigit() else 0


def is_among(
    columns: Sequence[ColumnElement[str]], keys: Sequence[Sequence[str]]
) -> ColumnElement[bool]:
    """Whether a row's key of texts is one of these, however many: one form of statement for all."""
    names = [f"key_{number}" for number in range(len(columns))]
    texts = [literal([key[n] for key in keys], ARRAY(Text)) for n in range(len(columns))]
    unnested = func.unnest(*texts).table_valued(*names, name="keys").render_derived()
    return tuple_(*columns).in_(select(*(unnested.c[name] for name in names)))


def bound(
    statement: ClauseElement, named: Mapping[str, object] | None = None
) -> tuple[str, Sequence[object]]:
    """The statement as asyncpg takes it: its text with `$1`, and the values in that order."""
    key = statement._generate_cache_key()  # noqa: SLF001 - what the engine's own cache goes by
    if key is None:
        raise ValueError(f"the statement has no stable form: {statement}")
    compiled = _compiled.get(key.key)
    if compiled is None:
        compiled = _dialect.statement_compiler(_dialect, statement, cache_key=key)
        _compiled[key.key] = compiled
    values = compiled.construct_params(named, extracted_parameters=key.bindparams)
    return compiled.string, [values[name] for name in compiled.positiontup or ()]
