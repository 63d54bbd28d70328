"""What the drift check sees: a database that is not as the tables are declared."""

import asyncpg
import pytest
import sqlalchemy as sa

from common.postgres.migrate import BACKBONE_VERSIONS, backbone_statements, find_drift
from common.postgres.tables import BACKBONE
from stack.testing import NewDatabase

OWN = sa.MetaData()
sa.Table(
    "note",
    OWN,
    sa.Column("number", sa.BigInteger, primary_key=True),
    sa.Column("text", sa.Text, nullable=False, server_default=sa.text("''")),
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
