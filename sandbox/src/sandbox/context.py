"""What every part of the sandbox works with: settings, time, ids and the ledger."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sandbox.ledger import Ledger
from sandbox.settings import Settings


@dataclass(frozen=True)
class Context:
    """Shared by all parts of one state; `job_now` is the clock of jobs and audits, in seconds."""

    settings: Settings
    ledger: Ledger
    now: Callable[[], datetime]
    job_now: Callable[[], float]
    next_id: Callable[[str], int]
