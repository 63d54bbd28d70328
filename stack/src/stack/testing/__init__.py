"""The tests' harness: what every member's tests need around the code under test.

Fixtures and hooks are in `plugin`, which the root `conftest.py` loads; the rest is imported by
name. README.md of this member is the guide.
"""

from stack.testing.conditions import eventually
from stack.testing.databases import Databases, NewDatabase, Prepare, rows_read, tables_with
from stack.testing.fault_proxy import FaultProxy, ProxiedKafka, proxy_to
from stack.testing.marketplace import SELLER, Marketplace, open_marketplace
from stack.testing.outbox import outbox_events
from stack.testing.programs import Programs, Result, RunningProgram
from stack.testing.serving import running_parts, serving
from stack.testing.stores import ThrowawayStores
from stack.testing.systems import StartSystem

__all__ = [
    "SELLER",
    "Databases",
    "FaultProxy",
    "Marketplace",
    "NewDatabase",
    "Prepare",
    "Programs",
    "ProxiedKafka",
    "Result",
    "RunningProgram",
    "StartSystem",
    "ThrowawayStores",
    "eventually",
    "open_marketplace",
    "outbox_events",
    "proxy_to",
    "rows_read",
    "running_parts",
    "serving",
    "tables_with",
]
