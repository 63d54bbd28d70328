"""Sells the sample on a system that `docker compose` runs: `demo_on_compose.py .env`.

The same path as `make run`: a shop connected, a catalogue in, products and offers out, orders back.
"""

import asyncio
import sys
import time
from pathlib import Path

from dotenv import dotenv_values

from channel_cli.output import out
from channel_demo.report import find_faults, tables_of
from channel_demo.run_demo import sell_sample
from channel_demo.session import open_demo
from channel_demo.sources import load_sample
from stack.addresses import Addresses
from stack.system import SANDBOX

SANDBOX_IN_CONTAINERS = "http://sandbox:8080"
PORTS = {
    SANDBOX: 8080,
    "auth-service": 8001,
    "catalog-service": 8002,
    "feed-publisher": 8003,
    "order-importer": 8004,
}


async def sell(environment: Path) -> list[str]:
    """Sell the sample; what is not well."""
    started = time.monotonic()
    addresses = Addresses(
        urls={name: f"http://127.0.0.1:{port}" for name, port in PORTS.items()},
        kafka_bootstrap="127.0.0.1:19092",
        topic_prefix="",
        operator_client_id="channel-cli",
        operator_client_secret=dotenv_values(environment)["OPERATOR_CLIENT_SECRET"] or "",
    )
    sources = load_sample(SANDBOX_IN_CONTAINERS)
    async with open_demo(
        addresses, currency=sources.currency, catalogue=sources.catalogue, feed=sources.feed
    ) as session:
        report, changed = await sell_sample(session, sources, started)
    for table in tables_of(report):
        out.print(table)
    return find_faults(report, offers_changed=changed)


def main() -> int:
    """The command line."""
    faults = asyncio.run(sell(Path(sys.argv[1])))
    for fault in faults:
        out.print(f"not well: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
