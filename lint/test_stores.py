"""The rule "a table is written by one store" sees every way of writing."""

from pathlib import PurePosixPath

import pytest

from lint.stores import find_shared, tables_declared, tables_written


@pytest.mark.parametrize(
    ("source", "tables"),
    [
        ('"INSERT INTO listing (a) VALUES ($1) ON CONFLICT DO UPDATE SET a = 1"', {"listing"}),
        (
            '"""\n  WITH x AS (UPDATE run_item SET a = 1 RETURNING a)\n DELETE FROM mark"""',
            {"run_item", "mark"},
        ),
        ('f"""UPDATE shop SET {columns}"""', {"shop"}),
        ('"SELECT * FROM shop FOR UPDATE OF shop"', set()),
        ("listing.insert().values(a=1)", {"listing"}),
        ("sa.update(feed_run).values(a=1)", {"feed_run"}),
        ("insert(shop).values(a=1)", {"shop"}),
        ('connection.copy_records_to_table("outbox", records=rows)', {"outbox"}),
        ("sa.select(listing.c.a)", set()),
        ('"an update of the shop"', set()),
    ],
)
def test_what_a_module_writes(source: str, tables: set[str]) -> None:
    assert tables_written(source) == tables


def test_a_table_with_two_stores_is_found() -> None:
    sources = {
        PurePosixPath("a/store.py"): '"UPDATE shop SET a = 1"',
        PurePosixPath("b/store.py"): '"DELETE FROM shop"; "INSERT INTO other (a) VALUES (1)"',
    }
    assert find_shared(sources, {"shop", "other"}) == {"shop": ["a/store.py", "b/store.py"]}


def test_the_declared_tables() -> None:
    assert tables_declared('shop = Table("shop", TABLES, Column("a", Text))') == {"shop"}
