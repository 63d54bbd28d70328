"""Sample pictures: any name gives a small valid picture, always the same for that name.

Names that start with `missing-` are not there, `notimage-` is an HTML page under a picture's
address, `slow-` takes its time.
"""

import asyncio
import zlib
from hashlib import sha256
from struct import pack

from sandbox.server import Response

SIDE = 800
SLOW_SECONDS = 5.0


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
    """A PNG of two colours drawn from the name."""
    digest = sha256(name.encode()).digest()
    upper, lower = digest[:3], digest[3:6]
    half = SIDE // 2
    rows = (b"\0" + upper * SIDE) * half + (b"\0" + lower * SIDE) * half
    header = pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(rows, 6))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    return pack(">I", len(content)) + kind + content + pack(">I", zlib.crc32(kind + content))
