"""Links: their kinds and for how long each opens. Pure."""

from datetime import timedelta
from typing import Literal

from common.errors import Refusal

Kind = Literal["invitation", "reset"]

LIFETIMES: dict[Kind, timedelta] = {
    "invitation": timedelta(days=7),
    "reset": timedelta(hours=1),
}
PATHS: dict[Kind, str] = {"invitation": "/invitation", "reset": "/reset-password"}
"""The pages that links lead to: the console's, or ours below `/v1`."""
RESETS_PER_HOUR = 3
"""Links to set a forgotten password that one person is mailed within an hour."""
KEPT_AFTER_END = timedelta(days=30)
FORGOTTEN_AT_ONCE = 1_000


class LinkUnusable(Refusal):
    """The link was used before, is too old, or was never given."""

    def __init__(self) -> None:
        super().__init__(
            "This link does not open any more",
            status=410,
            slug="link-unusable",
            field="link",
            remedy="A link opens once and for a while. Ask whoever sent it for a new one.",
        )


def address_of_link(base_url: str, kind: Kind, secret: str) -> str:
    """Where a browser opens it. The secret stands behind `#`-less query, since the page that it
    opens is served; answers carry `Referrer-Policy: no-referrer`."""
    return f"{base_url.rstrip('/')}{PATHS[kind]}?link={secret}"
