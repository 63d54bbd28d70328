"""`channel set-aside`: rows that background jobs failed on, and letting them go on."""

from typing import Annotated

import typer

from channel_cli.across_services import (
    EveryMerchant,
    ServiceName,
    of_services,
    show_by_service,
    visible,
)
from channel_cli.answers import FailedRow
from channel_cli.client import Channel
from channel_cli.output import (
    SAMPLE_MERCHANT,
    AsJson,
    MerchantId,
    ask,
    fail,
    say,
)

app = typer.Typer(help="Rows that background jobs failed on.", no_args_is_help=True)


@app.command("list")
def list_failed_rows(
    *,
    merchant: MerchantId = SAMPLE_MERCHANT,
    every_merchant: EveryMerchant = False,
    service: ServiceName = None,
    as_json: AsJson = False,
) -> None:
    """Rows that failed: those that are tried again, and those that were set aside."""
    whose = None if every_merchant else merchant
    _show(
        ask(lambda channel: of_services(channel, service, lambda n: channel.set_aside(n, whose))),
        as_json,
    )


@app.command()
def release(
    job: Annotated[str, typer.Argument(help="The job that failed on the rows.")],
    row: Annotated[str | None, typer.Argument(help="One row of it; all without.")] = None,
    *,
    merchant: MerchantId = SAMPLE_MERCHANT,
    every_merchant: EveryMerchant = False,
    service: ServiceName = None,
    as_json: AsJson = False,
) -> None:
    """Let the job take rows again, as an operator, once their cause is corrected."""
    whose = None if every_merchant else merchant

    async def asked(channel: Channel) -> list[tuple[str, FailedRow]]:
        found = await of_services(channel, service, lambda n: channel.set_aside(n, whose))
        meant = [
            (name, item) for name, item in found if item.job == job and row in {None, item.subject}
        ]
        for name in sorted({name for name, _ in meant}):
            await channel.release(name, job, whose, row)
        return meant

    released = ask(asked)
    if not released:
        fail(
            f"no such row of {job} is set aside",
            "`channel set-aside list --every-merchant` names those that are.",
        )
    _show(released, as_json)
    say("Released. They are taken again with the job's next turn.")


def _show(found: list[tuple[str, FailedRow]], as_json: bool) -> None:
    show_by_service(
        found,
        as_json,
        ("job", "merchant", "row", "failures", "reason", "next try", "trace"),
        lambda item: (
            item.job,
            visible(item.merchant_id),
            visible(item.subject),
            item.failures,
            item.reason,
            item.retry_at or "set aside",
            item.trace_id or "",
        ),
    )
