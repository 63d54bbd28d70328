"""`channel people`: who works for a merchant, and who runs the installation."""

from enum import StrEnum
from typing import Annotated

import typer

from channel_cli.client import Channel
from channel_cli.output import (
    SAMPLE_MERCHANT,
    AsJson,
    MerchantId,
    ask,
    fail,
    say,
    show,
    table_of,
)
from channel_cli.people_answers import InvitedPerson, Member, Person, PersonSessions
from channel_cli.people_calls import People

app = typer.Typer(
    help="Who works for a merchant, and who runs the installation.", no_args_is_help=True
)


class Role(StrEnum):
    """What a member may do: everything, the daily work, or look."""

    owner = "owner"
    agent = "agent"
    viewer = "viewer"


Email = Annotated[str, typer.Argument(help="The person's e-mail address.")]
AsOperator = Annotated[
    bool, typer.Option("--operator", help="Of those who run the installation, not a merchant.")
]


@app.command()
def invite(
    email: Email,
    role: Annotated[Role, typer.Option(help="What they may do.")] = Role.owner,
    *,
    merchant: MerchantId = SAMPLE_MERCHANT,
    operator: AsOperator = False,
    language: Annotated[str, typer.Option(help="en, fr or es.")] = "en",
    time_zone: Annotated[str, typer.Option(help="Such as Europe/Paris.")] = "UTC",
    as_json: AsJson = False,
) -> None:
    """Invite somebody by a link that opens once, within seven days. It is mailed, too."""

    async def asked(channel: Channel) -> InvitedPerson:
        people = People(channel.session)
        if operator:
            return await people.invite_operator(email)
        return await people.invite(
            merchant, email, role.value, language=language, time_zone=time_zone
        )

    _show_link(ask(asked), as_json)


@app.command("list")
def list_people(
    *,
    merchant: MerchantId = SAMPLE_MERCHANT,
    operator: AsOperator = False,
    everyone: Annotated[
        bool, typer.Option("--everyone", help="As an operator: of every merchant, and of none.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Who works for the merchant, and who is invited to."""
    if operator or everyone:
        _show_people(everyone, as_json)
        return

    async def asked(channel: Channel) -> list[Member]:
        return [member async for member in People(channel.session).members(merchant)]

    members = ask(asked)
    columns = ("e-mail", "role", "name", "language", "time zone", "since")
    rows = (
        (
            member.email,
            member.role,
            member.display_name,
            member.language,
            member.time_zone,
            member.accepted_at or "invited",
        )
        for member in members
    )
    show(members, as_json, lambda: table_of(columns, rows))


def _show_people(everyone: bool, as_json: bool) -> None:
    async def asked(channel: Channel) -> list[Person]:
        people = People(channel.session)
        if not everyone:
            return await people.operators()
        return [person async for person in people.everyone()]

    found = ask(asked)
    columns = ("e-mail", "name", "language", "time zone", "operator")
    rows = ((p.email, p.display_name, p.language, p.time_zone, p.is_operator) for p in found)
    show(found, as_json, lambda: table_of(columns, rows))


@app.command()
def role(
    email: Email,
    wanted: Annotated[Role, typer.Argument(metavar="ROLE", help="owner, agent or viewer.")],
    merchant: MerchantId = SAMPLE_MERCHANT,
) -> None:
    """Change what a member may do; the last owner stays one."""

    async def asked(channel: Channel) -> None:
        people = People(channel.session)
        member = await _member(people, merchant, email)
        await people.set_role(merchant, member.person_id, wanted.value)

    ask(asked)
    say(f"{email} is {wanted.value} of {merchant}, from the next token on.")


@app.command()
def remove(
    email: Email, merchant: MerchantId = SAMPLE_MERCHANT, operator: AsOperator = False
) -> None:
    """End a membership, or take an invitation back; the last owner stays."""

    async def asked(channel: Channel) -> None:
        people = People(channel.session)
        if operator:
            await people.remove_operator((await _person(people, email)).person_id)
            return
        member = await _member(people, merchant, email)
        await people.remove(merchant, member.person_id)

    ask(asked)
    say(f"{email} is {'no operator' if operator else f'no member of {merchant}'} any more.")


@app.command()
def reset(email: Email, as_json: AsJson = False) -> None:
    """A link by which somebody sets another password within an hour. It is mailed, too."""
    _show_link(ask(lambda channel: People(channel.session).reset(email)), as_json)


@app.command()
def sessions(
    email: Email,
    end: Annotated[bool, typer.Option("--end", help="Sign them out everywhere.")] = False,
    as_json: AsJson = False,
) -> None:
    """Where somebody is signed in, as an operator."""

    async def asked(channel: Channel) -> tuple[PersonSessions, int]:
        people = People(channel.session)
        person = await _person(people, email)
        found = await people.sessions(person.person_id)
        ended = (await people.end_sessions(person.person_id)).ended if end else 0
        return found, ended

    found, ended = ask(asked)
    columns = ("session", "began", "last seen", "ends", "address", "browser")
    rows = (
        (s.session_id, s.made_at, s.last_seen_at, s.ends_at, s.address, s.user_agent)
        for s in found.items
    )
    show(found.items, as_json, lambda: table_of(columns, rows))
    if end:
        say(f"{ended} sessions were ended.")


def _show_link(invited: InvitedPerson, as_json: bool) -> None:
    show(invited, as_json, lambda: invited.link or "The link was mailed.")
    say(f"It opens once, for {invited.email}, before {invited.expires_at:%Y-%m-%d %H:%M} UTC.")


async def _member(people: People, merchant: str, email: str) -> Member:
    wanted = email.strip().lower()
    found = [member async for member in people.members(merchant) if member.email == wanted]
    if found:
        return found[0]
    return fail(f"{email} is no member of {merchant}", "`channel people list` shows who is.")


async def _person(people: People, email: str) -> Person:
    found = [person async for person in people.everyone(email.strip().lower())]
    if found:
        return found[0]
    return fail(
        f"nobody has the address {email}", "`channel people list --everyone` shows who is there."
    )
