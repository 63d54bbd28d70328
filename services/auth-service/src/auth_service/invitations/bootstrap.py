"""Invite the first operator, whom the settings name: the link is printed, and mailed."""

import sys

from auth_service.invitations.invite_person import Sender, invite_first_operator
from common.postgres.pool import Pool


async def bootstrap_operator(pool: Pool, sender: Sender, email: str) -> None:
    """Print a link that makes this person an operator, unless they are, or one still opens."""
    if not email:
        return
    invited = await invite_first_operator(pool, sender, email)
    if invited is None:
        return
    # not a line of the log, which is kept and shipped: whoever starts the service reads it once
    sys.stdout.write(
        f"{invited.person.email} may run this installation: open {invited.link}"
        f" before {invited.expires_at:%Y-%m-%d %H:%M} UTC\n"
    )
    sys.stdout.flush()
