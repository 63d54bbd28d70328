"""What the drift check sees: a database that is not as the tables are declared."""

import asyncpg
import pytest
import sqlalchemy as sa

from common.postgres.migrate import BACKBONE_VERSIONS, backbone_statements, find_drift
from common.postgres.row_security import SHARED, Undeclared, condition_of
from common.postgres.tables import BACKBONE
from stack.testing import NewDatabase

OWN = sa.MetaData()
sa.Table(
    "note",
    OWN,
    sa.Column("number", sa.BigInteger, primary_key=True),
    sa.Column("text", sa.Text, nullable=False, server_default=sa.text("''")),
    info={SHARED: "notes are everybody's"},
)
AS_DECLARED = "CREATE TABLE note (number bigint PRIMARY KEY, text text NOT NULL DEFAULT '')"


@pytest.mark.parametrize(
    ("made", "seen"),
    [
        (AS_DECLARED, []),
        ("SELECT 1", ["add_table"]),
        (AS_DECLARED.replace("bigint", "integer"), ["modify_type"]),
        (AS_DECLARED.replace(" NOT NULL", ""), ["modify_nullable"]),
        (AS_DECLARED.replace(" DEFAULT ''", ""), ["modify_default"]),
        (AS_DECLARED + "; ALTER TABLE note ADD COLUMN more text", ["remove_column"]),
        (AS_DECLARED + "; CREATE INDEX note_text ON note (text)", ["remove_index"]),
        (AS_DECLARED + "; CREATE TABLE other (number bigint)", ["remove_table"]),
        (AS_DECLARED + "; DROP POLICY merchant ON schedule", ["modify_policy"]),
        (AS_DECLARED + "; ALTER TABLE outbox DISABLE ROW LEVEL SECURITY", ["modify_policy"]),
        (AS_DECLARED + "; CREATE POLICY more ON quarantine USING (true)", ["modify_policy"]),
        (AS_DECLARED + "; ALTER POLICY merchant ON schedule USING (true)", ["modify_policy"]),
        (AS_DECLARED + "; ALTER POLICY merchant ON schedule TO channel", ["modify_policy"]),
        (AS_DECLARED + "; ALTER TABLE note ENABLE ROW LEVEL SECURITY", ["modify_policy"]),
    ],
)
async def test_every_difference_is_named(database: NewDatabase, made: str, seen: list[str]) -> None:
    url = await database()
    connection = await asyncpg.connect(url)
    for version in BACKBONE_VERSIONS:
        for statement in backbone_statements(version):
            await connection.execute(statement)
    await connection.execute(made)
    await connection.close()
    drift = await find_drift(url, (BACKBONE, OWN))
    assert len(drift) == len(seen), drift
    assert all(kind in line for kind, line in zip(seen, drift, strict=True))


def test_a_table_without_merchants_says_why() -> None:
    table = sa.Table("silent", sa.MetaData(), sa.Column("number", sa.BigInteger))
    with pytest.raises(Undeclared, match="silent has no merchant_id"):
        condition_of(table)
    table.info[SHARED] = "it holds the time of day"
    assert condition_of(table) is None
