import pytest

from common.postgres.tracing import summarize

STATEMENTS = [
    ("SELECT id FROM outbox WHERE id <> ALL($1)", ("SELECT outbox", False)),
    ("\n  INSERT INTO outbox (topic) VALUES ($1)", ("INSERT outbox", True)),
    ("UPDATE feed_run AS r SET state = 'planning'", ("UPDATE feed_run", True)),
    ("DELETE FROM failed_row USING unnest($1)", ("DELETE failed_row", True)),
    ("SELECT 1 FROM shop FOR UPDATE SKIP LOCKED", ("SELECT shop", False)),
    ("SELECT 1 FROM shop FOR NO KEY UPDATE OF shop", ("SELECT shop", False)),
    (
        "WITH gone AS (DELETE FROM family_mark RETURNING id) SELECT id FROM gone",
        ("DELETE family_mark", True),
    ),
    ("INSERT INTO a (x) VALUES (1) ON CONFLICT DO UPDATE SET x = 2", ("INSERT a", True)),
    ("SELECT t.oid FROM pg_catalog.pg_type AS t", ("", False)),
    ("BEGIN;", ("", False)),
    ("SELECT pg_try_advisory_lock($1)", ("", False)),
]


@pytest.mark.parametrize(("statement", "summary"), STATEMENTS)
def test_a_statement_is_summed_up_without_its_values(
    statement: str, summary: tuple[str, bool]
) -> None:
    assert summarize(statement) == summary
