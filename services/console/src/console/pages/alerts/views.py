"""Which troubles are asked for, where each is repaired, and what forms of alerts say. Pure."""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from console.answers.alerts import Trouble
from console.forms import Form
from console.services import Query

STATES = ("open", "closed")
SEVERITIES = ("critical", "warning")


def asked_of(query: Mapping[str, str], language: str) -> Query:
    """What auth-service is asked for: open ones unless the address says otherwise."""
    state, severity = query.get("state"), query.get("severity")
    return {
        "language": language,
        "state": state if state in STATES else STATES[0],
        "severity": severity if severity in SEVERITIES else None,
        "kind": query.get("kind") or None,
        "unread": True if query.get("unread") else None,
        "cursor": query.get("cursor"),
    }


def critical_first(troubles: Iterable[Trouble]) -> list[Trouble]:
    """The gravest first, else in the order they come."""
    return sorted(troubles, key=lambda each: each.severity != "critical")


def repaired_at(trouble: Trouble, origin: str) -> str | None:
    """Our own page that repairs it: the one auth-service names, else that of what it is about.

    A page of auth-service's own (a connection's renewal) is the shop's page here, where the same is
    done; so is the address of an installation that has not told auth-service where we are. None
    where it is about nothing that has a page.
    """
    page = trouble.page or ""
    if page.startswith(f"{origin}/") and not page.startswith(f"{origin}//"):
        return page[len(origin) :]
    if trouble.order_id and trouble.shop_id:
        return _path("orders", trouble.shop_id, trouble.order_id)
    if trouble.run_id:
        return _path("runs", trouble.run_id)
    if trouble.feed_id:
        return _path("feeds", trouble.feed_id)
    if trouble.catalogue_id:
        return _path("catalogues", trouble.catalogue_id)
    return _path("shops", trouble.shop_id) if trouble.shop_id else None


def _path(*parts: str) -> str:
    return "/" + "/".join(quote(part, safe="") for part in parts)


def choices_of(form: Form) -> list[dict[str, object]]:
    """What the table of kinds says: a box that is not ticked does not come with the form."""
    on = {channel: set(form.all(channel)) for channel in ("mail", "in_app")}
    return [
        {"kind": kind, "channel": channel, "is_on": kind in ticked}
        for kind in form.all("kind")
        for channel, ticked in on.items()
    ]


def endpoint_of(form: Form) -> dict[str, object]:
    """The endpoint as typed; kinds are parted by blanks or commas, none are all."""
    kinds = [text for text in re.split(r"[\s,;]+", form.text("kinds")) if text]
    return {
        "url": form.text("url"),
        "description": form.text("description"),
        "kinds": kinds or ["*"],
    }
