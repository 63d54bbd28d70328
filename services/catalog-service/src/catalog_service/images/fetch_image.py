"""Fetch the beginning of one picture, behind the guard, and say whether it is one."""

import asyncio
from dataclasses import dataclass
from hashlib import blake2b
from urllib.parse import urljoin

import httpx2

from common.outbound.guard import AddressRefused, target_of
from common.outbound.guarded_request import guarded_request
from common.outbound.http_client import HttpClient

MAX_REDIRECTS = 3
MAX_BYTES = 5_000_000
TOTAL_SECONDS = 15.0
MAY_PASS = frozenset({408, 425, 429})
_SIGNATURES = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"BM", "bmp"),
)


@dataclass(frozen=True)
class Verdict:
    """What became of a picture: `reason` is None for a good one; `may_pass` says that the host
    may only be away just now. `content` is that of a good one that was asked for with it."""

    reason: str | None
    content_hash: bytes | None = None
    may_pass: bool = False
    content: bytes | None = None


class ImageFetcher:
    """Fetches pictures; one client without cookies and without redirects of its own."""

    def __init__(self, allowed_hosts: frozenset[str]) -> None:
        self._allowed = allowed_hosts
        self._client = HttpClient(
            timeout=httpx2.Timeout(5.0, pool=TOTAL_SECONDS),
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=20),
            follow_redirects=False,
            trust_env=False,
            headers={"accept": "image/*", "user-agent": "aliexpress-channel (picture check)"},
        )

    async def check(self, url: str) -> Verdict:
        """Fetch the picture, at most 5 MB in 15 seconds over 3 redirects."""
        return await self._fetch(url, is_kept=False)

    async def fetch(self, url: str) -> Verdict:
        """As `check`, with the content of a good picture."""
        return await self._fetch(url, is_kept=True)

    async def _fetch(self, url: str, *, is_kept: bool) -> Verdict:
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                return await self._follow(url, is_kept=is_kept)
        except AddressRefused as refused:
            return Verdict(str(refused))
        except TimeoutError:
            return Verdict("its server did not answer in time", may_pass=True)
        except (httpx2.HTTPError, OSError):
            return Verdict("its server cannot be reached", may_pass=True)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _follow(self, url: str, *, is_kept: bool) -> Verdict:
        for _ in range(MAX_REDIRECTS + 1):
            target = target_of(url, self._allowed)
            request = await guarded_request(self._client, "GET", target)
            response = await self._client.send(request, stream=True)
            try:
                if response.is_redirect:
                    url = urljoin(url, response.headers.get("location", ""))
                    continue
                if response.status_code != 200:
                    return Verdict(
                        f"its server answered {response.status_code}",
                        may_pass=response.status_code >= 500 or response.status_code in MAY_PASS,
                    )
                return await _evaluate(response, is_kept=is_kept)
            finally:
                await response.aclose()
        return Verdict(f"it redirects more than {MAX_REDIRECTS} times")


async def _evaluate(response: httpx2.Response, *, is_kept: bool) -> Verdict:
    """Whether the body is a picture of a size taken, by its content, not by what it claims."""
    size = 0
    head = b""
    pieces: list[bytes] = []
    hashed = blake2b(digest_size=16)
    async for piece in response.aiter_raw():
        size += len(piece)
        if size > MAX_BYTES:
            return Verdict(f"it is larger than {MAX_BYTES // 1_000_000} MB")
        head = head if len(head) >= 16 else (head + piece)[:16]
        hashed.update(piece)
        if is_kept:
            pieces.append(piece)
    if kind_of(head) is None:
        kind = response.headers.get("content-type", "nothing").split(";")[0][:60]
        return Verdict(f"it is no picture but {kind}")
    return Verdict(None, hashed.digest(), content=b"".join(pieces) if is_kept else None)


def kind_of(head: bytes) -> str | None:
    """Which kind of picture begins so, as file names end; None for what is none."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    return next((kind for signature, kind in _SIGNATURES if head.startswith(signature)), None)
