"""Sample pictures: any name gives a small valid picture, always the same for that name.

Names that start with `missing-` are not there, `notimage-` is an HTML page under a picture's
address, `slow-` takes its time.
"""

import asyncio
import zlib
from hashlib import sha256
from struct import pack, unpack
from urllib.parse import urlsplit

from sandbox.server import Response

SIDE = 800
SLOW_SECONDS = 5.0


def can_be_had(address: str) -> bool:
    """Whether the platform, which fetches what it is given, gets a picture from an address.

    Other servers' are taken to have one: only what is no address of the web has none.
    """
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    name = parts.path.rpartition("/pictures/")[2]
    is_of_the_web = parts.scheme in {"http", "https"} and bool(parts.hostname)
    return is_of_the_web and not name.startswith(("missing-", "notimage-"))


async def picture(name: str) -> Response:
    """The picture of a name; a PNG whatever the name ends with, as servers often have it."""
    if name.startswith("missing-"):
        return Response(b"not found", status=404, content_type="text/plain")
    if name.startswith("notimage-"):
        return Response(b"<html><body>no picture</body></html>", content_type="text/html")
    if name.startswith("slow-"):
        await asyncio.sleep(SLOW_SECONDS)
    return Response(draw(name), content_type="image/png")


def draw(name: str) -> bytes:
    """A PNG of two colours drawn from the name: a bit for each dot, and a palette."""
    digest = sha256(name.encode()).digest()
    upper, lower = b"\0" + bytes(SIDE // 8), b"\0" + b"\xff" * (SIDE // 8)
    rows = upper * (SIDE // 2) + lower * (SIDE // 2)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", pack(">IIBBBBB", SIDE, SIDE, 1, 3, 0, 0, 0))
        + _chunk(b"PLTE", digest[:6])
        + _chunk(b"IDAT", zlib.compress(rows))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    return pack(">I", len(content)) + kind + content + pack(">I", zlib.crc32(kind + content))


def measure(content: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG, GIF or JPEG; None for what is none, or cut off."""
    if content.startswith(b"\x89PNG\r\n\x1a\n") and len(content) >= 24:
        width, height = unpack(">II", content[16:24])
        return width, height
    if content.startswith((b"GIF87a", b"GIF89a")) and len(content) >= 10:
        width, height = unpack("<HH", content[6:10])
        return width, height
    return _measure_jpeg(content) if content.startswith(b"\xff\xd8") else None


def _measure_jpeg(content: bytes) -> tuple[int, int] | None:
    """Walks the segments to the first that starts a frame."""
    place = 2
    while place + 9 <= len(content):
        marker, length = content[place + 1], int.from_bytes(content[place + 2 : place + 4], "big")
        if marker in _FRAMES:
            height, width = unpack(">HH", content[place + 5 : place + 9])
            return width, height
        place += 2 + length
    return None


_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
