"""Begin a draft, and apply it."""

import msgspec

from catalog_service.drafts.store import (
    Draft,
    add_draft,
    count_drafts,
    load_draft,
    remove_draft,
)
from catalog_service.feeds.configuration import FeedConfiguration
from catalog_service.feeds.save_feed import apply_configuration, check_configuration
from catalog_service.feeds.store import Feed, find_feed
from catalog_service.feeds.stored import body_of, compile_body
from catalog_service.feeds.warn import find_warnings
from common.errors import Refusal
from common.postgres.pool import Connection
from common.web.preconditions import Preconditions


async def begin_draft(
    connection: Connection,
    merchant_id: str,
    feed_id: str,
    form: FeedConfiguration,
    *,
    author: str,
    most: int,
) -> Draft:
    """Try the configuration on the whole feed. Raises `Refusal` where it could not be applied, and
    where the merchant has `most` drafts already."""
    if await count_drafts(connection, merchant_id) >= most:
        raise Refusal(
            f"{most} configurations are tried, or kept for looking at, already",
            status=429,
            slug="too-many-drafts",
            remedy="Drop one: DELETE /v1/merchants/{m}/feeds/{f}/drafts/{d}. Which there are:"
            " GET /v1/merchants/{m}/feeds/{f}/drafts.",
        )
    present = await find_feed(connection, merchant_id, feed_id)
    await check_configuration(connection, merchant_id, feed_id, form, present)
    warnings = await find_warnings(connection, merchant_id, form)
    draft_id = await add_draft(
        connection,
        merchant_id,
        feed_id,
        body_of(form),
        based_on=None if present is None else present.etag,
        author=author,
        warnings=msgspec.json.encode([one.model_dump() for one in warnings]).decode(),
    )
    return await load_draft(connection, merchant_id, feed_id, draft_id)


async def apply_draft(
    connection: Connection, draft: Draft, *, author: str, note: str | None
) -> tuple[Feed, FeedConfiguration]:
    """Save the draft's configuration, and drop the draft. Raises `Refusal` while it is evaluated,
    where the feed has changed since it began (412), and as `apply_configuration`."""
    if draft.state != "ready":
        of_all = "" if draft.families is None else f" of {draft.families}"
        raise Refusal(
            f"the draft is still evaluated: {draft.evaluated}{of_all} products are done",
            status=409,
            slug="draft-not-ready",
            remedy="Wait until its state is ready, or apply the configuration without trying it.",
        )
    compiled = compile_body(draft.merchant_id, draft.feed_id, 0, draft.body)
    based_on = draft.based_on
    feed = await apply_configuration(
        connection,
        draft.merchant_id,
        draft.feed_id,
        compiled.form,
        author=author,
        note=note,
        preconditions=Preconditions(
            if_match=based_on, if_none_match="*" if based_on is None else None
        ),
        action="feed.draft.applied",
    )
    await remove_draft(connection, draft.key)
    return feed, compiled.form
