from pathlib import Path

from alembic import op

from aliexpress.store import LIMITS_SCHEMA
from common.postgres.migrate import backbone_statements, statements

revision = "0001"
down_revision = None


def upgrade() -> None:
    own = (Path(__file__).parent / "0001_first_tables.sql").read_text()
    for statement in [*backbone_statements(), *statements(LIMITS_SCHEMA), *statements(own)]:
        op.execute(statement)
