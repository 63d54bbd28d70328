"""Save and remove feeds: what a merchant decides, published to the other services."""

import asyncio
import json
from dataclasses import replace
from datetime import time

from catalog_service.currencies.store import load_currencies
from catalog_service.families.store import hold_families
from catalog_service.feeds.configuration import FeedConfiguration
from catalog_service.feeds.currencies import check_shop_currency
from catalog_service.feeds.differences import is_same
from catalog_service.feeds.store import (
    Feed,
    add_configuration,
    find_feed,
    load_configuration,
    lock_name,
    mark_feed,
    save_feed,
)
from catalog_service.feeds.stored import body_of, compile_body, compile_form
from catalog_service.settings import SOURCE
from catalog_service.shops.store import Shop, find_shop
from catalog_service.sources.store import find_catalogue
from common.errors import NotFound, Refusal
from common.messaging.outbox import add_events
from common.postgres.audit import record
from common.postgres.pool import Connection
from common.postgres.schedules import Daily, set_schedule
from common.web.preconditions import UNCONDITIONAL, Preconditions

REPUBLISHING = "republish"
"""The kind of schedule by which each feed's state is emitted again once a day."""
REPUBLISHED_AT = time(3, 30)


READ_AGAIN = (
    "Read it and what has changed: GET /v1/merchants/{m}/feeds/{f} and"
    " GET /v1/merchants/{m}/feeds/{f}/versions/{v}/diff; then send yours with its `ETag`."
)


async def apply_configuration(
    connection: Connection,
    merchant_id: str,
    feed_id: str,
    form: FeedConfiguration,
    *,
    author: str | None = None,
    note: str | None = None,
    preconditions: Preconditions = UNCONDITIONAL,
    action: str = "feed.configuration.saved",
) -> Feed:
    """Make this the feed's configuration, in a version of its own, and mark its families dirty;
    where it says what the present one says, nothing is done. `action` is what the audit calls it.

    Raises `Refusal` where the preconditions do not hold of the feed's `etag`, and as
    `check_configuration`.
    """
    await lock_name(connection, merchant_id, feed_id)
    previous = await find_feed(connection, merchant_id, feed_id, is_locked=True)
    _check(preconditions, previous)
    await check_configuration(connection, merchant_id, feed_id, form, previous)
    version = 1
    if previous is not None:
        version += previous.configuration_version
        known = await load_configuration(
            connection, merchant_id, feed_id, previous.configuration_version
        )
        if previous.lifecycle == "active" and _says_the_same(known, form):
            return previous
    feed = Feed(
        merchant_id, feed_id, form.shop, form.catalogue, form.main_locale, version, "active", 0
    )
    await hold_families(connection, merchant_id, feed.catalogue_id)
    feed = await save_feed(connection, feed)
    await add_configuration(
        connection, merchant_id, feed_id, version, body_of(form), author=author, note=note
    )
    await mark_feed(connection, feed)
    await add_events(connection, [feed.state()], source=SOURCE)
    await set_schedule(connection, REPUBLISHING, merchant_id, feed_id, Daily(REPUBLISHED_AT))
    await record(connection, action, feed_id, {"version": version})
    return feed


def _says_the_same(known: str, form: FeedConfiguration) -> bool:
    """Whether a stored configuration is this one, whatever the order of its keys."""
    body = body_of(form)
    return known == body or is_same(json.loads(known), json.loads(body))


async def roll_back(
    connection: Connection,
    merchant_id: str,
    feed_id: str,
    version: int,
    *,
    author: str | None = None,
    note: str | None = None,
    preconditions: Preconditions = UNCONDITIONAL,
) -> Feed:
    """Apply the configuration of an earlier version again, as a new one. Raises `NotFound`, and
    `Refusal` as `apply_configuration`."""
    body = await load_configuration(connection, merchant_id, feed_id, version)
    form = compile_body(merchant_id, feed_id, version, body).form
    return await apply_configuration(
        connection,
        merchant_id,
        feed_id,
        form,
        author=author,
        note=note or f"back to version {version}",
        preconditions=preconditions,
        action="feed.configuration.rolled-back",
    )


