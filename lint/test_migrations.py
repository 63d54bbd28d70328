from pathlib import Path

import pytest

from lint.migrations import FIRST_RELEASE, SERVICES, problems_of, revisions_of


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("ALTER TABLE listing RENAME COLUMN title TO name", "renaming-column"),
        ("ALTER TABLE listing DROP COLUMN title", "ban-drop-column"),
        ("DROP TABLE listing", "ban-drop-table"),
        ("ALTER TABLE listing ADD COLUMN more text NOT NULL", "adding-required-field"),
        ("ALTER TABLE listing ALTER COLUMN title TYPE bigint USING 1", "changing-column-type"),
        ("CREATE INDEX more ON listing (title)", "require-concurrent-index-creation"),
        ("ALTER TABLE listing ADD COLUMN more text", None),
        ("ALTER TABLE listing ADD COLUMN more boolean NOT NULL DEFAULT false", None),
        ("CREATE TABLE more (id bigint PRIMARY KEY); CREATE INDEX m ON more (id)", None),
    ],
)
def test_what_breaks_a_running_version_or_locks_for_long_is_found(
    tmp_path: Path, statement: str, rule: str | None
) -> None:
    path = tmp_path / "0002_step.py"
    body = "".join(f"    op.execute({part!r})\n" for part in statement.split("; "))
    path.write_text(f"from alembic import op\ndef upgrade():\n{body}")
    found = [problem.split(": ")[1] for problem in problems_of(path)]
    assert (rule in found) if rule else (found == [])


def test_an_index_beside_writers_is_let_pass(tmp_path: Path) -> None:
    path = tmp_path / "0002_step.py"
    path.write_text(
        "from alembic import op\n"
        "def upgrade():\n"
        "    with op.get_context().autocommit_block():\n"
        "        op.execute('CREATE INDEX CONCURRENTLY IF NOT EXISTS more ON listing (title)')\n"
    )
    assert list(problems_of(path)) == []


@pytest.mark.parametrize("service", SERVICES)
def test_what_comes_after_the_first_release_is_looked_at(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FIRST_RELEASE, service, "0001")
    assert next(revisions_of(service)).stem.startswith("0002")
