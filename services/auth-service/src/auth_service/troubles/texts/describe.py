"""A trouble in a language: its text, with what it is of filled in. Pure."""

from auth_service.languages import Language
from auth_service.troubles.kinds import KINDS
from auth_service.troubles.texts import english, french, spanish
from auth_service.troubles.texts.text import Text
from auth_service.troubles.trouble import Found, Trouble

TEXTS: dict[Language, dict[str, Text]] = {
    "en": {kind: english.TEXTS[kind] for kind in KINDS},
    "fr": {kind: french.TEXTS[kind] for kind in KINDS},
    "es": {kind: spanish.TEXTS[kind] for kind in KINDS},
}
"""The text of each kind; importing this fails where one is missing."""


def describe(trouble: Trouble | Found, language: Language) -> Text:
    """The trouble's text in this language."""
    text = TEXTS[language][trouble.kind]
    name = trouble.subject.partition("/")[2] or trouble.subject
    values = {
        "shop": trouble.shop_id or name,
        "feed": trouble.feed_id or name,
        "catalogue": trouble.catalogue_id or name,
        "order": trouble.order_id or name.rpartition("/")[2],
        "endpoint": trouble.details.get("endpoint") or name,
        "name": name,
    }
    return Text(*(part.format(**values) for part in text))
