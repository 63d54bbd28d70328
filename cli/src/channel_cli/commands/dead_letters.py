"""`channel dead-letters`: events that could not be taken, and replaying them."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.text import Text

from channel_cli.across_services import (
    EveryMerchant,
    ServiceName,
    find_letter,
    of_services,
    visible,
)
from channel_cli.answers import DeadLetter, ReplayOutcome
from channel_cli.client import Channel
from channel_cli.editing import compact, open_in_editor, spread
from channel_cli.output import (
    SAMPLE_MERCHANT,
    AsJson,
    MerchantId,
    ask,
    fail,
    fail_with,
    say,
    show,
    table_of,
)
from channel_cli.session import Problem, Query
from channel_cli.settling import SettleRequest, settle

app = typer.Typer(help="Events that could not be taken.", no_args_is_help=True)

LetterId = Annotated[int, typer.Argument(min=1, help="The dead letter's number.")]
LetterIds = Annotated[list[int] | None, typer.Argument(min=1, help="Their numbers.")]
Reason = Annotated[str | None, typer.Option("--reason", help="Only open ones with this reason.")]
Group_ = Annotated[str | None, typer.Option("--group", help="Only this consumer group's.")]
Source = Annotated[str | None, typer.Option("--source", help="Only those this system sent.")]
All = Annotated[bool, typer.Option("--all", help="All open ones.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say which; touch nothing.")]


@app.command("list")
def list_letters(
    *,
    merchant: MerchantId = SAMPLE_MERCHANT,
    every_merchant: EveryMerchant = False,
    service: ServiceName = None,
    state: Annotated[str, typer.Option(help="open, replayed, discarded, all.")] = "open",
    reason: Reason = None,
    group: Group_ = None,
    source: Source = None,
    as_json: AsJson = False,
) -> None:
    """Dead letters of all services."""
    filters: Query = {"state": state, "reason": reason, "group": group, "source": source}
    whose = None if every_merchant else merchant
    found = ask(lambda channel: letters_of(channel, whose, filters, service))
    rows = (
        (
            name,
            letter.id,
            visible(letter.key),
            letter.reason,
            visible(letter.detail),
            letter.remedy,
        )
        for name, letter in found
    )
    document = [{"service": name, "letter": letter} for name, letter in found]
    columns = ("service", "number", "key", "reason", "detail", "remedy")
    show(document, as_json, lambda: table_of(columns, rows))


@app.command("show")
def show_letter(
    letter_id: LetterId,
    *,
    merchant: MerchantId = SAMPLE_MERCHANT,
    every_merchant: EveryMerchant = False,
    service: ServiceName = None,
    as_json: AsJson = False,
) -> None:
    """One dead letter: what it holds, why it is here, what was done to it."""
    whose = None if every_merchant else merchant
    name, letter = ask(lambda channel: find_letter(channel, whose, letter_id, service))
    document = {"service": name, "letter": letter}
    show(document, as_json, lambda: _whole(name, letter))


@app.command()
def edit(
    letter_id: LetterId,
    *,
    value: Annotated[
        str | None,
        typer.Option("--value", help="A file with the corrected data, - for stdin; else $EDITOR."),
    ] = None,
    merchant: MerchantId = SAMPLE_MERCHANT,
    every_merchant: EveryMerchant = False,
    service: ServiceName = None,
    as_json: AsJson = False,
) -> None:
    """Correct the data of one and let the same handler take it again.

    Without --value the data opens in the editor. What is still no good stays a dead letter with
    its first data, and the text you wrote is kept.
    """
    whose = None if every_merchant else merchant
    name, letter = ask(lambda channel: find_letter(channel, whose, letter_id, service))
    if letter.state != "open":
        fail(f"dead letter {letter_id} was {letter.state} before", "Only open ones are replayed.")
    if value is not None:
        kept, corrected = None, _read(value)
    else:
        kept, corrected = _edited(letter)
    try:
        outcome = ask(lambda channel: channel.edit_dead_letter(name, whose, letter_id, corrected))
    except typer.Exit:
        _say_kept(kept, letter_id)
        raise
    show({"service": name, "outcome": outcome}, as_json, lambda: _outcome(name, outcome))
    if outcome.outcome == "rejected":
        _say_kept(kept, letter_id)
        raise typer.Exit(1)
    if kept is not None:
        kept.unlink()


@app.command()
def replay(
    letter_ids: LetterIds = None,
    *,
    merchant: MerchantId = SAMPLE_MERCHANT,
    every_merchant: EveryMerchant = False,
    service: ServiceName = None,
    reason: Reason = None,
    group: Group_ = None,
    source: Source = None,
    all_: All = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Let the same handlers take them again: those of these numbers, or all that fit."""
    filters = _filters(letter_ids, reason, group, source, is_all=all_)
    whose = None if every_merchant else merchant
    ids = list(dict.fromkeys(letter_ids or ()))
    _settle(SettleRequest("replay", whose, service, ids, filters, dry_run), as_json)


