"""Which encoding a text file has: byte order mark, declared, strict UTF-8, cp1252, last a guess.

In that order because guessing mistakes cp1252 for its relatives; a merchant may name another.
"""

import codecs
import re
from pathlib import Path

from charset_normalizer import from_bytes

from catalog_service.files.readers.items import FileRefused

PIECE = 1 << 20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED = re.compile(rb"""^<\?xml[^>]*encoding=["']([A-Za-z0-9._-]+)["']""")


def find_encoding(path: Path, given: str | None) -> str:
    """The file's encoding. Raises `FileRefused` for a named one that does not exist or fit."""
    with path.open("rb") as file:
        head = file.read(PIECE)
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    if marked is not None:
        return marked
    if given is not None:
        return _named(given)
    declared = _DECLARED.match(head)
    if declared is not None:
        return _named(declared[1].decode())
    for candidate in ("utf-8", "cp1252"):
        if _fits(path, candidate):
            return candidate
    guess = from_bytes(head).best()
    if guess is None:
        raise FileRefused(
            "the file's encoding cannot be told", "Save it as UTF-8, or name its encoding."
        )
    return guess.encoding


def _named(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise FileRefused(
            f"there is no encoding {name!r}", "Name one such as utf-8, cp1252 or utf-16."
        ) from None


def _fits(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as file:
        try:
            while piece := file.read(PIECE):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True
