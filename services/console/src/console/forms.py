"""Forms as browsers send them: short ones read whole; files passed on while they come."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from starlette.requests import Request

LONGEST_FORM = 1_000_000
LONGEST_FIELDS = 65_536
"""What may stand before the file in a form that has one."""
HEAD_BYTES = 4_000_000
"""How much of a file is looked at before all of it is passed on."""
_NAME = re.compile(rb'[;\s]name="([^"]*)"', re.IGNORECASE)
_FILE = re.compile(rb"[;\s]filename\*?=", re.IGNORECASE)
_FILE_NAME = re.compile(rb'[;\s]filename="([^"]*)"', re.IGNORECASE)


class FormUnreadable(Exception):
    """The body is no form of ours, or too long."""


class Form:
    """The fields of a form; a name may come several times."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = pairs

    @property
    def pairs(self) -> Sequence[tuple[str, str]]:
        """Every field as it was sent, in this order."""
        return self._pairs

    def text(self, name: str) -> str:
        """The field, blanks around it left out; empty when it is not there."""
        return next((value.strip() for key, value in self._pairs if key == name), "")

    def secret(self, name: str) -> str:
        """The field as it is: a password may begin with a blank."""
        return next((value for key, value in self._pairs if key == name), "")

    def all(self, name: str) -> list[str]:
        """Every value of the field."""
        return [value for key, value in self._pairs if key == name]

    def starting(self, prefix: str) -> list[str]:
        """Every value of the fields whose names begin so: of several groups of choices."""
        return [value for key, value in self._pairs if key.startswith(prefix) and value]

    def has(self, name: str) -> bool:
        """Whether the field came: a box is ticked, a button was pressed."""
        return any(key == name for key, _ in self._pairs)

    @property
    def values(self) -> Mapping[str, str]:
        """What to fill the form with again, passwords left out."""
        return {key: value for key, value in self._pairs if "password" not in key}


async def read_form(request: Request) -> Form:
    """A form without files. Raises `FormUnreadable`."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise FormUnreadable
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_FORM:
            raise FormUnreadable
    try:
        return Form(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=2_000))
    except ValueError:
        raise FormUnreadable from None


async def open_upload(request: Request) -> tuple[Form, str, AsyncIterator[bytes]]:
    """A form whose last field is a file: the fields before it, the content type of what follows,
    and the file's part as it comes, which is never held as a whole.

    Raises `FormUnreadable` where the body is no such form.
    """
    content_type = request.headers.get("content-type", "")
    found = re.search(r'boundary="?([^";,\s]{1,200})"?', content_type)
    if not content_type.lower().startswith("multipart/form-data") or found is None:
        raise FormUnreadable
    border = b"--" + found[1].encode()
    chunks = request.stream()
    begun = bytearray()
    pairs: list[tuple[str, str]] = []
    while True:
        place = begun.find(b"\r\n\r\n")
        head = bytes(begun[:place]) if place >= 0 else b""
        if place >= 0 and _FILE.search(head):
            break
        end = begun.find(b"\r\n" + border, place + 4) if place >= 0 else -1
        if end >= 0:
            pairs.append(_field(head, bytes(begun[place + 4 : end])))
            del begun[: end + 2]
            if begun.startswith(border + b"--"):
                raise FormUnreadable  # it ends without a file
            continue
        if len(begun) > LONGEST_FIELDS:
            raise FormUnreadable
        try:
            begun += await anext(chunks)
        except StopAsyncIteration:
            raise FormUnreadable from None

    async def rest() -> AsyncIterator[bytes]:
        yield bytes(begun)
        async for chunk in chunks:
            yield chunk

    return Form(pairs), content_type, rest()


@dataclass(frozen=True)
class FileHead:
    """The beginning of a form's file: `is_whole` where that is all of it; `rest` is the file's part
    of the form from its first byte on, this beginning included."""

    name: str
    content: bytes
    is_whole: bool
    rest: AsyncIterator[bytes]

    @property
    def is_text(self) -> bool:
        """Whether it may be read as lines, cut anywhere between them."""
        return b"\x00" not in self.content and not self.content.lstrip().startswith((b"PK", b"<"))

    def sample(self) -> bytes | None:
        """As much of the file as can be read by itself; None where only the whole can be."""
        if self.is_whole:
            return self.content
        return self.content[: self.content.rfind(b"\n") + 1] or None if self.is_text else None


async def begin_file(content_type: str, part: AsyncIterator[bytes]) -> FileHead:
    """The first `HEAD_BYTES` of the file that `open_upload` has found."""
    found = re.search(r'boundary="?([^";,\s]{1,200})"?', content_type)
    border = b"\r\n--" + (found[1].encode() if found else b"")
    begun = bytearray()
    async for chunk in part:
        begun += chunk
        if len(begun) > HEAD_BYTES:
            break
    head, _, content = bytes(begun).partition(b"\r\n\r\n")
    end = content.find(border)
    named = _FILE_NAME.search(head)

    async def rest() -> AsyncIterator[bytes]:
        yield bytes(begun)
        async for chunk in part:
            yield chunk

    return FileHead(
        name=named[1].decode(errors="replace") if named else "",
        content=content[:end] if end >= 0 else content,
        is_whole=end >= 0,
        rest=rest(),
    )


def _field(head: bytes, value: bytes) -> tuple[str, str]:
    name = _NAME.search(head)
    if name is None:
        raise FormUnreadable
    try:
        return name[1].decode(), value.decode()
    except UnicodeDecodeError:
        raise FormUnreadable from None
