"""Remedies of services speak of REST; on the command line they speak of its commands. Pure."""

import re
from collections.abc import Mapping

_REST = re.compile(
    r"`?(?:(?P<verb>GET|PUT|POST|DELETE) )?(?:/v1/merchants/[^/\s]+|\.\.\.)"
    r"/(?P<path>[\w{}][\w{}/:~-]*)(?:\?\S*)?`?(?: of auth-service)?"
)
_COMMANDS: Mapping[tuple[str, ...], str] = {
    ("PUT", "catalogues", "*"): "channel import FILE",
    ("GET", "feeds"): "channel feeds list",
    ("GET", "feeds", "*"): "channel feeds list",
    ("PUT", "feeds", "*"): "channel feeds apply FILE",
    ("POST", "feeds", "*", "check"): "channel feeds check FILE",
    ("GET", "feeds", "*", "versions"): "channel feeds history {id}",
    ("GET", "feeds", "*", "versions", "*", "diff"): "channel feeds diff {id}",
    ("POST", "feeds", "*", "drafts"): "channel feeds try FILE",
    ("GET", "feeds", "*", "drafts"): "channel feeds drafts",
    ("DELETE", "feeds", "*", "drafts", "*"): "channel feeds drop DRAFT",
    ("POST", "feeds", "*", "runs"): "channel run product-feed",
    ("GET", "feeds", "*", "runs"): "channel runs list",
    ("GET", "feeds", "*", "preview"): "channel preview",
    ("GET", "adoptions"): "channel adopt list",
    ("GET", "feeds", "*", "adoptions"): "channel adopt list",
    ("GET", "feeds", "*", "skus", "*"): "channel why SKU",
    ("GET", "runs", "*"): "channel report {id}",
    ("GET", "runs", "*", "plan"): "channel plan {id}",
    ("GET", "runs", "*", "report"): "channel report {id}",
    ("POST", "runs", "*", "confirm"): "channel run confirm {id}",
    ("GET", "feeds", "*", "suggestions"): "channel feeds suggest {id}",
    ("GET", "shops"): "channel shops list",
    ("GET", "shops", "*", "categories"): "channel categories find WORDS",
    ("GET", "shops", "*", "options"): "channel shops options {id}",
    ("GET", "shops", "*", "photo-bank"): "channel shops photo-bank {id}",
    ("POST", "shops", "*", "connect"): "channel shops connect {id}",
    ("POST", "shipments", "*", "tracking"): "channel orders tracking",
    ("GET", "dead-letters"): "channel dead-letters list",
    ("GET", "parked"): "channel parked list",
    ("GET", "quarantines"): "channel quarantines list",
    ("POST", "imports", "*", "cancel"): "channel imports cancel {id}",
    ("GET", "set-aside"): "channel set-aside list",
}
"""By verb and path below the merchant; `*` is an id."""
_PHRASES = {
    "Ask auth-service for a token (POST /v1/token) and send it as a bearer token.": (
        "Check CHANNEL_CLIENT_ID and CHANNEL_CLIENT_SECRET."
    ),
    "skip_overtaken=true": "--skip-overtaken",
    "then send yours with its `ETag`": "then name its version with --if-version",
    "Declare it with PUT": "Declare it with `channel import FILE`",
}


def in_commands(text: str) -> str:
    """The text with the commands that do what its REST paths do; other paths stay."""
    for phrase, words in _PHRASES.items():
        text = text.replace(phrase, words)
    return _REST.sub(_command, text)


def _command(found: re.Match[str]) -> str:
    steps = found["path"].strip("/").split("/")
    shape = [step if place % 2 == 0 else "*" for place, step in enumerate(steps)]
    command = _COMMANDS.get((found["verb"] or "GET", *shape))
    if command is None:
        return found.group()
    named = steps[1] if len(steps) > 1 and not steps[1].startswith("{") else ""
    return f"`{command.format(id=named).strip()}`"
