"""Rows of what is missing: by family as last planned, by run as it stood. The only writer."""

from collections.abc import Mapping, Sequence

import msgspec

from common.contracts.feed import Cause
from common.postgres.pool import Connection
from feed_publisher.runs.run import Run
from feed_publisher.shortfalls.shortfall import CauseGroup

_encoder = msgspec.json.Encoder()
_causes = msgspec.json.Decoder(list[Cause])


async def save_shortfalls(
    connection: Connection, run: Run, found: Mapping[str, Sequence[Cause]]
) -> None:
    """Keep why these families, which the run's plan looked at, are not sent; those without a cause
    are missing no longer."""
    missing = {family_id: causes for family_id, causes in sorted(found.items()) if causes}
    await connection.execute(
        """
        DELETE FROM shortfall
        WHERE merchant_id = $1 AND feed_id = $2 AND kind = $3 AND family_id = ANY($4::text[])
        """,
        run.merchant_id,
        run.feed_id,
        run.kind,
        [family_id for family_id in found if family_id not in missing],
    )
    await connection.execute(
        """
        INSERT INTO shortfall (merchant_id, feed_id, kind, family_id, causes)
        SELECT $1, $2, $3, * FROM unnest($4::text[], $5::bytea[])
        ON CONFLICT (merchant_id, feed_id, kind, family_id) DO UPDATE SET causes = excluded.causes
        """,
        run.merchant_id,
        run.feed_id,
        run.kind,
        list(missing),
        [_encoder.encode(causes) for causes in missing.values()],
    )


async def list_shortfalls(
    connection: Connection, run: Run, *, after: str, limit: int
) -> list[tuple[str, list[Cause]]]:
    """The next families of the run's feed and kind that are wanted and cannot be sent."""
    rows = await connection.fetch(
        """
        SELECT family_id, causes FROM shortfall
        WHERE merchant_id = $1 AND feed_id = $2 AND kind = $3 AND family_id > $4
        ORDER BY family_id LIMIT $5
        """,
        run.merchant_id,
        run.feed_id,
        run.kind,
        after,
        limit,
    )
    return [(row["family_id"], _causes.decode(row["causes"])) for row in rows]


async def replace_run_causes(
    connection: Connection, run: Run, groups: Sequence[CauseGroup]
) -> None:
    """Keep why products are missing in a run."""
    await connection.execute(
        "DELETE FROM run_cause WHERE merchant_id = $1 AND run_id = $2", run.merchant_id, run.run_id
    )
    await connection.executemany(
        """
        INSERT INTO run_cause (merchant_id, run_id, place, cause, products, families)
        VALUES ($1, $2, $3, $4, $5, $6)
        """,
        [
            (
                run.merchant_id, run.run_id, place, _encoder.encode(group.cause), group.products,
                group.families,
            )
            for place, group in enumerate(groups)
        ],
    )  # fmt: skip


async def list_run_causes(
    connection: Connection, merchant_id: str, run_id: str
) -> list[CauseGroup]:
    """Why products are missing in a run, the most frequent cause first."""
    rows = await connection.fetch(
        """
        SELECT cause, products, families FROM run_cause
        WHERE merchant_id = $1 AND run_id = $2 ORDER BY place
        """,
        merchant_id,
        run_id,
    )
    return [
        CauseGroup(msgspec.json.decode(row["cause"], type=Cause), row["products"], row["families"])
        for row in rows
    ]
