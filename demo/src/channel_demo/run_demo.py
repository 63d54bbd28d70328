"""All steps in order, and the verdict."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path

from rich.live import Live
from rich.markup import escape

from channel_cli.commands.dead_letters import letters_of
from channel_cli.output import err, out, table_of
from channel_cli.probes import open_client, probe
from channel_cli.session import Problem, TookTooLong, Unreachable
from channel_demo import alerts, bring_in, sell, trade
from channel_demo.bring_in import DemoFailed
from channel_demo.consent import ConsentFailed
from channel_demo.report import Report, find_faults, tables_of, write_report
from channel_demo.sandbox import SandboxRefused
from channel_demo.session import MERCHANT, OWNER, Session, open_demo
from channel_demo.sources import Sources, load_own, load_sample
from channel_demo.survey import count_shipped, survey
from stack.__main__ import addresses_table
from stack.addresses import Addresses
from stack.run import Stack, running_stack
from stack.sign_in_link import sign_in_link
from stack.system import CONSOLE, SANDBOX

STATUS_SECONDS = 2.0
STEP_FAILURES = (DemoFailed, ConsentFailed, TookTooLong, Problem, Unreachable, SandboxRefused)


@dataclass(frozen=True)
class DemoOptions:
    """What the user asked of the demo."""

    catalogue_file: Path | None = None
    feed_file: Path | None = None
    report_file: Path | None = None
    is_once: bool = False


async def run_demo(options: DemoOptions) -> int:
    """Start everything, run the demo, report; then stay up unless asked not to. An exit code."""
    started = time.monotonic()
    with err.status("starting") as status:
        async with running_stack(
            on_progress=lambda step: status.update(f"starting: {step}")
        ) as stack:
            status.stop()
            err.print(addresses_table(stack))
            try:
                faults = await run_and_report(stack.addresses, options, started)
            except STEP_FAILURES as failure:
                faults = [sentence_of(failure)]
            for fault in faults:
                err.print(f"[red]not well:[/] {escape(fault)}")
            if options.is_once:
                return 1 if faults else 0
            if link := await sign_in_link(stack.addresses, OWNER, merchant_id=MERCHANT):
                err.print(f"The console: {stack.url(CONSOLE)}. Sign in as {OWNER}, once, at")
                err.print(link, soft_wrap=True, markup=False)
            await stay_up(stack)
    return 0


def sentence_of(failure: Exception) -> str:
    """A step's failure with the next step, where it names one."""
    remedy = failure.details.remedy if isinstance(failure, Problem) else None
    return f"{failure}. {remedy}" if remedy else str(failure)


async def run_and_report(addresses: Addresses, options: DemoOptions, started: float) -> list[str]:
    """Sell the sample on a running stack and show what came of it; returns what is not well."""
    sources = sources_of(options, addresses.urls[SANDBOX])
    async with open_demo(
        addresses,
        currency=sources.currency,
        catalogue=sources.catalogue,
        feed=sources.feed,
    ) as session:
        report, offers_changed = await sell_sample(session, sources, started)
        await alerts.tell_people(session)
    for table in tables_of(report):
        out.print(table)
    if options.report_file is not None:
        write_report(report, options.report_file)
    return find_faults(report, offers_changed=offers_changed)


async def sell_sample(
    session: Session, sources: Sources, started: float
) -> tuple[Report, int | None]:
    """The whole path in one session; the report, and how many offers the catalogue changed."""
    await bring_in.refuse_stranger(session)
    await bring_in.connect_shop(session)
    await bring_in.apply_configuration(session, sources)
    source_products = await bring_in.bring_in(session, sources)
    await sell.wait_for_publisher(session)
    await sell.publish_products(session)
    await sell.send_offers(session)  # what the creations could not carry
    before = await session.sandbox.last_sequence()
    changed = await sell.change_offers(session) if sources.file is None else None
    await sell.send_offers(session)
    offers_updated = sell.offers_in(await session.sandbox.ledger(since=before))
    await trade.place_orders(session)
    orders = await trade.import_orders(session)
    await trade.ship_one(session, orders)
    found = await survey(session)
    report = Report(
        source_products=source_products,
        families=found.families,
        online=found.online,
        rejected=found.rejected,
        excluded=found.excluded,
        offers_updated=len(offers_updated),
        orders_at_marketplace=len(await session.sandbox.orders()),
        orders_imported=len(await trade.imported_orders(session)),
        orders_shipped=await count_shipped(session),
        dead_letters=len(await letters_of(session.channel, session.merchant, {"state": "open"})),
        seconds=round(time.monotonic() - started, 1),
    )
    return report, None if changed is None else len(changed)


def sources_of(options: DemoOptions, sandbox_url: str) -> Sources:
    """The user's own file, else the sample."""
    if options.catalogue_file is not None and options.feed_file is not None:
        return load_own(options.catalogue_file, options.feed_file)
    return load_sample(sandbox_url)


async def stay_up(stack: Stack) -> None:
    """Show how everything is until the user ends it."""
    err.print(f"What people were mailed: {stack.url(SANDBOX)}/mails")
    err.print(f"Everything keeps running; logs: {stack.logs}. Ctrl-C stops it.")
    async with open_client() as http:
        with Live(console=err, auto_refresh=False) as live:
            while True:
                states = await probe(http, stack.addresses.urls)
                rows = [(name, stack.url(name), state) for name, state in states.items()]
                live.update(table_of(("what", "address", "state"), rows), refresh=True)
                await asyncio.sleep(STATUS_SECONDS)