@app.command()
def discard(
    letter_ids: LetterIds = None,
    *,
    why: Annotated[str, typer.Option("--why", help="Why; it stays in their audit.")],
    merchant: MerchantId = SAMPLE_MERCHANT,
    every_merchant: EveryMerchant = False,
    service: ServiceName = None,
    reason: Reason = None,
    group: Group_ = None,
    source: Source = None,
    all_: All = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Discard them without replaying them; they cannot be replayed afterwards."""
    filters = _filters(letter_ids, reason, group, source, is_all=all_)
    whose = None if every_merchant else merchant
    ids = list(dict.fromkeys(letter_ids or ()))
    _settle(SettleRequest("discard", whose, service, ids, filters, dry_run, why), as_json)


async def letters_of(
    channel: Channel, merchant: str | None, filters: Query, service: str | None = None
) -> list[tuple[str, DeadLetter]]:
    """The dead letters of every service whose address is known, with the service's name."""
    return await of_services(
        channel, service, lambda name: channel.dead_letters(name, merchant, filters)
    )


def _filters(
    letter_ids: list[int] | None,
    reason: str | None,
    group: str | None,
    source: str | None,
    *,
    is_all: bool,
) -> dict[str, str | bool]:
    given: dict[str, str | bool | None] = {
        "reason": reason,
        "group": group,
        "source": source,
        "all": is_all or None,
    }
    filters = {name: value for name, value in given.items() if value is not None}
    if letter_ids and filters:
        raise typer.BadParameter("give numbers, or --reason, --group, --source, --all; not both")
    if not letter_ids and not filters:
        raise typer.BadParameter(
            "say which: their numbers, or --reason, --group, --source; --all for every open one"
        )
    return filters


def _settle(asked: SettleRequest, as_json: bool) -> None:
    settled = ask(lambda channel: settle(channel, asked))
    if settled.outcomes or as_json:
        show(settled.document(), as_json, settled.tables)
    else:
        say("No open dead letter fits.")
    if settled.failure is not None:
        say(f"It stopped after {len(settled.outcomes)} of {settled.found}; what is done is done.")
        if isinstance(settled.failure, Problem):
            fail_with(settled.failure.details)
        fail(str(settled.failure), "Type the same command again once it answers.")
    if asked.is_dry_run:
        say("Nothing was touched. Leave --dry-run out to do it.")
    if not settled.is_well:
        raise typer.Exit(1)


def _read(place: str) -> str:
    """What stands in the file, or comes on stdin."""
    try:
        content = sys.stdin.buffer.read() if place == "-" else Path(place).read_bytes()
        return content.decode()
    except OSError as error:
        fail(f"{place} cannot be read: {error.strerror}", "Name a file, or - for stdin.")
    except UnicodeDecodeError:
        fail(f"{place} is no text in UTF-8", "Save it as UTF-8: that is what events are.")


def _edited(letter: DeadLetter) -> tuple[Path, str]:
    """What the editor made of its value, and the file that has it."""
    if not letter.is_text and letter.value is not None:
        say("Its bytes are no UTF-8: what is none is shown as \ufffd.")
    before = spread(letter.value or "")
    instead = f"send a file: `channel dead-letters edit {letter.id} --value FILE`"
    file = open_in_editor(before, name=f"channel-dead-letter-{letter.id}", instead=instead)
    try:
        after = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        fail(
            f"{file} is no text in UTF-8 any more: nothing was sent", f"Correct it, then {instead}."
        )
    if after == before:
        file.unlink()
        fail(
            "nothing was changed, and nothing was sent",
            f"To replay it as it is: `channel dead-letters replay {letter.id}`.",
        )
    return file, compact(after)


def _say_kept(kept: Path | None, letter_id: int) -> None:
    if kept is not None:
        say(f"Your text is kept: `channel dead-letters edit {letter_id} --value {kept}`.")


def _outcome(service: str, outcome: ReplayOutcome) -> RenderableType:
    columns = ("service", "number", "outcome", "reason", "detail", "remedy")
    row = (
        service,
        outcome.id,
        outcome.outcome,
        outcome.reason,
        visible(outcome.detail),
        outcome.remedy,
    )
    return table_of(columns, [row])


def _whole(service: str, letter: DeadLetter) -> RenderableType:
    rows = (
        ("service", service),
        ("number", letter.id),
        ("state", letter.state),
        ("reason", letter.reason),
        ("detail", visible(letter.detail)),
        ("remedy", letter.remedy),
        ("merchant", visible(letter.merchant_id)),
        ("source", visible(letter.source)),
        ("group", letter.group),
        ("place", letter.place),
        ("came", letter.created_at),
        ("attempts", letter.attempts),
        ("key", visible(letter.key)),
        *((f"header {visible(name)}", visible(text)) for name, text in letter.headers.items()),
    )
    value = "(no value)" if letter.value is None else visible(spread(letter.value)) or "(empty)"
    if letter.value is not None and not letter.is_text:
        value = f"(no UTF-8; what is none is shown as \ufffd)\n{value}"
    shown: list[RenderableType] = [table_of(("what", "is"), rows), Text(value, overflow="fold")]
    if letter.audit:
        audit = ((entry.at, entry.actor, entry.action, entry.outcome) for entry in letter.audit)
        shown.append(table_of(("when", "who", "did", "outcome"), audit))
    return Group(*shown)
