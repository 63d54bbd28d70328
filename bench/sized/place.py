"""Where a step of `bench/size.py` works."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A filled database, and what else the step's module started; empty where it needs none."""

    url: str
    """The database, as the service's role, which owns nothing."""
    rows: int
    market: str = ""
    """The address that stands for AliExpress and for auth-service."""
    bootstrap: str = ""
    """Kafka's address."""
    prefix: str = ""
    """What the names of the topics begin with."""


Step = Callable[[Place], Awaitable[None]]
