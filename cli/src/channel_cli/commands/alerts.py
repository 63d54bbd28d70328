"""`channel alerts`: what is wrong, who is told of it, and webhooks."""

from enum import StrEnum
from itertools import islice
from typing import Annotated

import typer

from channel_cli.alert_answers import Delivery, Endpoint, Subscriptions, Trouble
from channel_cli.alert_calls import Alerts
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
from channel_cli.people_calls import People

app = typer.Typer(help="What is wrong, and who is told of it.", no_args_is_help=True)
webhooks = typer.Typer(help="Systems that are told of troubles.", no_args_is_help=True)
app.add_typer(webhooks, name="webhooks")

DELIVERIES_SHOWN = 50
Person = Annotated[str, typer.Argument(help="The e-mail address of a member.")]
EndpointId = Annotated[str, typer.Argument(help="The endpoint's id.")]


class State(StrEnum):
    """Which troubles are listed."""

    OPEN = "open"
    CLOSED = "closed"
    ALL = "all"


@app.command("list")
def list_troubles(
    *,
    state: Annotated[State, typer.Option(help="Which troubles.")] = State.OPEN,
    kind: Annotated[str | None, typer.Option(help="Only of this kind.")] = None,
    severity: Annotated[str | None, typer.Option(help="critical or warning.")] = None,
    merchant: MerchantId = SAMPLE_MERCHANT,
    as_json: AsJson = False,
) -> None:
    """What is wrong at the merchant, the newest first, with what to do."""
    query = {
        "state": None if state is State.ALL else state.value,
        "kind": kind,
        "severity": severity,
    }

    async def asked(channel: Channel) -> list[Trouble]:
        found = Alerts(channel.session, merchant).troubles(query)
        return [trouble async for trouble in found]

    troubles = ask(asked)
    columns = ("id", "severity", "what is wrong", "since", "state", "what to do")
    rows = (
        (one.trouble_id, one.severity, one.title, one.since, _state_of(one), one.remedy)
        for one in troubles
    )
    show(troubles, as_json, lambda: table_of(columns, rows))


def _state_of(trouble: Trouble) -> str:
    return f"{trouble.state}, acknowledged" if trouble.acknowledged_at else trouble.state


@app.command()
def ack(
    trouble: Annotated[str, typer.Argument(help="The trouble's id.")],
    merchant: MerchantId = SAMPLE_MERCHANT,
    as_json: AsJson = False,
) -> None:
    """Say that somebody takes care: nobody is reminded of it any more."""
    found = ask(lambda channel: Alerts(channel.session, merchant).acknowledge(trouble))
    show(found, as_json, lambda: f"{found.title}: acknowledged by {found.acknowledged_by}")


@app.command()
def subscriptions(
    person: Person,
    *,
    on: Annotated[
        list[str] | None, typer.Option(help="KIND:mail or KIND:in_app to be told of; may repeat.")
    ] = None,
    off: Annotated[
        list[str] | None, typer.Option(help="The same, not to be told of; may repeat.")
    ] = None,
    merchant: MerchantId = SAMPLE_MERCHANT,
    as_json: AsJson = False,
) -> None:
    """What a member is told of; with --on and --off, change it. The rest stays as it is."""
    changed = {_choice(text): True for text in on or []}
    changed |= {_choice(text): False for text in off or []}

    async def asked(channel: Channel) -> Subscriptions:
        alerts = Alerts(channel.session, merchant)
        person_id = await _person_id(channel, person)
        found = await alerts.subscriptions(person_id)
        if not changed:
            return found
        present = {
            (item.kind, name): value
            for item in found.items
            for name, value in (("mail", item.mail), ("in_app", item.in_app))
        }
        return await alerts.subscribe(person_id, present | changed)

    found = ask(asked)
    columns = ("kind", "what it says", "mail", "list", "by role")
    rows = ((one.kind, one.title, one.mail, one.in_app, one.is_default) for one in found.items)
    show(found, as_json, lambda: table_of(columns, rows, title=f"{found.email}, {found.role}"))


def _choice(text: str) -> tuple[str, str]:
    kind, _, channel = text.partition(":")
    if channel not in {"mail", "in_app"}:
        raise typer.BadParameter(f"{text!r} is not KIND:mail or KIND:in_app")
    return kind, channel


async def _person_id(channel: Channel, email: str) -> str:
    found = [person async for person in People(channel.session).everyone(email)]
    if not found:
        fail(f"nobody has the address {email}", "`channel people list` names the members.")
    return found[0].person_id


