"""The harness of auth-service, for every test of this member."""

from .alerts_harness import alerts
from .auth_harness import (
    _own_clock,
    auth,
    not_refreshing,
    proving,
    refreshing,
    refreshing_sandbox,
    revoking,
    selling,
)
from .people_harness import mailbox

__all__ = [
    "_own_clock",
    "alerts",
    "auth",
    "mailbox",
    "not_refreshing",
    "proving",
    "refreshing",
    "refreshing_sandbox",
    "revoking",
    "selling",
]
