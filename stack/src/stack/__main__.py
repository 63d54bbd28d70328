"""`python -m stack prepare | up | wipe`: what the Makefile needs of the stack."""

import argparse
import asyncio
import sys

from rich.console import Console
from rich.table import Table

from stack import kafka_release
from stack.failures import StackFailure
from stack.kafka import learn_to_start_quickly
from stack.run import Stack, run_until_stopped, running_stack, wipe
from stack.settings import StackSettings
from stack.sign_in_link import sign_in_link

console = Console()


async def prepare() -> int:
    """Fetch what the embedded Kafka needs; does nothing the second time."""
    if StackSettings().kafka_bootstrap is None:
        with console.status(f"fetching Kafka {kafka_release.KAFKA_VERSION}, once") as status:
            await asyncio.to_thread(kafka_release.jars)
            status.update("letting Kafka learn to start quickly, once")
            await learn_to_start_quickly()
    return 0


async def up() -> int:
    """Start everything and keep it running until interrupted."""
    with console.status("starting") as status:
        async with running_stack(
            on_progress=lambda step: status.update(f"starting: {step}")
        ) as stack:
            status.stop()
            console.print(addresses_table(stack))
            if link := await sign_in_link(stack.addresses):
                console.print(f"sign in as the operator, once, at\n{link}", soft_wrap=True)
            console.print(f"logs: {stack.logs}\nCtrl-C stops everything.")
            await asyncio.Event().wait()
    return 0


def addresses_table(stack: Stack) -> Table:
    """Where everything is, for a person."""
    table = Table("what", "address")
    for name, url in stack.addresses.urls.items():
        table.add_row(name, url)
    table.add_row("Kafka", stack.addresses.kafka_bootstrap)
    return table


def main() -> int:
    """Run one of the commands; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m stack", description=__doc__)
    parser.add_argument("command", choices=["prepare", "up", "wipe"])
    command = parser.parse_args().command
    if command == "wipe":
        try:
            wipe(StackSettings())
        except StackFailure as failure:
            sys.stderr.write(f"{failure}\n")
            return 1
        return 0
    return run_until_stopped(prepare() if command == "prepare" else up())


if __name__ == "__main__":
    sys.exit(main())
