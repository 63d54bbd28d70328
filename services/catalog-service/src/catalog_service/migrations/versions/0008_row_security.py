"""Every merchant's rows are seen by sessions that act for it, and by those that act for all."""

from alembic import op

from common.postgres.migrate import backbone_statements
from common.postgres.row_security import looking_up, protect

revision = "0008"
down_revision = "0007"

TABLES = (
    "catalogue",
    "catalogue_import",
    "category_branch",
    "category_schema",
    "family_mark",
    "family_wait",
    "feed",
    "feed_configuration",
    "image_check",
    "import_chunk",
    "import_problem",
    "normalized_product",
    "republish_request",
    "shop",
    "shop_currency",
    "source_product",
)
FAMILIES_WITH_IMAGE = looking_up(
    "families_with_image",
    parameters="url text",
    returns="catalogue_id text, family_id text, feed_id text",
    query="SELECT n.catalogue_id, n.family_id, n.feed_id FROM normalized_product AS n"
    " WHERE n.merchant_id = families_with_image.merchant_id"
    " AND n.image_urls @> ARRAY[families_with_image.url]",
)


def upgrade() -> None:
    for statement in (
        *backbone_statements(4),
        *(statement for table in TABLES for statement in protect(table)),
        FAMILIES_WITH_IMAGE,
    ):
        op.execute(statement)
