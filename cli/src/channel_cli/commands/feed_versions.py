"""`channel feeds show | edit | history | diff | rollback | delete`: what a feed is and was."""

from typing import Annotated, Any

import typer
import yaml

from channel_cli.answers import AppliedFeed
from channel_cli.client import Channel
from channel_cli.commands.feed_files import load_configuration
from channel_cli.commands.feeds import IfVersion, Note, show_applied
from channel_cli.editing import open_in_editor
from channel_cli.feed_answers import Diff, FeedConfiguration, Version, WholeVersion
from channel_cli.feed_calls import FeedConfigurations
from channel_cli.following import apply_feed
from channel_cli.output import (
    SAMPLE_FEED,
    SAMPLE_MERCHANT,
    AsJson,
    FeedId,
    MerchantId,
    NamedFeed,
    ask,
    fail,
    out,
    say,
    show,
    table_of,
    write_json,
)

SCHEMA = "schemas/feed-configuration.v1.json"


def show_feed(
    feed: NamedFeed = SAMPLE_FEED,
    merchant: MerchantId = SAMPLE_MERCHANT,
    version: Annotated[int | None, typer.Option(min=1, help="An earlier version.")] = None,
    as_json: AsJson = False,
) -> None:
    """A feed's configuration as YAML, to be kept in a file."""

    async def asked(channel: Channel) -> FeedConfiguration | WholeVersion:
        configurations = FeedConfigurations(channel.session, merchant, feed)
        if version is None:
            return await configurations.present()
        return await configurations.version(version)

    found = ask(asked)
    if as_json:
        write_json(found)
        return
    typer.echo(as_yaml(found.configuration), nl=False)
    if isinstance(found, FeedConfiguration):
        say(
            f"{feed} has version {found.configuration_version}; `channel feeds apply FILE"
            f" --if-version {found.configuration_version}` changes no other."
        )
        if found.lifecycle == "removed":
            say("The feed is removed; applying a configuration brings it back.")


def as_yaml(configuration: dict[str, Any]) -> str:
    """The configuration as people keep it; editors find what its keys mean by the first line."""
    text: str = yaml.safe_dump(configuration, sort_keys=False, allow_unicode=True, width=100)
    return f"# yaml-language-server: $schema={SCHEMA}\n{text}"


def edit(
    feed: NamedFeed = SAMPLE_FEED,
    merchant: MerchantId = SAMPLE_MERCHANT,
    note: Note = None,
    as_json: AsJson = False,
) -> None:
    """Change a feed's configuration in an editor; refused where somebody else changes it first."""
    present = ask(lambda channel: FeedConfigurations(channel.session, merchant, feed).present())
    before = as_yaml(present.configuration)
    file = open_in_editor(
        before,
        name=f"feed-{feed}",
        suffix=".yaml",
        instead=f"type `channel feeds show {feed} > feed.yaml` and apply that",
    )
    try:
        if file.read_text(encoding="utf-8") == before:
            say("Nothing was changed.")
            return
        configuration = load_configuration(file)
    except typer.Exit:
        say(f"What you wrote is kept in {file}.")
        raise
    version = present.configuration_version

    async def asked(channel: Channel) -> AppliedFeed:
        return await apply_feed(channel, merchant, feed, configuration, note=note, version=version)

    try:
        applied = ask(asked)
    except typer.Exit:
        say(f"What you wrote is kept in {file}.")
        raise
    file.unlink()
    show_applied(feed, applied, as_json)


def history(
    feed: NamedFeed = SAMPLE_FEED, merchant: MerchantId = SAMPLE_MERCHANT, as_json: AsJson = False
) -> None:
    """Every configuration a feed has had, the newest first."""

    async def asked(channel: Channel) -> list[Version]:
        configurations = FeedConfigurations(channel.session, merchant, feed)
        return [version async for version in configurations.versions()]

    versions = ask(asked)
    columns = ("version", "saved", "by", "note", "")
    rows = (
        (one.version, one.saved_at, one.author, one.note, "present" if one.is_present else "")
        for one in versions
    )
    show(versions, as_json, lambda: table_of(columns, rows))


def diff(
    feed: NamedFeed,
    version: Annotated[
        int | None, typer.Argument(min=1, help="A version; the newest when left out.")
    ] = None,
    against: Annotated[
        int | None, typer.Argument(min=1, help="Another; the one before when left out.")
    ] = None,
    *,
    merchant: MerchantId = SAMPLE_MERCHANT,
    patch: Annotated[bool, typer.Option("--patch", help="As a JSON Patch (RFC 6902).")] = False,
    as_json: AsJson = False,
) -> None:
    """What a version changed, or what came between two versions: a line for each change."""

    async def asked(channel: Channel) -> Diff:
        configurations = FeedConfigurations(channel.session, merchant, feed)
        number = version or (await configurations.present()).configuration_version
        older, newer = sorted((against or number, number))
        return await configurations.diff(newer, older if against else None)

    found = ask(asked)
    if as_json or patch:
        write_json(found.patch if patch else found)
        return
    say(f"version {found.from_version} -> {found.to_version}: {len(found.changes)} changes")
    for change in found.changes:
        out.print(change.words, markup=False, highlight=False, soft_wrap=True)


def rollback(
    first: Annotated[str, typer.Argument(metavar="[FEED]", help="The feed; or see --feed.")],
    second: Annotated[
        int | None, typer.Argument(metavar="VERSION", min=1, help="The version's number.")
    ] = None,
    *,
    feed: FeedId = SAMPLE_FEED,
    merchant: MerchantId = SAMPLE_MERCHANT,
    note: Note = None,
    if_version: IfVersion = None,
    as_json: AsJson = False,
) -> None:
    """Apply an earlier version of a feed's configuration again, as a new version."""

    named, version = (feed, first) if second is None else (first, str(second))
    if not version.isdecimal():
        raise typer.BadParameter(f"{version!r} is no version: `channel feeds history` has them")

    async def asked(channel: Channel) -> AppliedFeed:
        configurations = FeedConfigurations(channel.session, merchant, named)
        return await configurations.roll_back(int(version), note=note, version=if_version)

    show_applied(named, ask(asked), as_json)


def delete(
    feed: Annotated[str, typer.Argument(help="The feed's id.")],
    merchant: MerchantId = SAMPLE_MERCHANT,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove a feed; its products are deleted from the shop with the next product feed."""
    if not yes:
        question = f"{_consequence(merchant, feed)} Remove the feed {feed}?"
        if as_json:
            fail("the removal is not confirmed", f"{question} Type it again with --yes.")
        if not typer.confirm(question, err=True):
            fail("nothing was removed")
    ask(lambda channel: FeedConfigurations(channel.session, merchant, feed).remove())
    removed = {"feed_id": feed, "lifecycle": "removed"}
    show(removed, as_json, lambda: f"{feed} is removed; `channel runs list` shows its deletions.")


def _consequence(merchant: str, feed: str) -> str:
    found = ask(lambda channel: FeedConfigurations(channel.session, merchant, feed).present())
    if not found.online:
        return "None of its products is online."
    return f"{found.online} of its products are online and will be deleted from the shop."
