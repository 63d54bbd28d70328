"""The beginning of a form's file: found while it comes, and passed on whole."""

from collections.abc import AsyncIterator

import pytest

from console import forms
from console.forms import FileHead, begin_file

KIND = 'multipart/form-data; boundary="b0rder"'
HEAD = (
    b'--b0rder\r\nContent-Disposition: form-data; name="file"; filename="my products.csv"\r\n\r\n'
)
END = b"\r\n--b0rder--\r\n"


async def by_pieces(body: bytes, size: int = 7) -> AsyncIterator[bytes]:
    for begin in range(0, len(body), size):
        yield body[begin : begin + size]


async def passed_on(head: FileHead) -> bytes:
    return b"".join([piece async for piece in head.rest])


async def test_a_small_file_is_all_there_and_passed_on_as_it_came() -> None:
    content = b"id,title\r\n1,\xff--b0rder\r\n"
    head = await begin_file(KIND, by_pieces(HEAD + content + END))
    assert (head.name, head.content, head.is_whole) == ("my products.csv", content, True)
    assert head.sample() == content
    assert await passed_on(head) == HEAD + content + END


@pytest.mark.parametrize(
    ("begun", "sample"),
    [
        (b"id,title\n1,Mug\n2,Cu", b"id,title\n1,Mug\n"),
        (b"one line that does not end", None),
        (b"PK\x03\x04 a workbook\n", None),
        (b"<?xml version='1.0'?>\n<rss>\n", None),
        (b"i\x00d\x00\n", None),
    ],
)
async def test_of_a_large_file_whole_lines_are_a_sample(
    monkeypatch: pytest.MonkeyPatch, begun: bytes, sample: bytes | None
) -> None:
    monkeypatch.setattr(forms, "HEAD_BYTES", len(HEAD) + len(begun) - 1)
    body = HEAD + begun + b"and more\n" * 9 + END
    head = await begin_file(KIND, by_pieces(body, len(HEAD) + len(begun)))
    assert not head.is_whole
    assert head.sample() == sample
    assert await passed_on(head) == body
