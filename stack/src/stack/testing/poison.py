"""Rows that no job can write: the database refuses them, and them alone."""

from typing import Literal

import asyncpg

from stack.testing.databases import execute_as_owner

Event = Literal["INSERT", "UPDATE", "INSERT OR UPDATE", "DELETE"]


def refusing(table: str, event: Event, when: str) -> str:
    """The statement, of the table's owner, by which Postgres refuses this of the rows for which the
    condition over `NEW` or `OLD` holds, as it refuses data it cannot store."""
    return f"""
        CREATE OR REPLACE FUNCTION refuse_row() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'poisoned' USING ERRCODE = 'data_exception'; END $$;
        CREATE TRIGGER refuse_{table} BEFORE {event} ON {table}
            FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION refuse_row()
        """


def taking(table: str) -> str:
    """The statement by which it takes the table's rows again."""
    return f"DROP TRIGGER refuse_{table} ON {table}"


async def poison(pool: "asyncpg.Pool[asyncpg.Record]", table: str, event: Event, when: str) -> None:
    """Have Postgres refuse rows: see `refusing`."""
    await execute_as_owner(pool, refusing(table, event, when))


async def remove_poison(pool: "asyncpg.Pool[asyncpg.Record]", table: str) -> None:
    """Have Postgres take the table's rows again."""
    await execute_as_owner(pool, taking(table))


async def failed_rows(pool: "asyncpg.Pool[asyncpg.Record]") -> list[tuple[str, str, str]]:
    """The rows that jobs have failed on: job, merchant, subject."""
    rows = await pool.fetch("SELECT job, merchant_id, subject FROM failed_row ORDER BY 1, 2, 3")
    return [(row["job"], row["merchant_id"], row["subject"]) for row in rows]
