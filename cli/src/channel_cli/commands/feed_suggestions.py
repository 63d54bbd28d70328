"""`channel feeds suggest` and `accept`: what a feed lacks, and what may fill it."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import typer

from channel_cli.answers import AppliedFeed
from channel_cli.client import Channel
from channel_cli.commands.feed_files import read_document
from channel_cli.commands.feeds import IfVersion, Note, feed_named, show_applied
from channel_cli.output import (
    SAMPLE_FEED,
    SAMPLE_MERCHANT,
    AsJson,
    FeedId,
    MerchantId,
    NamedFeed,
    ask,
    fail,
    say,
    show,
    table_of,
)
from channel_cli.progress import poll
from channel_cli.session import TookTooLong
from channel_cli.suggestion_calls import Suggestion, Suggestions
from channel_cli.yaml_documents import NotYaml, read_yaml
from channel_cli.yaml_edits import NotEdited, put

Kind = Literal["categories", "attributes", "values"]

accept = typer.Typer(
    help="Take suggestions: each is saved as a version of the feed, or written into a file.",
    no_args_is_help=True,
)

ANSWERED_WITHIN = 20.0
SHOWN = 50
SURE = 0.9

IntoFile = Annotated[
    Path | None,
    typer.Option(
        "--file",
        exists=True,
        dir_okay=False,
        writable=True,
        help="Write it into this YAML file instead; its other lines stay as they are.",
    ),
]
OnlyKind = Annotated[Kind | None, typer.Option("--kind", help="Only these.")]


def suggest(
    feed: NamedFeed = SAMPLE_FEED,
    *,
    merchant: MerchantId = SAMPLE_MERCHANT,
    kind: OnlyKind = None,
    attribute: Annotated[str | None, typer.Option(help="Values of this attribute only.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many of a kind are shown.")] = SHOWN,
    as_json: AsJson = False,
) -> None:
    """What the feed lacks and what may fill it: leaves for categories, columns for attributes,
    allowed values for the catalogue's own. Each with a score of 0 to 1; nothing is changed."""
    if attribute is not None:
        kind = "values"
    kinds: Sequence[Kind] = get_args(Kind) if kind is None else (kind,)

    async def asked(channel: Channel) -> list[Suggestion]:
        suggestions = Suggestions(channel.session, merchant, feed)
        return [
            one
            for each in kinds
            for one in await _found(suggestions, each, attribute=attribute, most=limit)
        ]

    found = ask(asked)
    columns = ("waits", "products", "score", "take", "that is", "why")
    rows = [row for one in found for row in _rows(one)]
    show(found, as_json, lambda: table_of(columns, rows))
    if as_json:
        return
    if not found:
        say("Nothing waits for a suggestion; `channel preview` shows what would be sent.")
    if any(one.is_awaited for one in found):
        say("AliExpress has not answered for all titles yet: ask again in a minute.")


async def _found(
    suggestions: Suggestions, kind: Kind, *, attribute: str | None = None, most: int
) -> list[Suggestion]:
    """The first ones; those that AliExpress is asked for are awaited a while."""

    async def asked() -> list[Suggestion]:
        found: list[Suggestion] = []
        async for one in suggestions.of_kind(kind, attribute=attribute):
            found.append(one)
            if len(found) == most:
                break
        return found

    found: list[Suggestion] = []
    with suppress(TookTooLong):
        async for found in poll(asked, within=ANSWERED_WITHIN, what="asking AliExpress"):
            if not any(one.is_awaited for one in found):
                break
    return found


def _rows(one: Suggestion) -> list[tuple[Any, ...]]:
    of = one.of
    if one.attribute:
        kind = " (SKU)" if one.section == "sku_attributes" else ""
        of = f"{one.attribute}{kind}: {one.of}"
    if not one.candidates:
        return [(of, one.products, "", "", "nothing fits", "")]
    return [
        (
            "" if place else of,
            "" if place else one.products,
            f"{each.score:.2f}",
            each.take,
            each.name if each.name != each.take else "",
            each.why,
        )
        for place, each in enumerate(one.candidates)
    ]


@accept.command("category")
def accept_category(
    path: Annotated[str, typer.Argument(help="The catalogue's own category.")],
    leaf: Annotated[str, typer.Argument(help="The id of the leaf it goes to.")],
    *,
    merchant: MerchantId = SAMPLE_MERCHANT,
    feed: FeedId = SAMPLE_FEED,
    file: IntoFile = None,
    note: Note = None,
    if_version: IfVersion = None,
    as_json: AsJson = False,
) -> None:
    """A category of the catalogue goes to this leaf."""
    taken = [{"kind": "categories", "of": path, "take": leaf}]
    _take(merchant, feed, taken, file=file, note=note, version=if_version, as_json=as_json)


