"""How much of the advice on a product is met is kept with it; of one evaluated before, nothing is
known until it is evaluated again."""

from alembic import op

from common.postgres.migrate import statements

revision = "0020"
down_revision = "0019"

SQL = """
ALTER TABLE normalized_product ADD COLUMN quality integer
"""


def upgrade() -> None:
    for statement in statements(SQL):
        op.execute(statement)