def _check(preconditions: Preconditions, feed: Feed | None) -> None:
    etag = None if feed is None else feed.etag
    preconditions.check(etag, what="feed", remedy=READ_AGAIN)


async def check_configuration(
    connection: Connection,
    merchant_id: str,
    feed_id: str,
    form: FeedConfiguration,
    previous: Feed | None,
) -> None:
    """Raise `Refusal` for a configuration that cannot be used or is in another currency than its
    shop, for a merchant that is no seller (M1.1), for a shop or catalogue that is none, and for
    another shop or catalogue than the feed has: a feed never silently moves."""
    if form.feed is not None and form.feed != feed_id:
        raise Refusal(
            f"the configuration is of the feed {form.feed}, the path names {feed_id}",
            status=422,
            slug="foreign-configuration",
            field="feed",
            remedy="Send it to the feed it names, or take the name out.",
        )
    _refuse_shop(form.shop, await find_shop(connection, merchant_id, form.shop))
    if await find_catalogue(connection, merchant_id, form.catalogue) is None:
        raise Refusal(
            f"there is no catalogue {form.catalogue}",
            status=422,
            slug="catalogue-unknown",
            field="catalogue",
            remedy="Declare the catalogue first: PUT /v1/merchants/{m}/catalogues/{c}.",
        )
    await asyncio.to_thread(compile_form, merchant_id, feed_id, 0, form)
    shop = (merchant_id, form.shop)
    check_shop_currency(form.currency, (await load_currencies(connection, [shop])).get(shop))
    if previous is not None:
        _refuse_move(previous, form)


def _refuse_shop(shop_id: str, shop: Shop | None) -> None:
    """Only a known seller configures a feed, and for a shop the channel knows (M1.1)."""
    if shop is None:
        raise Refusal(
            f"the merchant has no shop {shop_id}",
            status=409,
            slug="shop-unknown",
            field="shop",
            rule="M1.1",
            remedy="Connect the shop first: POST /v1/merchants/{m}/shops/{s}/connect of"
            " auth-service; a shop connected a moment ago is known here within seconds.",
        )
    if not shop.is_eligible:
        raise Refusal(
            "the merchant is not known as an AliExpress seller",
            status=403,
            slug="not-eligible",
            field="shop",
            rule="M1.1",
            remedy="Ask the channel's operator to register the merchant as a seller.",
        )


def _refuse_move(previous: Feed, form: FeedConfiguration) -> None:
    for field, stays in (
        ("shop", previous.shop_id == form.shop),
        ("catalogue", previous.catalogue_id == form.catalogue),
    ):
        if not stays:
            raise Refusal(
                f"the feed {previous.feed_id} cannot move to another {field}",
                status=409,
                slug="feed-would-move",
                field=field,
                rule="M1.4",
                remedy=f"Make a feed of another name for that {field}, and remove this one.",
            )


async def remove_feed(
    connection: Connection,
    merchant_id: str,
    feed_id: str,
    *,
    preconditions: Preconditions = UNCONDITIONAL,
) -> Feed:
    """Remove the feed: its families become absent, and their deletion is thereby confirmed.

    Raises `NotFound`, and `Refusal` where the preconditions do not hold. Removing it twice changes
    nothing.
    """
    previous = await find_feed(connection, merchant_id, feed_id, is_locked=True)
    if previous is None:
        raise NotFound("feed")
    _check(preconditions, previous)
    if previous.lifecycle == "removed":
        return previous
    await hold_families(connection, merchant_id, previous.catalogue_id)
    feed = await save_feed(connection, replace(previous, lifecycle="removed"))
    await mark_feed(connection, feed)
    await add_events(connection, [feed.state()], source=SOURCE)
    await record(connection, "feed.removed", feed_id)
    return feed
