"""The harness of auth-service, for every test of this member."""

from .alerts_harness import alerts
from .auth_harness import (
    _own_clock,
    auth,
    emptied,
    not_refreshing,
    proving,
    refreshing,
    refreshing_sandbox,
    revoking,
    selling,
    shared_pool,
)
from .people_harness import mailbox

__all__ = [
    "_own_clock",
    "alerts",
    "auth",
    "emptied",
    "mailbox",
    "not_refreshing",
    "proving",
    "refreshing",
    "refreshing_sandbox",
    "revoking",
    "selling",
    "shared_pool",
]
