"""Which encoding a text file has: byte order mark, named, declared, UTF-8, cp1252, last a guess.

In that order because guessing mistakes cp1252 for its relatives; a merchant may name another. One
that is named or declared has to be one of text files, and to fit the whole file.
"""

import codecs
import re
from pathlib import Path

from charset_normalizer import from_bytes

from catalog_service.files.readers.items import FileRefused

PIECE = 1 << 20
LONGEST_DECLARATION = 1_000
BAD_BYTES = "surrogateescape"
"""How bytes that the encoding does not have are read: so that their row is reported, not lost."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\x00?\x00", "utf-16-le"),
    (b"\x00<\x00?", "utf-16-be"),
)
_DECLARED = re.compile(rb"""<\?xml[^>]*encoding=["']([^"'>]*)["']""")
_ASCII = re.compile("[\x00-\x7f]+")
_ESCAPED = re.compile("[\udc80-\udcff]+")
_OF_TEXT_FILES = re.compile(
    "ascii|utf_8(_sig)?|utf_(16|32)(_[lb]e)?|cp[0-9]+|iso8859_[0-9]+|latin_1|koi8_[rtu]|mac_[a-z0-9]+"
    "|(big5|gb|euc_|shift_jis|iso2022_)[a-z0-9_]*|hz|johab|hp_roman8|kz1048|ptcp154|tis_620"
)
_NAME_ONE = (
    "Name one of text files, such as utf-8, cp1252, iso-8859-1, utf-16, gb18030 or shift_jis, or"
    " leave it out: it is found out then."
)


def find_encoding(path: Path, given: str | None) -> str:
    """The file's encoding. Raises `FileRefused` for a named one that does not exist or fit."""
    with path.open("rb") as file:
        head = file.read(PIECE)
    marked = find_mark(head)
    declared = _DECLARED.match(head[:LONGEST_DECLARATION])
    if marked is not None:
        found = marked
    elif given is not None:
        found = _ordered(encoding_named(given), head)
    elif declared is not None:
        found = _declared(declared[1].decode("latin-1"), head)
    else:
        return _unnamed(path, head)
    if found != "utf-8-sig":  # its bad bytes are its rows' own
        _check_fit(path, found)
    return found


def find_mark(head: bytes) -> str | None:
    """The encoding that the first bytes of a file give away, or None."""
    return next((name for mark, name in _MARKS if head.startswith(mark)), None)


def encoding_named(name: str) -> str:
    """Python's name of a text file's encoding. Raises `FileRefused` for anything else."""
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        raise FileRefused(f"there is no encoding {name[:40]!r}", _NAME_ONE, "encoding") from None
    if not _OF_TEXT_FILES.fullmatch(found.replace("-", "_")):
        title = f"{name[:40]!r} is not an encoding of text files"
        raise FileRefused(title, _NAME_ONE, "encoding")
    return found


def is_wide(name: str | None) -> bool:
    """Whether text in this named encoding is full of zero bytes."""
    return name is not None and encoding_named(name).startswith(("utf-16", "utf-32"))


def _ordered(name: str, head: bytes) -> str:
    """The encoding with its byte order: one of a file without a mark is found by its zeros."""
    if name not in {"utf-16", "utf-32"}:
        return name
    width = 2 if name == "utf-16" else 4
    first, last = head[::width].count(0), head[width - 1 :: width].count(0)
    if not first + last:
        raise _misfit(name, 1)
    return f"{name}-be" if first > last else f"{name}-le"


def _declared(name: str, head: bytes) -> str:
    found = encoding_named(name)
    beginning = head[:LONGEST_DECLARATION].decode(found, errors="replace")
    if not beginning.startswith("<?xml"):
        raise _misfit(name, 1)
    return found


def _unnamed(path: Path, head: bytes) -> str:
    characters, bad_bytes = _count_utf8(path)
    # A row pasted from elsewhere does not make a file cp1252.
    if characters >= 2 * bad_bytes:
        return "utf-8"
    if find_misfit(path, "cp1252") is None:
        return "cp1252"
    guess = from_bytes(head).best()
    if guess is None or find_misfit(path, encoding_named(guess.encoding)) is not None:
        raise FileRefused(
            "the file's encoding is not recognised", "Save it as UTF-8, or name its encoding."
        )
    return guess.encoding


def _count_utf8(path: Path) -> tuple[int, int]:
    """How many characters beyond ASCII the file has as UTF-8, and how many bytes that are none."""
    decoder = codecs.getincrementaldecoder("utf-8")(BAD_BYTES)
    characters = bad_bytes = 0
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            text = decoder.decode(piece)
            if not text.isascii():
                beyond = _ASCII.sub("", text)
                good = len(_ESCAPED.sub("", beyond))
                characters += good
                bad_bytes += len(beyond) - good
    bad_bytes += len(decoder.decode(b"", final=True))
    return characters, bad_bytes


def _check_fit(path: Path, encoding: str) -> None:
    line = find_misfit(path, encoding)
    if line is not None:
        raise _misfit(encoding, line)


def _misfit(encoding: str, line: int) -> FileRefused:
    return FileRefused(
        f"the file is not written in {encoding[:40]}: line {line} has bytes that are not of it",
        "Name the encoding that it has, correct its declaration, or save it as UTF-8.",
        "encoding",
    )


def find_misfit(path: Path, encoding: str) -> int | None:
    """The first line with bytes that the encoding does not have; None where all are of it."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 1
    with path.open("rb") as file:
        while True:
            piece = file.read(PIECE)
            try:
                line += decoder.decode(piece, final=not piece).count("\n")
            except UnicodeDecodeError as error:
                before = error.object[: error.start]
                return line + before.decode(encoding, errors="replace").count("\n")
            except UnicodeError:
                return line
            if not piece:
                return None