@accept.command("attribute")
def accept_attribute(
    attribute: Annotated[str, typer.Argument(help="The category attribute's name.")],
    column: Annotated[str, typer.Argument(help="The source field that fills it.")],
    *,
    merchant: MerchantId = SAMPLE_MERCHANT,
    feed: FeedId = SAMPLE_FEED,
    file: IntoFile = None,
    note: Note = None,
    if_version: IfVersion = None,
    as_json: AsJson = False,
) -> None:
    """A category attribute is filled by this source field."""
    taken = [{"kind": "attributes", "of": attribute, "take": column}]
    _take(merchant, feed, taken, file=file, note=note, version=if_version, as_json=as_json)


@accept.command("value")
def accept_value(
    attribute: Annotated[str, typer.Argument(help="The attribute's name.")],
    value: Annotated[str, typer.Argument(help="The catalogue's value.")],
    allowed: Annotated[str, typer.Argument(help="The allowed value it means.")],
    *,
    of_sku: Annotated[bool, typer.Option("--sku", help="It is an attribute of the SKU.")] = False,
    merchant: MerchantId = SAMPLE_MERCHANT,
    feed: FeedId = SAMPLE_FEED,
    file: IntoFile = None,
    note: Note = None,
    if_version: IfVersion = None,
    as_json: AsJson = False,
) -> None:
    """A value of the catalogue means this allowed one."""
    section = "sku_attributes" if of_sku else "category_attributes"
    taken = [
        {"kind": "values", "of": value, "take": allowed, "attribute": attribute, "section": section}
    ]
    _take(merchant, feed, taken, file=file, note=note, version=if_version, as_json=as_json)


@accept.command("best")
def accept_best(
    *,
    kind: OnlyKind = None,
    least: Annotated[
        float, typer.Option("--from", min=0, max=1, help="Only from this score on.")
    ] = SURE,
    merchant: MerchantId = SAMPLE_MERCHANT,
    feed: FeedId = "",
    file: IntoFile = None,
    note: Note = None,
    if_version: IfVersion = None,
    as_json: AsJson = False,
) -> None:
    """The first candidate of everything that `channel feeds suggest` shows, from a score on."""
    kinds: Sequence[Kind] = get_args(Kind) if kind is None else (kind,)
    named = feed or feed_named({} if file is None else read_document(file).value, "")

    async def asked(channel: Channel) -> list[Suggestion]:
        suggestions = Suggestions(channel.session, merchant, named)
        return [one for each in kinds for one in await _found(suggestions, each, most=1_000)]

    taken = [
        _taken(one) for one in ask(asked) if one.candidates and one.candidates[0].score >= least
    ]
    if not taken:
        fail(
            f"no suggestion has a score of {least} or more",
            f"`channel feeds suggest {named}` shows them all"
            + ("; a lower --from takes more." if least > 0 else "."),
        )
    _take(merchant, named, taken, file=file, note=note, version=if_version, as_json=as_json)


def _taken(one: Suggestion) -> dict[str, Any]:
    taken: dict[str, Any] = {"kind": one.kind, "of": one.of, "take": one.candidates[0].take}
    if one.kind == "values":
        taken |= {"attribute": one.attribute, "section": one.section}
    return taken


def _take(
    merchant: str,
    feed: str,
    taken: Sequence[dict[str, Any]],
    *,
    file: Path | None,
    note: str | None,
    version: int | None,
    as_json: bool,
) -> None:
    if file is not None:
        _write(file, taken)
        show(
            {"file": str(file), "accepted": taken},
            as_json,
            lambda: f"{len(taken)} written into {file}; `channel feeds apply {file}` saves it.",
        )
        return

    async def asked(channel: Channel) -> AppliedFeed:
        suggestions = Suggestions(channel.session, merchant, feed)
        return await suggestions.accept(taken, note=note, version=version)

    show_applied(feed, ask(asked), as_json)


def _write(file: Path, taken: Sequence[dict[str, Any]]) -> None:
    """The suggestions in the file; where one has no place the file stays as it is."""
    # imported here: it is all that a service compiles of a feed, which no other command needs
    from catalog_service.suggestions.accept import (  # noqa: PLC0415 - see above
        Accepted,
        NoPlace,
        edits_of,
    )

    read_document(file)
    text = file.read_text(encoding="utf-8")
    try:
        for each in taken:
            document = read_yaml(text).value or {}
            for edit in edits_of(document, Accepted.model_validate(each)):
                text = put(text, edit.path, edit.value)
    except NoPlace as refusal:
        fail(refusal.title, refusal.remedy)
    except (NotYaml, NotEdited) as error:
        fail(f"{file}: {error}", "Change it by hand.")
    file.write_text(text, encoding="utf-8")
