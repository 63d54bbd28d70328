"""What a text may hold so that JSON, Kafka and Postgres keep it as it is. Pure."""

import re

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_ESCAPED_BYTE = re.compile("[\udc80-\udcff]")


def is_storable(text: str) -> bool:
    """Whether the text is without NUL and half characters, which nothing stores."""
    return _UNSTORABLE.search(text) is None


def storable(text: str, *, limit: int) -> str:
    """The text with what cannot be stored replaced, cut to so many characters."""
    return _UNSTORABLE.sub("\ufffd", text[:limit])


def has_foreign_bytes(text: str) -> bool:
    """Whether the text holds bytes that its encoding does not have (`surrogateescape`)."""
    return _ESCAPED_BYTE.search(text) is not None