@app.command("test")
def try_channel(
    person: Annotated[str | None, typer.Argument(help="Whom to send a test mail.")] = None,
    *,
    endpoint: Annotated[str | None, typer.Option(help="Or an endpoint's id.")] = None,
    merchant: MerchantId = SAMPLE_MERCHANT,
    as_json: AsJson = False,
) -> None:
    """Send a test mail to a member, or a test event to a webhook endpoint."""
    if (person is None) == (endpoint is None):
        raise typer.BadParameter("name a member's address, or an endpoint by --endpoint")

    async def asked(channel: Channel) -> object:
        alerts = Alerts(channel.session, merchant)
        if endpoint is not None:
            return await alerts.try_webhook(endpoint)
        return await alerts.try_mail(await _person_id(channel, person or ""))

    found = ask(asked)
    show(found, as_json, lambda: f"A test is on its way to {endpoint or person}.")


# ---- webhooks


@webhooks.command("list")
def list_endpoints(merchant: MerchantId = SAMPLE_MERCHANT, as_json: AsJson = False) -> None:
    """The endpoints, and which are disabled."""

    async def asked(channel: Channel) -> list[Endpoint]:
        return [one async for one in Alerts(channel.session, merchant).endpoints()]

    found = ask(asked)
    columns = ("id", "address", "description", "kinds", "failing since", "disabled")
    rows = (
        (
            one.endpoint_id,
            one.url,
            one.description,
            one.kinds,
            one.failing_since,
            one.disabled_reason,
        )
        for one in found
    )
    show(found, as_json, lambda: table_of(columns, rows))


@webhooks.command()
def add(
    url: Annotated[str, typer.Argument(help="An https address.")],
    *,
    kind: Annotated[
        list[str] | None, typer.Option(help="A kind, or a beginning such as order_*; may repeat.")
    ] = None,
    description: Annotated[str, typer.Option(help="Which system it is.")] = "",
    merchant: MerchantId = SAMPLE_MERCHANT,
    as_json: AsJson = False,
) -> None:
    """Add an endpoint; its secret is shown this once."""
    made = ask(
        lambda channel: Alerts(channel.session, merchant).add_endpoint(
            url, description=description, kinds=kind or ["*"]
        )
    )
    show(made, as_json, lambda: f"{made.endpoint_id}\nsecret: {made.secret}")
    say("The secret is shown this once; deliveries are signed by it (standardwebhooks.com).")


@webhooks.command()
def remove(endpoint: EndpointId, merchant: MerchantId = SAMPLE_MERCHANT) -> None:
    """Forget an endpoint, with its deliveries."""
    ask(lambda channel: Alerts(channel.session, merchant).remove_endpoint(endpoint))
    say("Removed.")


@webhooks.command()
def enable(
    endpoint: EndpointId, merchant: MerchantId = SAMPLE_MERCHANT, as_json: AsJson = False
) -> None:
    """Deliver to an endpoint again that was disabled."""
    found = ask(lambda channel: Alerts(channel.session, merchant).enable_endpoint(endpoint))
    show(found, as_json, lambda: f"{found.url} is told again; failed deliveries can be replayed.")


@webhooks.command()
def rotate(
    endpoint: EndpointId, merchant: MerchantId = SAMPLE_MERCHANT, as_json: AsJson = False
) -> None:
    """Make a new secret; the present one signs too for 24 hours."""
    found = ask(lambda channel: Alerts(channel.session, merchant).rotate_secret(endpoint))
    show(found, as_json, lambda: f"secret: {found.secret}")
    say(f"Shown this once. The one before signs too until {found.former_signs_until:%d %B %H:%M}.")


@webhooks.command()
def deliveries(
    endpoint: EndpointId,
    *,
    state: Annotated[str | None, typer.Option(help="due, delivered or failed.")] = None,
    merchant: MerchantId = SAMPLE_MERCHANT,
    as_json: AsJson = False,
) -> None:
    """What was delivered to an endpoint, the newest first."""

    async def asked(channel: Channel) -> list[Delivery]:
        found = Alerts(channel.session, merchant).deliveries(endpoint, state)
        return list(islice([one async for one in found], DELIVERIES_SHOWN))

    found = ask(asked)
    columns = ("id", "event", "state", "attempts", "queued", "next", "answer")
    rows = (
        (
            one.delivery_id,
            one.event,
            one.state,
            one.attempts,
            one.queued_at,
            one.next_at,
            one.last_error or one.last_status,
        )
        for one in found
    )
    show(found, as_json, lambda: table_of(columns, rows))


@webhooks.command()
def replay(
    endpoint: EndpointId,
    delivery: Annotated[str, typer.Argument(help="The delivery's id.")],
    merchant: MerchantId = SAMPLE_MERCHANT,
    as_json: AsJson = False,
) -> None:
    """Deliver an event again, with the same `webhook-id`."""
    found = ask(lambda channel: Alerts(channel.session, merchant).replay(endpoint, delivery))
    show(found, as_json, lambda: f"{found.event} is delivered again as {found.delivery_id}.")
