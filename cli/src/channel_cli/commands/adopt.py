"""`channel adopt`: products that were online before, taken over instead of created (M1.6)."""

from typing import Annotated

import typer

from channel_cli.adoption_answers import Adopted, Candidate
from channel_cli.adoption_calls import FeedAdoptions
from channel_cli.client import Channel
from channel_cli.output import (
    SAMPLE_FEED,
    SAMPLE_MERCHANT,
    SOME_REFUSED,
    AsJson,
    FeedId,
    MerchantId,
    ask,
    fail,
    say,
    show,
    table_of,
)

app = typer.Typer(
    help="Products that were online before: taken over by their SKU codes, not created again.",
    no_args_is_help=True,
    epilog="A dry run finds them: `channel run product-feed --dry-run`. Exit code: 0 all were"
    " adopted; 3 some were not; 1 nobody answered, or AliExpress did not.",
)


@app.command("list")
def list_candidates(
    merchant: MerchantId = SAMPLE_MERCHANT, feed: FeedId = SAMPLE_FEED, as_json: AsJson = False
) -> None:
    """What could be adopted, as the last runs and dry runs found it."""
    found = ask(lambda channel: _candidates(channel, merchant, feed))
    columns = ("product", "AliExpress product", "its title", "SKUs in common", "of", "hints")
    rows = (
        (
            one.family_id,
            one.marketplace_product_id,
            one.title,
            one.sku_codes,
            one.skus_in_shop,
            hints_of(one),
        )
        for one in found
    )
    show(found, as_json, lambda: table_of(columns, rows))
    if found and not as_json:
        say("Type `channel adopt accept PRODUCT`, or --all for all that are not ambiguous.")


def hints_of(one: Candidate) -> list[str]:
    """What speaks for a candidate, or against taking it unseen."""
    barcodes = f"same barcode: {', '.join(one.same_barcodes)}" if one.same_barcodes else None
    title = "same title" if one.has_same_title else None
    return [hint for hint in (title, barcodes, "ambiguous" if one.is_ambiguous else None) if hint]


@app.command()
def accept(
    products: Annotated[
        list[str] | None, typer.Argument(help="Products of the feed, by their ids.")
    ] = None,
    *,
    every: Annotated[
        bool, typer.Option("--all", help="All candidates that are not ambiguous.")
    ] = False,
    aliexpress_product: Annotated[
        str | None, typer.Option(help="Which of its candidates one product takes over.")
    ] = None,
    merchant: MerchantId = SAMPLE_MERCHANT,
    feed: FeedId = SAMPLE_FEED,
    as_json: AsJson = False,
) -> None:
    """Take products over; the next runs bring them up to date."""
    names = products or []
    if every == bool(names):
        fail("name products, or all", "Type `channel adopt accept PRODUCT ...`, or --all.")
    if aliexpress_product is not None and len(names) != 1:
        fail("--aliexpress-product is of one product", "Name that one product.")

    async def asked(channel: Channel) -> Adopted:
        adoptions = FeedAdoptions(channel.session, merchant, feed)
        if every:
            return await adoptions.adopt_all()
        known = await _candidates(channel, merchant, feed)
        return await adoptions.adopt(_chosen(known, names, aliexpress_product))

    _show(ask(asked), as_json)


async def _candidates(channel: Channel, merchant: str, feed: str) -> list[Candidate]:
    adoptions = FeedAdoptions(channel.session, merchant, feed)
    return [one async for one in adoptions.candidates()]


def _chosen(known: list[Candidate], names: list[str], chosen: str | None) -> list[Candidate]:
    """The candidate of each name; what is not there or not clear ends the command."""
    found = []
    for name in dict.fromkeys(names):
        own = [c for c in known if c.family_id == name]
        own = [c for c in own if chosen in {None, c.marketplace_product_id}]
        if not own:
            fail(
                f"{name} has no such candidate",
                "See `channel adopt list`; `channel run product-feed --dry-run` looks again.",
            )
        if len(own) > 1:
            ids = ", ".join(one.marketplace_product_id for one in own)
            fail(f"{name} has several candidates: {ids}", "Choose with --aliexpress-product.")
        found += own
    return found


def _show(done: Adopted, as_json: bool) -> None:
    columns = ("product", "AliExpress product", "", "why", "what to do")
    rows = (
        (one.family_id, one.marketplace_product_id, one.outcome, one.message, one.remedy)
        for one in done.items
    )
    show(done, as_json, lambda: table_of(columns, rows))
    if done.stopped:
        fail(f"the others were not tried: {done.stopped}", "Type the same again later.")
    if any(one.outcome != "adopted" for one in done.items):
        raise typer.Exit(SOME_REFUSED)
    if done.items:
        say("The next runs bring them up to date: `channel run product-feed`.")
