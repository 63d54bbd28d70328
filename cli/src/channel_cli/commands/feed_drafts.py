"""`channel feeds try`: what a configuration would do to every product, before it is saved."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from channel_cli.answers import AppliedFeed
from channel_cli.client import Channel
from channel_cli.commands.catalogues import take_file_fields
from channel_cli.commands.feed_files import load_configuration
from channel_cli.commands.feeds import Note, feed_named, show_applied
from channel_cli.feed_answers import Draft, DraftResult, FamilyChange
from channel_cli.feed_calls import FeedConfigurations
from channel_cli.following import follow_draft
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

MOST_CAUSES = 20
MOST_FIELDS = 20
File = Annotated[
    Path | None,
    typer.Argument(exists=True, dir_okay=False, help="The configuration, YAML or JSON."),
]


def try_feed(
    file: File = None,
    *,
    merchant: MerchantId = SAMPLE_MERCHANT,
    feed: FeedId = "",
    draft: Annotated[
        int | None, typer.Option(min=1, help="A configuration that was tried before, not a file.")
    ] = None,
    changes: Annotated[bool, typer.Option("--changes", help="List every changed product.")] = False,
    apply: Annotated[bool, typer.Option("--apply", help="Save it then.")] = False,
    note: Note = None,
    as_json: AsJson = False,
) -> None:
    """Try a configuration on every product; nothing is saved or sent before --apply."""
    if (file is None) == (draft is None):
        fail("name a file, or a draft", "Type `channel feeds try FILE`, or --draft with a number.")
    configuration = None if file is None else take_file_fields(load_configuration(file))[0]
    name = feed_named(configuration or {}, feed)

    async def tried(channel: Channel) -> Draft:
        configurations = FeedConfigurations(channel.session, merchant, name)
        if configuration is not None:
            begun = await configurations.begin_draft(configuration)
        else:
            begun = await configurations.draft(draft or 0)
        return await follow_draft(configurations, begun)

    async def listed(channel: Channel) -> list[FamilyChange]:
        found = FeedConfigurations(channel.session, merchant, name).changes(result.draft_id)
        return [change async for change in found]

    async def applied(channel: Channel) -> AppliedFeed:
        configurations = FeedConfigurations(channel.session, merchant, name)
        return await configurations.apply_draft(result.draft_id, note=note)

    result = ask(tried)
    found = ask(listed) if changes else None
    if not as_json:
        _print(result, found)
    saved = ask(applied) if apply else None
    if as_json:
        write_json(_document(result, found, saved))
    elif saved is not None:
        show_applied(name, saved, as_json=False)
    else:
        of_merchant = "" if merchant == SAMPLE_MERCHANT else f" --merchant {merchant}"
        say(
            "Nothing was saved. To save it type"
            f" `channel feeds try --draft {result.draft_id} --feed {name}{of_merchant} --apply`."
        )


def list_drafts(
    feed: NamedFeed = SAMPLE_FEED, merchant: MerchantId = SAMPLE_MERCHANT, as_json: AsJson = False
) -> None:
    """Configurations of a feed that were tried and are kept."""

    async def asked(channel: Channel) -> list[Draft]:
        configurations = FeedConfigurations(channel.session, merchant, feed)
        return [draft async for draft in configurations.drafts()]

    drafts = ask(asked)
    columns = ("draft", "state", "done", "of", "what becomes of products", "kept until")
    rows = (
        (d.draft_id, d.state, d.evaluated, d.families, d.result.kinds, d.expires_at) for d in drafts
    )
    show(drafts, as_json, lambda: table_of(columns, rows))


def drop(
    draft: Annotated[int, typer.Argument(min=1, help="The draft's number.")],
    feed: FeedId = SAMPLE_FEED,
    merchant: MerchantId = SAMPLE_MERCHANT,
    as_json: AsJson = False,
) -> None:
    """Forget a configuration that was tried."""
    ask(lambda channel: FeedConfigurations(channel.session, merchant, feed).drop_draft(draft))
    show({"dropped": draft}, as_json, lambda: f"Draft {draft} is dropped.")


def _document(
    draft: Draft, changes: list[FamilyChange] | None, applied: AppliedFeed | None
) -> dict[str, Any]:
    parts = {"draft": draft, "changes": changes, "applied": applied}
    return {name: part for name, part in parts.items() if part is not None}


def _print(draft: Draft, changes: list[FamilyChange] | None) -> None:
    result = draft.result
    out.print(table_of(("what becomes of products", "how many"), result.kinds.items()))
    out.print(_states(result))
    if result.fields:
        most = sorted(result.fields.items(), key=lambda field: -field[1])[:MOST_FIELDS]
        out.print(table_of(("field that changes", "products"), most))
    if result.excluded_by:
        out.print(table_of(("rule", "leaves out"), result.excluded_by.items()))
    if result.causes:
        columns = ("now", "then", "", "field", "issue", "what to do")
        rows = (
            (c.before, c.after, c.severity, c.field, c.message, c.remedy)
            for c in result.causes[:MOST_CAUSES]
        )
        out.print(table_of(columns, rows))
    say(f"{result.skus_affected} SKUs are affected.")
    if result.unseen_pictures:
        say(f"{result.unseen_pictures} products have pictures nobody looked at: taken as good.")
    for warning in draft.warnings:
        say(f"warning: {warning.field}: {warning.message}. {warning.remedy}")
    if changes is not None:
        out.print(table_of(("product", "would be", "what changes"), map(_change_row, changes)))


def _states(result: DraftResult) -> Any:
    after = sorted({state for row in result.states.values() for state in row})
    rows = ((before, *map(row.get, after)) for before, row in sorted(result.states.items()))
    return table_of(("now \\ then", *after), rows)


def _change_row(change: FamilyChange) -> tuple[str, str, str]:
    return change.family_id, change.kind, "\n".join(_lines(change))


def _lines(change: FamilyChange) -> Iterator[str]:
    if change.before_state != change.after_state:
        yield f"{change.before_state} -> {change.after_state}"
    for field in change.fields:
        yield f"{'.'.join(map(str, field.path))}: {_short(field.before)} -> {_short(field.after)}"
    if change.more_fields:
        yield f"and {change.more_fields} fields more"
    if change.kind in {"held_back", "not_sent"}:
        yield from (f"{issue.field}: {issue.message}" for issue in change.issues_after)


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
