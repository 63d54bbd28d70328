"""What was wrong with the lines of imported files. The only writer of `import_problem`."""

from collections.abc import Sequence

from catalog_service.files.readers.items import BadLine
from catalog_service.files.store import Import
from catalog_service.texts import storable
from common.postgres.pool import Connection

KEPT_PROBLEMS = 10_000


async def add_problems(
    connection: Connection, running: Import, problems: Sequence[BadLine]
) -> None:
    """Keep what was wrong, by line, up to a bound; the count is kept in full."""
    room = max(KEPT_PROBLEMS - running.rejected, 0)
    await connection.executemany(
        """
        INSERT INTO import_problem (merchant_id, import_id, line, product_id, message, remedy)
        VALUES ($1, $2, $3, $4, $5, $6)
        """,
        [
            (
                running.merchant_id,
                running.import_id,
                problem.line,
                problem.product_id,
                storable(problem.message, limit=1_000),
                problem.remedy,
            )
            for problem in problems[:room]
        ],
    )


async def list_bad_products(connection: Connection, running: Import) -> list[str]:
    """The products whose rows could not be taken: they stand in the file all the same."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT product_id FROM import_problem
        WHERE merchant_id = $1 AND import_id = $2 AND product_id IS NOT NULL
        """,
        running.merchant_id,
        running.import_id,
    )
    return [row["product_id"] for row in rows]


async def count_more_unnamed(connection: Connection, running: Import) -> int:
    """How many more lines than in the whole file before say of no product that it is there."""
    return int(
        await connection.fetchval(
            """
            WITH unnamed AS (
                SELECT import_id, count(*) AS lines FROM import_problem
                WHERE merchant_id = $1 AND product_id IS NULL GROUP BY import_id)
            SELECT coalesce((SELECT lines FROM unnamed WHERE import_id = $3), 0)
                - coalesce((SELECT lines FROM unnamed WHERE import_id = (
                    SELECT import_id FROM catalogue_import
                    WHERE merchant_id = $1 AND catalogue_id = $2 AND import_id < $3
                        AND is_full AND NOT is_dry_run
                        AND state IN ('completed', 'completed_with_problems')
                    ORDER BY import_id DESC LIMIT 1)), 0)
            """,
            running.merchant_id,
            running.catalogue_id,
            running.import_id,
        )
    )


async def list_problems(
    connection: Connection, merchant_id: str, import_id: int, *, after: int, limit: int
) -> list[tuple[int, BadLine]]:
    """An import's problems in the order they were found, each with its number."""
    rows = await connection.fetch(
        """
        SELECT id, line, message, remedy, product_id FROM import_problem
        WHERE merchant_id = $1 AND import_id = $2 AND id > $3 ORDER BY id LIMIT $4
        """,
        merchant_id,
        import_id,
        after,
        limit,
    )
    return [(number, BadLine(*rest)) for number, *rest in rows]
