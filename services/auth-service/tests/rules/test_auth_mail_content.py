"""Mails say the same in every language, as text and as HTML, and let nobody write headers."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth_service.languages import LANGUAGES, Language
from auth_service.mailing.content import (
    TEMPLATES,
    Content,
    TemplateUnknown,
    content_of,
    shown_time,
)
from auth_service.mailing.layout import Envelope, as_html, as_text, message_of, one_line

AT = "2026-11-27T14:05:00+00:00"
LINK = "https://auth.example/v1/renew/acme/main?x=1&y=2"
GIVEN: dict[str, dict[str, Any]] = {
    "invitation": {"name": "Ada", "merchant": "Acme", "link": LINK, "expires_at": AT},
    "reset": {"name": "Ada", "link": LINK, "expires_at": AT, "time_zone": "Europe/Paris"},
    "trouble": {
        "event": "opened", "name": "Acme", "title": "A title", "meaning": "A meaning",
        "remedy": "A remedy", "since": AT, "ended_at": AT, "times": 2,
        "facts": [["expires_at", AT], ["account", "cn220"]], "link": LINK, "renews": True,
    },
    "digest": {
        "name": "Acme", "link": None,
        "items": [{"event": "opened", "title": f"Title {n}", "remedy": "Do"} for n in range(45)],
    },
    "test": {"name": "Acme"},
}  # fmt: skip
HEADERS = (
    "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Content-Language",
    "MIME-Version", "Content-Type",
)  # fmt: skip
ENVELOPE = Envelope(
    "m1", "Channel <channel@channel.example>", "ada@acme.example", datetime(2026, 11, 1, tzinfo=UTC)
)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("template", TEMPLATES)
def test_a_mail_is_complete_in_every_language(template: str, language: Language) -> None:
    content = content_of(template, language, GIVEN[template])
    message = message_of(content, ENVELOPE, language)
    text, html = as_text(content), as_html(content, language)
    for shown in (content.heading, *content.paragraphs, content.footer):
        assert shown in text
        assert "{" not in shown
    assert f'lang="{language}"' in html
    assert message["Message-ID"] == "<m1@channel.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    if content.button:
        assert LINK in text
        assert LINK.replace("&", "&amp;") in html
    if language != "en":
        assert content_of(template, "en", GIVEN[template]).footer != content.footer


@pytest.mark.parametrize("event", ["opened", "updated", "reminded", "closed"])
def test_of_an_end_nothing_is_asked(event: str) -> None:
    content = content_of("trouble", "en", {**GIVEN["trouble"], "event": event})
    asks = any("A remedy" in paragraph for paragraph in content.paragraphs)
    assert asks == (content.button is not None) == (event != "closed")
    assert ("It came and went 2 times." in content.paragraphs) == (event == "closed")


def test_facts_are_named_in_the_readers_language() -> None:
    given = {**GIVEN["trouble"], "facts": [["days_left", "7"], ["of_the_future", "x"]]}
    content = content_of("trouble", "es", given)
    assert ("días que quedan", "7") in content.facts
    assert ("of the future", "x") in content.facts
    over = content_of("trouble", "es", {**given, "event": "closed"})
    assert [name for name, _ in over.facts] == ["comerciante", "desde", "fin"]


def test_a_digest_names_forty_and_counts_the_rest() -> None:
    content = content_of("digest", "en", GIVEN["digest"])
    assert len(content.items) == 40
    assert content.after == ("and 5 more",)
    assert content.subject == "45 messages about Acme"


def test_times_are_the_readers_and_other_texts_stay() -> None:
    assert shown_time(AT, "Europe/Paris") == "2026-11-27 15:05 (Europe/Paris)"
    for text in ("8100000000000001", "20261127", "2026-11-27", "soon"):
        assert shown_time(text, "Europe/Paris") == text


def test_a_template_that_is_none_is_refused() -> None:
    with pytest.raises(TemplateUnknown):
        content_of("nothing", "en", {})


@given(st.text(max_size=300))
def test_nobody_writes_headers_or_html(name: str) -> None:
    content = Content(subject=name, heading=f"<b>{name}", paragraphs=(f"<script>{name}",))
    message = message_of(content, ENVELOPE, "en")
    head = message.as_bytes().partition(b"\r\n\r\n")[0]
    names = {line.partition(b":")[0] for line in head.splitlines() if not line.startswith(b" ")}
    assert names == {name.encode() for name in HEADERS}
    assert "<script>" not in as_html(content, "en")
    assert "<b>" not in as_html(content, "en")
    assert one_line(name).isprintable() or not one_line(name)
