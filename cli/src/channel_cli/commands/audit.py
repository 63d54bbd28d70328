"""`channel audit`: who changed what, of all services by time."""

from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Annotated

import msgspec
import typer

from channel_cli.across_services import EveryMerchant, ServiceName, services_of, visible
from channel_cli.client import Channel
from channel_cli.output import SAMPLE_MERCHANT, AsJson, MerchantId, ask, show, table_of
from channel_cli.people_answers import AuditRow
from channel_cli.people_calls import audit_of
from channel_cli.session import Query

Found = tuple[str, AuditRow]


def audit(
    *,
    merchant: MerchantId = SAMPLE_MERCHANT,
    every_merchant: EveryMerchant = False,
    since: Annotated[
        str | None, typer.Option(help="Only what was done then or later: 2026-11-27T08:00:00Z.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Only what was done before.")] = None,
    action: Annotated[
        str | None, typer.Option(help="An action, or what it begins with: `feed.`")
    ] = None,
    actor: Annotated[
        str | None, typer.Option(help="A person's e-mail address, or a client's id.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 50,
    service: ServiceName = None,
    as_json: AsJson = False,
) -> None:
    """Who changed what, when and from where; the newest first."""
    whose = None if every_merchant else merchant
    query: Query = {"since": since, "until": until, "action": action, "actor": actor}

    async def asked(channel: Channel) -> list[Found]:
        lists = [
            await _newest(channel, name, whose, query, limit)
            for name in services_of(channel, service)
        ]
        return list(islice(merge(*lists, key=_moment, reverse=True), limit))

    found = ask(asked)
    document = [{"service": name, **msgspec.structs.asdict(entry)} for name, entry in found]
    columns = ("when", "service", "merchant", "who", "from", "did", "what", "details")
    rows = (
        (
            entry.at,
            name,
            entry.merchant_id,
            entry.actor_email or entry.actor,
            entry.address,
            entry.action,
            visible(entry.subject),
            entry.details,
        )
        for name, entry in found
    )
    show(document, as_json, lambda: table_of(columns, rows))


async def _newest(
    channel: Channel, service: str, merchant: str | None, query: Query, limit: int
) -> list[Found]:
    found: list[Found] = []
    async for entry in audit_of(channel.session, service, merchant, query):
        found.append((service, entry))
        if len(found) == limit:
            break
    return found


def _moment(found: Found) -> datetime:
    return found[1].at
