"""What a mail says, by its template and parameters, in its reader's language. Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from auth_service.languages import Language
from auth_service.mailing.fact_names import fact_name
from auth_service.mailing.phrases import PHRASES, Phrases

Parameters = Mapping[str, Any]
"""What a template is given: texts, numbers, lists of them, times as RFC 3339."""
SHOWN_IN_DIGEST = 40
PRODUCT = "AliExpress Channel"
"""Whom operators work for."""
_is_time = re.compile(r"\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)").fullmatch


class TemplateUnknown(ValueError):
    """No mail has this name."""


@dataclass(frozen=True)
class Content:
    """A mail before it is laid out. `facts` are pairs of a name and a value, `items` a list's
    titles each with what is said of it, `button` a label and an address."""

    subject: str
    heading: str
    paragraphs: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    items: tuple[tuple[str, str], ...] = ()
    button: tuple[str, str] | None = None
    after: tuple[str, ...] = ()
    footer: str = ""


def content_of(template: str, language: Language, parameters: Parameters) -> Content:
    """What the mail says. Raises `TemplateUnknown`, and `KeyError` for a parameter that is
    missing."""
    make = _TEMPLATES.get(template)
    if make is None:
        raise TemplateUnknown(template)
    return make(PHRASES[language], parameters)


def shown_time(text: str, zone: str) -> str:
    """A time (RFC 3339) in the reader's zone, to the minute, in an order no language reads wrongly;
    a text that is none stays as it is."""
    if not _is_time(text):
        return text
    try:
        at = datetime.fromisoformat(text).astimezone(ZoneInfo(zone))
    except (ValueError, OverflowError, ZoneInfoNotFoundError):
        return text
    return f"{at:%Y-%m-%d %H:%M} ({zone})"


def _zone(parameters: Parameters) -> str:
    return str(parameters.get("time_zone") or "UTC")


def _invitation(phrases: Phrases, given: Parameters) -> Content:
    merchant = given.get("merchant") or PRODUCT
    until = shown_time(given["expires_at"], _zone(given))
    return Content(
        subject=phrases.invitation_subject.format(name=merchant),
        heading=phrases.invitation_subject.format(name=merchant),
        paragraphs=(
            phrases.hello.format(name=given["name"]),
            phrases.invitation_text.format(name=merchant),
        ),
        button=(phrases.invitation_button, given["link"]),
        after=(phrases.link_expires.format(expires_at=until),),
        footer=phrases.footer_account,
    )


def _reset(phrases: Phrases, given: Parameters) -> Content:
    until = shown_time(given["expires_at"], _zone(given))
    return Content(
        subject=phrases.reset_subject,
        heading=phrases.reset_subject,
        paragraphs=(phrases.hello.format(name=given["name"]), phrases.reset_text),
        button=(phrases.reset_button, given["link"]),
        after=(phrases.link_expires.format(expires_at=until), phrases.reset_ignore),
        footer=phrases.footer_account,
    )


def _trouble(phrases: Phrases, given: Parameters) -> Content:
    event, name, zone = given["event"], given["name"], _zone(given)
    is_over = event == "closed"
    head = {
        "opened": phrases.opened,
        "updated": phrases.updated,
        "reminded": phrases.reminded,
        "closed": phrases.closed,
    }[event].format(title=given["title"])
    facts = [(phrases.shop_account, name), (phrases.since, shown_time(given["since"], zone))]
    if is_over:
        facts.append((phrases.ended, shown_time(given["ended_at"], zone)))
    else:
        facts += [
            (fact_name(key, phrases.language), shown_time(value, zone))
            for key, value in given["facts"]
        ]
    paragraphs = [phrases.closed_text] if is_over else [given["meaning"]]
    if is_over and given["times"] > 1:
        paragraphs.append(phrases.closed_times.format(times=given["times"]))
    after = () if is_over else (phrases.remedy.format(remedy=given["remedy"]),)
    return Content(
        subject=f"{head} - {name}",
        heading=head,
        paragraphs=(*paragraphs, *after),
        facts=tuple(facts),
        button=None if is_over else _button(phrases, given),
        footer=phrases.footer_trouble.format(name=name),
    )


def _button(phrases: Phrases, given: Parameters) -> tuple[str, str] | None:
    link = given.get("link")
    if not link:
        return None
    return (phrases.renew_button if given.get("renews") else phrases.open_button, link)


def _digest(phrases: Phrases, given: Parameters) -> Content:
    name, items = given["name"], given["items"]
    lines = {
        "opened": phrases.opened,
        "updated": phrases.updated,
        "reminded": phrases.reminded,
        "closed": phrases.closed,
    }
    shown = tuple(
        (
            lines[item["event"]].format(title=item["title"]),
            "" if item["event"] == "closed" else phrases.remedy.format(remedy=item["remedy"]),
        )
        for item in items[:SHOWN_IN_DIGEST]
    )
    more = len(items) - len(shown)
    head = phrases.digest_subject.format(count=len(items), name=name)
    return Content(
        subject=head,
        heading=head,
        paragraphs=(phrases.digest_text,),
        items=shown,
        button=_button(phrases, given),
        after=(phrases.digest_more.format(count=more),) if more > 0 else (),
        footer=phrases.footer_trouble.format(name=name),
    )


def _test(phrases: Phrases, given: Parameters) -> Content:
    name = given["name"]
    return Content(
        subject=phrases.test_subject.format(name=name),
        heading=phrases.test_subject.format(name=name),
        paragraphs=(phrases.test_text.format(name=name),),
        footer=phrases.footer_trouble.format(name=name),
    )


_TEMPLATES: dict[str, Callable[[Phrases, Parameters], Content]] = {
    "invitation": _invitation,
    "reset": _reset,
    "trouble": _trouble,
    "digest": _digest,
    "test": _test,
}
TEMPLATES = tuple(_TEMPLATES)
