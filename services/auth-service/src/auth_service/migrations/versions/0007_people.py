"""People, how they sign in, whose members they are; API clients with two secrets, or none."""

from pathlib import Path

from alembic import op

from common.postgres.migrate import statements
from common.postgres.row_security import NO_MERCHANTS, of_parent, protect

revision = "0007"
down_revision = "0006"

OF_EVERYBODY = (
    "person_password",
    "single_use_link",
    "person_session",
    "second_factor",
    "recovery_code",
)


def upgrade() -> None:
    own = (Path(__file__).parent / "0007_people.sql").read_text()
    for statement in (
        *statements(own),
        *protect("person", of_parent("person", "membership", person_id="person_id")),
        *protect("membership"),
        *(statement for table in OF_EVERYBODY for statement in protect(table, NO_MERCHANTS)),
    ):
        op.execute(statement)
