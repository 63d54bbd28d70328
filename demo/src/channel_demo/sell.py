"""Middle of the path: products online by the product feed, offers true by the offer feed."""

from collections import Counter
from collections.abc import Collection, Sequence
from decimal import Decimal

from channel_cli.answers import Run, SourceProduct
from channel_cli.following import RUN_CONFIRMABLE, RUN_ENDED, follow_normalizing, follow_run
from channel_cli.output import err, say, table_of
from channel_cli.progress import poll, progress_bar
from channel_cli.session import Problem
from channel_demo.bring_in import DemoFailed, publish
from channel_demo.sandbox import LedgerEntry
from channel_demo.session import Session
from common.contracts.catalog import CatalogUpdated

PLANS_AT_MOST = 5
OUT_OF_DATE = frozenset({"plan-overtaken", "plan-superseded"})
"""Problems of a confirmation that a new plan solves."""
NOT_FOUND = 404
PRICES_CHANGED = 10
STOCKS_CHANGED = 5
OFFER_OPERATIONS = frozenset({"price.update", "stock.update"})


async def publish_products(session: Session) -> None:
    """Dry run, read, confirm: then everything valid is created (M7.1)."""
    run_id = await confirm_plan(session)
    sent = await follow_run(
        session.channel, session.merchant, run_id, until=RUN_ENDED, what="product feed"
    )
    if sent.state == "failed":
        raise DemoFailed(f"the product feed failed: {sent.trouble}")


async def confirm_plan(session: Session) -> str:
    """Plan and confirm, again while the catalogue overtakes the plan; the run that is confirmed."""
    for plans_left in reversed(range(PLANS_AT_MOST)):
        dry_run = await plan_products(session)
        try:
            await session.channel.confirm_run(session.merchant, dry_run.run_id)
        except Problem as problem:
            if problem.details.slug not in OUT_OF_DATE or not plans_left:
                raise
            say(f"planned again: {problem.details.title}")
        else:
            break
    return dry_run.run_id


async def plan_products(session: Session) -> Run:
    """A dry run of the product feed, shown."""
    dry_run = await run_feed(session, "product", RUN_CONFIRMABLE | RUN_ENDED, is_dry_run=True)
    plan = session.channel.plan(session.merchant, dry_run.run_id)
    planned = Counter([line.action async for line in plan])
    err.print(table_of(("the product feed would", "products"), planned.items()))
    if dry_run.state == "failed":
        raise DemoFailed(f"the dry run failed: {dry_run.trouble}")
    return dry_run


async def send_offers(session: Session) -> None:
    """Run the offer feed now."""
    run = await run_feed(session, "offer", RUN_ENDED, is_dry_run=False)
    if run.state == "failed":
        raise DemoFailed(f"the offer feed failed: {run.trouble}")


async def run_feed(session: Session, kind: str, until: Collection[str], *, is_dry_run: bool) -> Run:
    """Ask for a run and follow it to one of the states `until`."""
    asked = await session.channel.run_feed(
        session.merchant, session.feed, kind, is_dry_run=is_dry_run
    )
    what = f"{kind} feed, dry run" if is_dry_run else f"{kind} feed"
    return await follow_run(session.channel, session.merchant, asked.run_id, until=until, what=what)


async def settle(session: Session) -> None:
    """Wait until what came in last is known to feed-publisher."""
    await follow_normalizing(session.channel, session.merchant, session.feed)
    await wait_for_publisher(session)


async def wait_for_publisher(session: Session) -> None:
    """Wait until feed-publisher works towards every product as it was last normalized."""
    wanted = {
        family.family_id: family.revision
        async for family in session.channel.preview(session.merchant, session.feed)
    }
    with progress_bar("handing products over") as bar:
        async for arrived in poll(
            lambda: desired_revisions(session), within=120, what="handing products over"
        ):
            done = sum(arrived.get(name, -1) >= revision for name, revision in wanted.items())
            bar.show(done, len(wanted))
            if done == len(wanted):
                break


async def desired_revisions(session: Session) -> dict[str, int]:
    """Which revision of each product feed-publisher works towards; none while it has not yet heard
    of the feed."""
    products = session.channel.published(session.merchant, session.feed)
    try:
        return {item.family_id: item.desired.revision async for item in products if item.desired}
    except Problem as problem:
        if problem.details.status != NOT_FOUND:
            raise
        return {}


async def change_offers(session: Session) -> set[str]:
    """Change 10 prices and 5 stocks in the catalogue; returns the 15 SKU codes."""
    online = {sku.sku_code for item in await session.sandbox.products() for sku in item.skus}
    sellable = [
        product
        async for product in session.channel.source_products(session.merchant, session.catalogue)
        if product.fields.get("sku") in online and product.fields["sku"] == product.product_id
    ]
    step = max(len(sellable) // (PRICES_CHANGED + STOCKS_CHANGED), 1)
    chosen = sellable[::step][: PRICES_CHANGED + STOCKS_CHANGED]
    dearer = [with_fields(session, item, price=raised(item)) for item in chosen[:PRICES_CHANGED]]
    fuller = [
        with_fields(session, item, stock=int(item.fields["stock"]) + 1)
        for item in chosen[PRICES_CHANGED:]
    ]
    await publish(session, dearer + fuller)
    await settle(session)
    return {item.product_id for item in chosen}


def raised(product: SourceProduct) -> str:
    """The product's price and ten cents: a change, whatever run this is."""
    return str(Decimal(str(product.fields["price"])) + Decimal("0.10"))


def with_fields(session: Session, product: SourceProduct, **changed: str | int) -> CatalogUpdated:
    """The product's next version, with these fields changed."""
    return CatalogUpdated(
        merchant_id=session.merchant,
        catalogue_id=session.catalogue,
        product_id=product.product_id,
        action="upsert",
        version=product.version + 1,
        parent_id=product.parent_id,
        fields=product.fields | changed,
    )


def offers_in(entries: Sequence[LedgerEntry]) -> set[str]:
    """The SKU codes whose price or stock these effects changed."""
    return {
        entry.sku_code
        for entry in entries
        if entry.sku_code and entry.is_accepted and entry.operation in OFFER_OPERATIONS
    }
