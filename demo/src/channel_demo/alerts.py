"""An owner of the merchant is told when its shop's connection ends, and when it is back."""

import secrets
from urllib.parse import parse_qs, urlsplit

from channel_cli.alert_answers import Trouble
from channel_cli.alert_calls import Alerts
from channel_cli.output import out, say, table_of
from channel_cli.people_calls import People
from channel_cli.progress import poll
from channel_cli.session import Problem
from channel_cli.settings import AUTH
from channel_demo.bring_in import DemoFailed
from channel_demo.consent import agree
from channel_demo.sandbox import CaughtMail
from channel_demo.session import Session

OWNER = "sample-owner@example.com"
TAKEN_BACK = "connection_ended"
WITHIN = 60


async def tell_people(session: Session) -> None:
    """The seller takes the authorisation back; the owner is told, renews, and is told of that."""
    await add_owner(session)
    before = {trouble.trouble_id for trouble in await troubles(session)}
    await session.sandbox.end_tokens()
    await _call_marketplace(session)
    opened = await _wait_for(session, before, "open")
    say(f"told {OWNER}: {opened.title}. {opened.remedy}")
    link = await session.channel.connect_shop(session.merchant, session.shop)
    await agree(link.start_url, seller_id=session.sandbox.seller_id)
    await _wait_for(session, before, "closed")
    mails = await _mails(session)
    rows = ((mail.received_at, mail.subject) for mail in mails)
    out.print(table_of(("at", "mail"), rows, title=f"What {OWNER} was told"))


async def add_owner(session: Session) -> None:
    """Invite the owner and accept for them, unless they work for the merchant already."""
    people = People(session.channel.session)
    async for member in people.members(session.merchant):
        if member.email == OWNER and member.accepted_at is not None:
            return
    invited = await people.invite(session.merchant, OWNER, "owner", language="en", time_zone="UTC")
    link = parse_qs(urlsplit(invited.link or "").query).get("link", [""])[0]
    body = {"link": link, "password": secrets.token_urlsafe(24)}
    await session.channel.session.send(
        "POST", AUTH, "/v1/invitations/accept", type(None), body=body
    )


async def troubles(session: Session) -> list[Trouble]:
    """Every time the authorisation was taken back, the newest first."""
    alerts = Alerts(session.channel.session, session.merchant)
    return [trouble async for trouble in alerts.troubles({"kind": TAKEN_BACK})]


async def _call_marketplace(session: Session) -> None:
    """Let a call find out that the token is dead."""
    try:
        await session.channel.import_orders(session.merchant, session.shop)
    except Problem as problem:
        if problem.details.status >= 500:
            raise


async def _wait_for(session: Session, before: set[str], state: str) -> Trouble:
    """The new trouble, once it is in this state."""
    async for found in poll(
        lambda: troubles(session), within=WITHIN, what=f"a trouble that is {state}"
    ):
        for trouble in found:
            if trouble.trouble_id not in before and trouble.state == state:
                return trouble
    raise DemoFailed(f"nobody was told that the connection is {state}")


async def _mails(session: Session) -> list[CaughtMail]:
    """The owner's mails, once the one of the trouble's end has come."""
    async for mails in poll(lambda: session.sandbox.mails(OWNER), within=WITHIN, what="the mails"):
        if mails and mails[-1].subject.startswith("Over:"):
            return mails
    raise DemoFailed("no mail came")
