"""`channel feeds`: configurations that send a catalogue to a shop."""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

import typer

from channel_cli.answers import AppliedFeed
from channel_cli.client import Channel, route_of
from channel_cli.commands.catalogues import declare_catalogue, take_file_fields
from channel_cli.commands.feed_files import ConfigurationFile, load_configuration
from channel_cli.following import apply_feed
from channel_cli.output import (
    SAMPLE_FEED,
    SAMPLE_MERCHANT,
    AsJson,
    FeedId,
    MerchantId,
    ask,
    say,
    show,
    table_of,
    write_json,
)
from channel_cli.publishing_answers import Feed, Schedule
from channel_cli.settings import PUBLISHER

app = typer.Typer(help="Configurations that send a catalogue to a shop.", no_args_is_help=True)

Note = Annotated[str | None, typer.Option(help="Why; `channel feeds history` shows it.")]
IfVersion = Annotated[
    int | None,
    typer.Option("--if-version", min=1, help="Only where the feed still has this version."),
]


@app.command("list")
def list_feeds(merchant: MerchantId = SAMPLE_MERCHANT, as_json: AsJson = False) -> None:
    """The merchant's feeds, their schedules and counts."""

    async def asked(channel: Channel) -> list[Feed]:
        return [feed async for feed in channel.feeds(merchant)]

    feeds = ask(asked)
    columns = ("feed", "shop", "catalogue", "configuration", "runs", "products")
    rows = (
        (
            feed.feed_id,
            feed.shop_id,
            feed.catalogue_id,
            feed.configuration_version,
            "\n".join([*map(_schedule, feed.schedules), *_guard(feed), *_fast_lane(feed)])
            or feed.waits_for_shop,
            "\n".join(f"{name}: {count}" for name, count in feed.counts.items()),
        )
        for feed in feeds
    )
    show(feeds, as_json, lambda: table_of(columns, rows))


def _sending(feed: Feed) -> list[str]:
    return [*map(_schedule, feed.schedules), *_guard(feed), *_fast_lane(feed)]


def _fast_lane(feed: Feed) -> list[str]:
    if feed.fast_lane is None:
        return []
    return [f"fast lane: {'on' if feed.fast_lane.is_on else f'off ({feed.fast_lane.why_off})'}"]


def _schedule(schedule: Schedule) -> str:
    if schedule.is_paused:
        reason = f" ({schedule.pause_reason})" if schedule.pause_reason else ""
        return f"{schedule.kind}: paused{reason}"
    rhythm = ""
    if schedule.daily_at is not None:
        rhythm = f", daily at {schedule.daily_at} {schedule.zone}"
    elif schedule.every_minutes is not None:
        rhythm = f", every {schedule.every_minutes} minutes"
    return f"{schedule.kind}: {schedule.next_due_at:%Y-%m-%d %H:%M} UTC{rhythm}"


def _guard(feed: Feed) -> list[str]:
    if feed.guard is None or not feed.guard.is_chosen:
        return []
    return [f"guard: {(feed.guard.removal_share * 100).normalize():f} %"]


@app.command()
def pause(
    reason: Annotated[str, typer.Option(help="Why; others see it.")],
    merchant: MerchantId = SAMPLE_MERCHANT,
    feed: FeedId = SAMPLE_FEED,
    as_json: AsJson = False,
) -> None:
    """Stop a feed's schedules."""
    answer = ask(lambda channel: channel.pause_feed(merchant, feed, reason))
    show(answer, as_json, lambda: f"{feed} is paused; `channel feeds resume` lets it run again.")


@app.command()
def resume(
    merchant: MerchantId = SAMPLE_MERCHANT, feed: FeedId = SAMPLE_FEED, as_json: AsJson = False
) -> None:
    """Let a feed's schedules run again."""
    answer = ask(lambda channel: channel.resume_feed(merchant, feed))
    show(answer, as_json, lambda: f"{feed} runs on its schedules again.")


@app.command("fast-lane")
def set_fast_lane(
    choice: Annotated[
        Literal["on", "off", "default"], typer.Argument(help="`default`: as the operator set it.")
    ],
    merchant: MerchantId = SAMPLE_MERCHANT,
    feed: FeedId = SAMPLE_FEED,
    as_json: AsJson = False,
) -> None:
    """Send prices and stock of a feed as they change, not with the hourly run alone."""
    is_on = {"on": True, "off": False, "default": None}[choice]

    answer = ask(lambda channel: _put(channel, merchant, feed, "fast-lane", {"is_on": is_on}))
    show(answer, as_json, lambda: "\n".join(_fast_lane(answer)))


