"""What feed-publisher has of a product, for whoever looks for the cause of a violation."""

from collections.abc import Iterable

import asyncpg

from stack.run import Stack
from stack.system import PUBLISHER

_QUERIES = {
    "desired": "SELECT revision, presence, document FROM desired_product WHERE family_id = $1",
    "listing": "SELECT * FROM listing WHERE family_id = $1",
    "marks": "SELECT * FROM family_mark WHERE family_id = $1",
    "held": "SELECT * FROM held_change WHERE family_id = $1",
    "shortfall": "SELECT * FROM shortfall WHERE family_id = $1",
    "items": """
        SELECT r.kind, r.cause, r.state, r.is_dry_run, r.asked_at, r.planned_at, r.finished_at, i.*
        FROM run_item AS i JOIN feed_run AS r USING (merchant_id, run_id)
        WHERE i.family_id = $1 ORDER BY r.asked_at DESC, i.item_no LIMIT 12
        """,
}


async def evidence_of(stack: Stack, family_ids: Iterable[str]) -> str:
    """The rows of these families, as text."""
    lines = []
    connection = await asyncpg.connect(stack.database_url(PUBLISHER.name))
    try:
        for family_id in family_ids:
            for name, query in _QUERIES.items():
                rows = await connection.fetch(query, family_id)
                lines += [f"{family_id} {name}: {dict(row)}" for row in rows]
    finally:
        await connection.close()
    return "\n".join(lines)
