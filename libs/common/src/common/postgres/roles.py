"""The two roles of a service's database: its owner migrates, and the service's own owns nothing."""

from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

from sqlalchemy import Connection, MetaData, text


class RoleMissing(Exception):
    """The service's role does not exist: an administrator creates it."""


def role_of(database_url: str) -> str:
    """Who logs in by this URL. Raises `ValueError` when it names nobody."""
    user = urlsplit(database_url).username
    if not user:
        raise ValueError("the database URL names no user")
    return unquote(user)


def grant_use(connection: Connection, role: str, schema: Sequence[MetaData]) -> None:
    """Let the role read and write the declared tables, and no others, and take of the sequences.

    Run by the owner of the database in the migrations' transaction. Raises `RoleMissing`.
    """
    known = connection.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role})
    if known.first() is None:
        raise RoleMissing(
            f"there is no role {role}, the user of DATABASE_URL: create it (CREATE ROLE ... LOGIN)"
        )
    quote = connection.dialect.identifier_preparer.quote
    grantee = quote(role)
    database = quote(str(connection.execute(text("SELECT current_database()")).scalar_one()))
    tables = ", ".join(quote(table.name) for metadata in schema for table in metadata.sorted_tables)
    for statement in (
        f"GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {grantee}",
        f"GRANT USAGE ON SCHEMA public TO {grantee}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {grantee}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {tables} TO {grantee}",
    ):
        connection.execute(text(statement))
