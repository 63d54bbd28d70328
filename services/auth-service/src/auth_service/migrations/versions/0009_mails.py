"""Mails that wait to be sent."""

from pathlib import Path

from alembic import op

from common.postgres.migrate import statements
from common.postgres.row_security import protect

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    own = (Path(__file__).parent / "0009_mails.sql").read_text()
    for statement in (*statements(own), *protect("mail")):
        op.execute(statement)
