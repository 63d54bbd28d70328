"""Row-level security: a session sees and writes the rows of the merchant it acts for (rule X1).

A table's policy follows from its declaration: rows with a `merchant_id` are that merchant's, rows
that point at such a row are its parent's, rows whose key begins with the merchant (`BY_KEY`) are
that one's. A table whose rows are seen otherwise says how (`CONDITION`), one whose rows only those
who act for everybody may see says why (`OF_EVERYBODY`), and one without any policy too (`SHARED`).
Migrations set the policies, and `find_policy_drift` compares them with the declarations. Owners
are not bound: services own nothing.

Below a policy an index serves only operators that leak nothing of their operands, as those of
numbers, texts and times; a search by others (JSON, arrays) is a function of the owner's
(`looking_up`).
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, MetaData, Row, Table, text

from common.postgres.acting import EVERYBODY, SETTING

POLICY = "merchant"
SHARED = "shared"
"""Key of `Table.info`: why the table's rows belong to no merchant."""
BY_KEY = "merchant_by_key"
"""Key of `Table.info`: True when the column `key` begins with the merchant's id and a slash."""
CONDITION = "condition"
"""Key of `Table.info`: the condition of a table that none of the other rules fits."""
OF_EVERYBODY = "of_everybody"
"""Key of `Table.info`: why only sessions that act for everybody see the table's rows."""

_ACTING_FOR = f"(SELECT nullif(current_setting('{SETTING}', true), ''))"
"""Of the session; NULL, which equals nothing, for nobody. A sub-select is evaluated once."""


def _acts_for(merchant: str) -> str:
    """Whether the session acts for this merchant, an expression, or for everybody.

    Equality would say the same, but the planner takes it for a condition that few rows meet,
    beside the query's own on the merchant, and joins in loops what is large. That something is
    not null it takes for nearly always true.
    """
    return (
        f"CASE {_ACTING_FOR} WHEN '{EVERYBODY}' THEN true WHEN {merchant} THEN true END IS NOT NULL"
    )


OWN = _acts_for("merchant_id")
"""The condition of a table with a `merchant_id`."""
OWN_KEY = _acts_for("split_part(encode(key, 'escape'), '/', 1)")
NO_MERCHANTS = f"CASE {_ACTING_FOR} WHEN '{EVERYBODY}' THEN true END IS NOT NULL"
"""The condition of a table of `OF_EVERYBODY`."""

_POLICIES = """
SELECT c.relrowsecurity, p.polname::text AS polname, p.polpermissive, p.polcmd::text,
    p.polroles, pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)
FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid WHERE c.oid = to_regclass(:table)
ORDER BY p.polname
"""


class Undeclared(Exception):
    """A table neither belongs to merchants nor says why not."""


def of_parent(table: str, parent: str, **columns: str) -> str:
    """The condition of a table whose rows are its parent's, by its columns and the parent's."""
    match = " AND ".join(f"parent.{theirs} = {table}.{own}" for own, theirs in columns.items())
    # the parent's own policy decides which of its rows the sub-select sees
    exists = f"EXISTS (SELECT FROM {parent} AS parent WHERE {match})"
    return f"CASE {_ACTING_FOR} WHEN '{EVERYBODY}' THEN true ELSE {exists} END"


def protect(table: str, condition: str = OWN) -> list[str]:
    """Statements that put a table under its policy, for a migration."""
    return [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"CREATE POLICY {POLICY} ON {table} USING ({condition}) WITH CHECK ({condition})",
    ]


def looking_up(name: str, *, parameters: str, returns: str, query: str) -> str:
    """A statement that makes a function by which sessions search one merchant's rows (its
    parameter `merchant_id`) as the owner does: with every index, and nothing for a merchant the
    session does not act for."""
    guard = _acts_for(f"{name}.merchant_id")
    return (
        f"CREATE FUNCTION {name}(merchant_id text, {parameters}) RETURNS TABLE ({returns})"
        " LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp"
        f" AS $${query} AND {guard}$$"
    )


def condition_of(table: Table) -> str | None:
    """When a session may see or write a row of the table; None when its rows are nobody's.

    What the declaration says itself comes before what follows from its columns.

    Raises `Undeclared` when the declaration does not say.
    """
    if (own := table.info.get(CONDITION)) is not None:
        return str(own)
    if table.info.get(OF_EVERYBODY):
        return NO_MERCHANTS
    if "merchant_id" in table.c:
        return OWN
    if table.info.get(BY_KEY):
        return OWN_KEY
    for constraint in sorted(table.foreign_key_constraints, key=lambda key: str(key.name)):
        if "merchant_id" in constraint.referred_table.c:
            columns = {key.parent.name: key.column.name for key in constraint.elements}
            return of_parent(table.name, constraint.referred_table.name, **columns)
    if table.info.get(SHARED):
        return None
    raise Undeclared(f"{table.name} has no merchant_id: give its info the reason, {SHARED!r}")


def find_policy_drift(
    connection: Connection, schema: Sequence[MetaData]
) -> Iterator[tuple[str, str]]:
    """The tables whose policies are not as declared. To compare them as Postgres writes them, they
    are made as declared, in a transaction that the caller does not commit."""
    for metadata in schema:
        for table in metadata.sorted_tables:
            try:
                condition = condition_of(table)
            except Undeclared as undeclared:
                yield ("undeclared_policy", str(undeclared))
                continue
            migrated = connection.execute(text(_POLICIES), {"table": table.name}).all()
            policies = [row.polname for row in migrated if row.polname is not None]
            if migrated and migrated != _declared(connection, table.name, condition, policies):
                yield ("modify_policy", f"{table.name}: {migrated}")


def _declared(
    connection: Connection, table: str, condition: str | None, policies: Sequence[str]
) -> Sequence[Row[Any]]:
    """What the catalog says of the table once it has its declared policy in place of those."""
    for policy in policies:
        connection.execute(text(f"DROP POLICY {policy} ON {table}"))
    connection.execute(text(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"))
    for statement in protect(table, condition) if condition is not None else ():
        connection.execute(text(statement))
    return connection.execute(text(_POLICIES), {"table": table}).all()
