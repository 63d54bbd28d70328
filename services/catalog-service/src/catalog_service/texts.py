"""What a text may hold so that JSON, Kafka and Postgres keep it as it is. Pure."""

import html
import re
import unicodedata

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_ESCAPED_BYTE = re.compile("[\udc80-\udcff]")


def is_storable(text: str) -> bool:
    """Whether the text is without NUL and half characters, which nothing stores."""
    return "\x00" not in text if text.isascii() else _UNSTORABLE.search(text) is None


def storable(text: str, *, limit: int) -> str:
    """The text with what cannot be stored replaced, cut to so many characters."""
    return _UNSTORABLE.sub("\ufffd", text[:limit])


def has_foreign_bytes(text: str) -> bool:
    """Whether the text holds bytes that its encoding does not have (`surrogateescape`)."""
    return _ESCAPED_BYTE.search(text) is not None


_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")


def undo_entities(text: str) -> str:
    """The text with its HTML entities undone, once; a no-break space becomes a blank.

    What lacks its semicolon is no entity: `Sun&notebook` and `AT&T` stay as they are.
    """
    if "&" not in text:
        return text
    return _ENTITY.sub(lambda found: html.unescape(found[0]).replace("\u00a0", " "), text)


def shows_something(text: str) -> bool:
    """Whether a reader sees anything of the text: more than blanks, formatting and controls."""
    return any(not character.isspace() and _is_visible(character) for character in text)


def _is_visible(character: str) -> bool:
    return unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp", "Zs"}
