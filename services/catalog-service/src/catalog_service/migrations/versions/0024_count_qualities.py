"""How many products of a feed have which quality (M3.14) is kept, no longer counted when asked:
it took half a second with a million products."""

from alembic import op

from common.postgres.counters import counting, triggers

revision = "0024"
down_revision = "0023"

QUALITIES = """SELECT merchant_id, feed_id AS subject, 'quality' AS kind, quality::text AS name,
    count(*) AS number FROM {rows} WHERE quality IS NOT NULL GROUP BY 1, 2, 4"""


def upgrade() -> None:
    for statement in (
        counting(
            "count_qualities",
            QUALITIES.format(rows="after_rows"),
            QUALITIES.format(rows="before_rows"),
        ),
        "LOCK TABLE normalized_product IN SHARE ROW EXCLUSIVE MODE",
        "INSERT INTO counter (merchant_id, subject, kind, name, number) "
        + QUALITIES.format(rows="normalized_product"),
        *triggers("normalized_product", "count_qualities"),
    ):
        op.execute(statement)
