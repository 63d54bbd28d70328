"""`channel preview`: what would be sent, and why not (M6.1)."""

from pathlib import Path
from typing import Annotated, Any

import typer

from channel_cli.answers import Document, PreviewFamily
from channel_cli.client import Channel, route_of
from channel_cli.output import (
    SAMPLE_FEED,
    SAMPLE_MERCHANT,
    AsJson,
    FeedId,
    MerchantId,
    ask,
    fail,
    say,
    show,
    table_of,
    write_json,
)
from channel_cli.session import Problem, Query
from channel_cli.settings import CATALOG, PUBLISHER

FORMATS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".xlsx": "xlsx"}


def preview(
    family: Annotated[str | None, typer.Argument(help="One product in full.")] = None,
    *,
    merchant: MerchantId = SAMPLE_MERCHANT,
    feed: FeedId = SAMPLE_FEED,
    state: Annotated[str | None, typer.Option(help="valid, invalid, excluded, …")] = None,
    rule: Annotated[
        str | None, typer.Option(help="Only products with an issue of this rule.")
    ] = None,
    query: Annotated[str | None, typer.Option("--query", "-q", help="Words to look for.")] = None,
    quality_from: Annotated[
        int | None,
        typer.Option(min=0, max=100, help="Only products that meet so much of the advice."),
    ] = None,
    quality_to: Annotated[
        int | None,
        typer.Option(min=0, max=100, help="Only products that meet no more of the advice."),
    ] = None,
    download: Annotated[
        Path | None,
        typer.Option(
            "--download",
            "-d",
            dir_okay=False,
            help="The whole preview into a file: .jsonl with source fields and request bodies, a"
            " product a line; .csv a SKU a line; .xlsx a SKU a row, with a sheet of source fields.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What would be sent, and why not (M6.1).

    One product in full: its source fields, issues and request body, and under `publishing` what the
    next runs would do, the body as it would be sent now, and what it changes at AliExpress.
    """
    if download is not None:
        _download(merchant, feed, download)
    elif family is not None:
        write_json(ask(lambda channel: _whole(channel, merchant, feed, family)))
    else:
        filters: Query = {
            "state": state,
            "rule": rule,
            "q": query,
            "quality_from": quality_from,
            "quality_to": quality_to,
        }
        _list(merchant, feed, filters, as_json)


def _download(merchant: str, feed: str, file: Path) -> None:
    form = FORMATS.get(file.suffix.lower())
    if form is None:
        fail(f"{file.name} is of no known format", f"Name it by one of {', '.join(FORMATS)}.")
    path = route_of(merchant, "feeds", feed, "preview-download")
    ask(lambda channel: channel.session.save(CATALOG, path, file, {"format": form}))
    say(f"{file} holds the preview of {feed}.")


async def _whole(channel: Channel, merchant: str, feed: str, family: str) -> Document:
    document = await channel.preview_family(merchant, feed, family)
    path = route_of(merchant, "feeds", feed, "bodies", family)
    return document | {"publishing": await _found(channel, PUBLISHER, path)}


async def _found(channel: Channel, service: str, path: str) -> Any:
    """What a service answers; None while it has not heard of the feed or product."""
    try:
        return await channel.session.get(service, path, Any)
    except Problem as problem:
        if problem.details.status != 404:
            raise
        return None


def _list(merchant: str, feed: str, filters: Query, as_json: bool) -> None:
    async def asked(channel: Channel) -> tuple[list[PreviewFamily], Any, Any, Any]:
        families = [item async for item in channel.preview(merchant, feed, filters)]
        if as_json:
            return families, None, None, None
        of_feed = {
            name: route_of(merchant, "feeds", feed, name)
            for name in ("issues", "forecast", "completeness")
        }
        is_rule_without = filters["rule"] is not None and not families
        groups = await _found(channel, CATALOG, of_feed["issues"]) if is_rule_without else None
        forecast = await _found(channel, PUBLISHER, of_feed["forecast"])
        return families, groups, forecast, await _found(channel, CATALOG, of_feed["completeness"])

    families, groups, forecast, completeness = ask(asked)
    columns = ("product", "state", "quality", "effect", "issue", "remedy")
    rows = (row for item in families for row in _rows(item))
    show(families, as_json, lambda: table_of(columns, rows))
    if groups is not None:
        say(_rules_line(filters["rule"], groups))
    if completeness is not None:
        say(_quality_line(completeness["quality"]))
    if forecast is not None:
        actions = [f"{action} {count}" for action, count in forecast["actions"].items()]
        others = [f"{name} {forecast[name]}" for name in ("refused", "waiting", "unchanged")]
        say(f"The next product run would: {', '.join([*actions, *others])} (products).")


def _rules_line(rule: object, groups: list[Document]) -> str:
    """Why none was found by a rule, which may be mistyped."""
    rules = sorted({str(group["rule"]) for group in groups})
    if rule in rules:
        return f"No product with an issue of rule {rule} fits the other filters, too."
    if not rules:
        return "By this preview no product has any issue."
    named = ", ".join(rules)
    return f"By this preview no product has an issue of rule {rule}; there are issues of {named}."


def _quality_line(quality: Document) -> str:
    if quality["average"] is None:
        return "Quality: it can be said of no product yet."
    figures = ", ".join(
        f"{each['products']} at {each['quality']}" for each in quality["distribution"]
    )
    unknown = f"; of {quality['unknown']} it cannot be said" if quality["unknown"] else ""
    return f"Quality (advice met, of 100): {quality['average']} on average; {figures}{unknown}."


def _rows(item: PreviewFamily) -> list[tuple[str, str, str, str, str, str]]:
    """A row for each issue of the product; one without where it has none."""
    quality = "" if item.quality is None else str(item.quality)
    rows = [
        (
            item.family_id,
            item.state,
            quality,
            issue.effect,
            f"{issue.rule} {issue.field}: {issue.message}",
            issue.remedy,
        )
        for issue in item.issues
    ]
    return rows or [(item.family_id, item.state, quality, "", "", "")]