@app.command("schedule")
def set_schedule(
    *,
    daily_at: Annotated[
        str | None, typer.Option(help="When products are sent each day: 22:30.")
    ] = None,
    zone: Annotated[str, typer.Option(help="The time zone of that: Europe/Madrid.")] = "UTC",
    offers_every: Annotated[
        int | None, typer.Option(help="How often prices and stock are sent: 10 to 60 minutes.")
    ] = None,
    merchant: MerchantId = SAMPLE_MERCHANT,
    feed: FeedId = SAMPLE_FEED,
    as_json: AsJson = False,
) -> None:
    """Say when a feed's runs are due; what is not named is as the operator set it."""
    product = None if daily_at is None else {"at": daily_at, "zone": zone}
    body = {"product": product, "offer_every_minutes": offers_every}
    answer = ask(lambda channel: _put(channel, merchant, feed, "schedule", body))
    show(answer, as_json, lambda: "\n".join(map(_schedule, answer.schedules)))


def _share_of(percent: str) -> Decimal:
    try:
        share = Decimal(percent.rstrip("% ")) / 100
        is_share = 0 < share <= 1
    except InvalidOperation:
        is_share = False
    if not is_share:
        raise typer.BadParameter(f"{percent!r} is not above 0 to 100 percent, such as 10")
    return share


@app.command("guard")
def set_guard(
    percent: Annotated[str, typer.Argument(help="Of the products, above 0 to 100; or `default`.")],
    merchant: MerchantId = SAMPLE_MERCHANT,
    feed: FeedId = SAMPLE_FEED,
    as_json: AsJson = False,
) -> None:
    """Say how much a run may delete, sell out or reconfigure in 24 hours without a confirmation."""
    body = {"share": None if percent == "default" else str(_share_of(percent))}
    answer = ask(lambda channel: _put(channel, merchant, feed, "guard", body))
    show(answer, as_json, lambda: "\n".join(_guard(answer)) or "guard: as the operator set it")


async def _put(channel: Channel, merchant: str, feed: str, what: str, body: Any) -> Feed:
    path = route_of(merchant, "feeds", feed, what)
    return await channel.session.send("PUT", PUBLISHER, path, Feed, body=body)


@app.command()
def apply(
    file: ConfigurationFile,
    *,
    merchant: MerchantId = SAMPLE_MERCHANT,
    feed: FeedId = "",
    note: Note = None,
    if_version: IfVersion = None,
    as_json: AsJson = False,
) -> None:
    """Save a configuration; the feed's products are normalized again.

    An `id_field` and a `parent_field` of the document are declared for its catalogue.
    """
    configuration, fields = take_file_fields(load_configuration(file))
    name = feed_named(configuration, feed)

    async def asked(channel: Channel) -> AppliedFeed:
        if fields and (catalogue := configuration.get("catalogue")):
            await declare_catalogue(channel, merchant, str(catalogue), fields)
        return await apply_feed(
            channel, merchant, name, configuration, note=note, version=if_version
        )

    show_applied(name, ask(asked), as_json)


def show_applied(feed: str, answer: AppliedFeed, as_json: bool) -> None:
    """A configuration that was saved, and what in it is likely a slip."""
    show(
        answer,
        as_json,
        lambda: f"{feed} has configuration {answer.configuration_version}; see `channel preview`.",
    )
    if not as_json:
        for warning in answer.warnings:
            say(f"warning: {warning.field}: {warning.message}. {warning.remedy}")


@app.command()
def check(
    file: ConfigurationFile,
    merchant: MerchantId = SAMPLE_MERCHANT,
    feed: FeedId = "",
    as_json: AsJson = False,
) -> None:
    """Try a configuration without saving it: what it excludes, what it leaves unmatched."""
    configuration, _ = take_file_fields(load_configuration(file))
    name = feed_named(configuration, feed)
    answer = ask(lambda channel: channel.check_feed(merchant, name, configuration))
    if as_json:
        write_json(answer)
    else:
        show(answer, False, lambda: table_of(("what", "found"), answer.items()))


def feed_named(configuration: dict[str, Any], named: str) -> str:
    """The feed meant: the one named on the command line, else in the document."""
    return named or str(configuration.get("feed") or SAMPLE_FEED)
