"""Write docs/alerts.md from the table of kinds and their texts.

`python docs/generate_alerts.py` writes it; `--check` writes nothing and fails when it is stale.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from auth_service.alerts.subscriptions import is_on_by_default
from auth_service.troubles.damping import REMINDED_AFTER
from auth_service.troubles.kinds import KINDS, Kind
from auth_service.troubles.texts.describe import TEXTS

PAGE = Path(__file__).with_name("alerts.md")
PICTURES = Path(__file__).with_name("alerts")

HEAD = Path(__file__).with_name("alerts") / "head.md"
"""What stands above the tables; `{pauses}` and `{last}` are filled in."""

TABLE = """\
| kind | severity | opens | closes | what to do |
|---|---|---|---|---|
"""
GROUPS = {
    "connection": "The shop's connection",
    "catalogue": "Catalogues",
    "feed": "Feeds",
    "orders": "Orders",
    "webhooks": "Webhooks",
}


def page() -> str:
    """The page's text."""
    *pauses, last = (pause.days for pause in REMINDED_AFTER)
    head = HEAD.read_text().replace("{pauses}", ", ".join(map(str, pauses)))
    return head.replace("{last}", str(last)) + "".join(sections()) + pictures()


def sections() -> Iterator[str]:
    """A table for each group of kinds."""
    for group, title in GROUPS.items():
        yield f"\n### {title}\n\n{TABLE}"
        yield from (row_of(kind) for kind in KINDS.values() if kind.group == group)


def row_of(kind: Kind) -> str:
    """The kind's row."""
    closes = kind.closes
    if kind.settles:
        closes += f", for {int(kind.settles.total_seconds() // 60)} minutes"
    agents = is_on_by_default("agent", kind.name, "mail")
    name = f"`{kind.name}`" + (" (agents too)" if agents and kind.group != "orders" else "")
    remedy = TEXTS["en"][kind.name].remedy
    return f"| {name} | {kind.severity} | {kind.opens} | {closes} | {remedy} |\n"


def pictures() -> str:
    """What mails look like, where pictures of them are there."""
    found = sorted(PICTURES.glob("*.png"))
    if not found:
        return ""
    shown = "".join(f"\n![A mail: {picture.stem}](alerts/{picture.name})\n" for picture in found)
    said = "Rendered from the templates of `auth_service/mailing` (`make mail-pictures`)."
    return f"\n## Mails\n\n{said}\n{shown}"


def main() -> int:
    """Write or check the page; the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    text = page()
    if not parser.parse_args().check:
        PAGE.write_text(text)
        return 0
    if not PAGE.exists() or PAGE.read_text() != text:
        sys.stdout.write("docs/alerts.md is stale: type `make docs`\n")
        return 1
    sys.stdout.write("alerts: ok\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
