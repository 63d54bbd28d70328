"""Families looked for in Postgres, by a text or a rule."""

import re
from dataclasses import dataclass

from catalog_service.feeds.store import Feed
from common.postgres.pool import Connection

SCANNED = 20_000
"""How many families' texts are looked through in order, before the index of all is asked."""
_INDEXED = re.compile(r"[^\W_]{3}")
"""What the index knows texts by: three letters or digits in a row."""


@dataclass(frozen=True)
class Found:
    """Families by id. `continues_after` says after which one there may be more, None where all
    were looked at: there may be few or none here, and more behind it."""

    family_ids: list[str]
    continues_after: str | None


async def find_families(
    connection: Connection, feed: Feed, text: str, *, after: str, limit: int
) -> Found:
    """The feed's families with the text in their id, title or SKU codes, in any case, by id.

    A common text is found among the next families, a rare one by the index; one that the index
    does not know is looked for among so many families at a time.
    """
    sought = text.lower()
    rows = await connection.fetch(
        """
        SELECT family_id FROM (
            SELECT family_id, body FROM family_text
            WHERE merchant_id = $1 AND feed_id = $2 AND family_id > $3
            ORDER BY family_id LIMIT $4
        ) AS next WHERE strpos(body, $5) > 0 ORDER BY family_id LIMIT $6
        """,
        feed.merchant_id,
        feed.feed_id,
        after,
        SCANNED,
        sought,
        limit,
    )
    found = [row["family_id"] for row in rows]
    if len(found) == limit:
        return Found(found, found[-1])
    last = await _find_last(connection, feed, after)
    if last is None or not _INDEXED.search(sought):
        return Found(found, last)
    rows = await connection.fetch(
        """
        SELECT family_id FROM families_with($1, $2, $3, $4) WHERE family_id > $4
        ORDER BY family_id LIMIT $5
        """,
        feed.merchant_id,
        feed.feed_id,
        f"%{_escaped(sought)}%",
        last,
        limit - len(found),
    )
    found += [row["family_id"] for row in rows]
    return Found(found, found[-1] if len(found) == limit else None)


async def find_touched(
    connection: Connection, feed: Feed, rule: str, *, after: str, limit: int
) -> Found:
    """The feed's families with an issue of the rule, by id."""
    rows = await connection.fetch(
        """
        SELECT family_id FROM family_fact
        WHERE merchant_id = $1 AND feed_id = $2 AND kind = 'rule' AND name = $3 AND family_id > $4
        ORDER BY family_id LIMIT $5
        """,
        feed.merchant_id,
        feed.feed_id,
        rule,
        after,
        limit,
    )
    found = [row["family_id"] for row in rows]
    return Found(found, found[-1] if len(found) == limit else None)


async def _find_last(connection: Connection, feed: Feed, after: str) -> str | None:
    """The last of the families that were looked through; None where there is none behind it."""
    last: str | None = await connection.fetchval(
        """
        SELECT family_id FROM family_text
        WHERE merchant_id = $1 AND feed_id = $2 AND family_id > $3
        ORDER BY family_id OFFSET $4 LIMIT 1
        """,
        feed.merchant_id,
        feed.feed_id,
        after,
        SCANNED - 1,
    )
    return last


def _escaped(text: str) -> str:
    """The text as a pattern that matches it alone."""
    return re.sub(r"([\\%_])", r"\\\1", text)
