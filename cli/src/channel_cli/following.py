"""Long work, followed to its end with a bar. Every function raises `TookTooLong`."""

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

from channel_cli.answers import AppliedFeed, Import, Progress, Run
from channel_cli.client import Channel
from channel_cli.feed_answers import Draft
from channel_cli.feed_calls import FeedConfigurations
from channel_cli.order_answers import Correction, OrderAudit, OrderImport, Shipment
from channel_cli.progress import poll, progress_bar
from channel_cli.session import Problem, Query, TookTooLong

AN_HOUR = 3600.0
SHOP_KNOWN_WITHIN = 30.0
IMPORT_ENDED = frozenset(
    {"completed", "completed_with_problems", "awaiting_confirmation", "failed", "cancelled"}
)
RUN_ENDED = frozenset({"completed", "completed_with_errors", "withheld", "failed", "superseded"})
ORDER_IMPORT_ENDED = frozenset({"done", "failed"})
PARCEL_SETTLED = frozenset({"confirmed", "refused"})
RUN_CONFIRMABLE = frozenset({"planned", "awaiting_confirmation"})


async def apply_feed(
    channel: Channel,
    merchant: str,
    feed: str,
    configuration: dict[str, Any],
    *,
    note: str | None = None,
    version: int | None = None,
) -> AppliedFeed:
    """Save a configuration, with a `version` only where that is the present one still;
    catalog-service is awaited where auth-service knows the shop already.

    Raises `Problem` where it does not.
    """

    async def applied() -> AppliedFeed | Problem:
        try:
            return await channel.apply_feed(
                merchant, feed, configuration, note=note, version=version
            )
        except Problem as problem:
            if problem.details.slug != "shop-unknown":
                raise
            return problem

    first = await applied()
    if not isinstance(first, Problem):
        return first
    try:
        await channel.shop(merchant, str(configuration.get("shop")))
    except Problem:
        raise first from None
    with suppress(TookTooLong):
        async for answer in poll(applied, within=SHOP_KNOWN_WITHIN, what="making the shop known"):
            if not isinstance(answer, Problem):
                return answer
    raise first


async def import_and_follow(
    channel: Channel, merchant: str, catalogue: str, file: Path, options: Query
) -> Import:
    """Upload a catalogue file and wait until it is read."""
    with file.open("rb") as content:
        sent = await channel.import_file(merchant, catalogue, file.name, content, options)
    return await follow_import(channel, merchant, catalogue, sent)


async def follow_import(channel: Channel, merchant: str, catalogue: str, sent: Import) -> Import:
    """Wait until an import has ended or awaits a person."""
    with progress_bar(f"reading {sent.file_name}") as bar:
        async for state in poll(
            lambda: channel.import_progress(merchant, catalogue, sent.import_id),
            within=AN_HOUR,
            what=f"reading {sent.file_name}",
        ):
            bar.show(state.lines_read, state.lines or None)
            if state.state in IMPORT_ENDED:
                bar.finish()
                break
    return state


async def follow_normalizing(channel: Channel, merchant: str, feed: str) -> Progress:
    """Wait until no product of a feed is waiting to be normalized."""
    with progress_bar("matching and checking products") as bar:
        async for progress in poll(
            lambda: channel.normalizing(merchant, feed), within=AN_HOUR, what="normalizing"
        ):
            bar.show(progress.families - progress.dirty, progress.families)
            if progress.dirty == 0:
                break
    return progress


async def follow_draft(configurations: FeedConfigurations, draft: Draft) -> Draft:
    """Wait until a tried configuration was tried on every product."""
    with progress_bar("trying the configuration on every product") as bar:
        async for found in poll(
            lambda: configurations.draft(draft.draft_id), within=AN_HOUR, what="trying"
        ):
            bar.show(found.evaluated, found.families)
            if found.state == "ready":
                bar.finish()
                break
    return found


async def follow_run(
    channel: Channel, merchant: str, run_id: str, *, until: Collection[str], what: str
) -> Run:
    """Wait until a run is in one of the states `until`."""
    with progress_bar(what) as bar:
        async for run in poll(lambda: channel.run(merchant, run_id), within=AN_HOUR, what=what):
            bar.show(run.progress.decided, run.progress.total or None)
            if run.state in until:
                bar.finish()
                break
    return run


async def follow_order_import(
    channel: Channel, merchant: str, shop: str, import_id: int
) -> OrderImport:
    """Wait until a fetching of orders has ended."""
    with progress_bar("importing orders") as bar:
        async for found in poll(
            lambda: _order_import(channel, merchant, shop, import_id),
            within=AN_HOUR,
            what="importing orders",
        ):
            bar.show(found.orders_seen, None)
            if found.state in ORDER_IMPORT_ENDED:
                bar.finish()
                break
    return found


async def _order_import(channel: Channel, merchant: str, shop: str, import_id: int) -> OrderImport:
    imports = channel.order_imports(merchant, shop)
    return await anext(item async for item in imports if item.import_id == import_id)


async def follow_order_audit(
    channel: Channel, merchant: str, shop: str, audit_id: int
) -> OrderAudit:
    """Wait until an audit of orders has ended."""
    with progress_bar("comparing orders") as bar:
        async for found in poll(
            lambda: channel.order_audit(merchant, shop, audit_id),
            within=AN_HOUR,
            what="comparing orders",
        ):
            bar.show(found.compared or 0, None)
            if found.state in ORDER_IMPORT_ENDED:
                bar.finish()
                break
    return found


async def follow_shipments(
    channel: Channel, merchant: str, shop: str, sent: Collection[Shipment]
) -> dict[str, Shipment]:
    """Wait until these parcels are confirmed or refused; each as it is then, by its id."""
    waiting = {one.shipment_id: one for one in sent if one.state not in PARCEL_SETTLED}
    settled = {one.shipment_id: one for one in sent if one.shipment_id not in waiting}
    with progress_bar("AliExpress confirms the parcels") as bar:
        async for still_open in poll(
            lambda: _open_shipments(channel, merchant, shop),
            within=AN_HOUR,
            what="shipping",
            every=1.0,
        ):
            for shipment_id in [one for one in waiting if one not in still_open]:
                order_id = waiting[shipment_id].order_id
                shipment = await channel.shipment(merchant, shop, order_id, shipment_id)
                if shipment.state in PARCEL_SETTLED:
                    settled[shipment_id] = shipment
                    del waiting[shipment_id]
            bar.show(len(settled), len(sent))
            if not waiting:
                bar.finish()
                break
    return settled


async def _open_shipments(channel: Channel, merchant: str, shop: str) -> set[str]:
    """The ids of the shop's parcels that are not settled."""
    return {
        one.shipment_id
        for state in ("pending", "sent")
        async for one in channel.shipments(merchant, shop, {"state": state})
    }


async def follow_correction(
    channel: Channel, merchant: str, shop: str, order_id: str, asked: Correction
) -> Correction:
    """Wait until a correction is confirmed or refused."""
    with progress_bar("AliExpress changes the parcel") as bar:
        async for found in poll(
            lambda: _correction(channel, merchant, shop, order_id, asked),
            within=AN_HOUR,
            what="correcting the parcel",
        ):
            if found.state in PARCEL_SETTLED:
                bar.finish()
                break
    return found


async def _correction(
    channel: Channel, merchant: str, shop: str, order_id: str, asked: Correction
) -> Correction:
    corrections = await channel.corrections(merchant, shop, order_id, asked.shipment_id)
    return next(one for one in corrections if one.correction_id == asked.correction_id)
