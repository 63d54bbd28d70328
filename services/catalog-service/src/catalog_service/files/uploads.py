"""How much a merchant may upload at once, and leave unread: before a file is read off the wire."""

import re
import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fastapi import Request, Response, UploadFile
from fastapi.routing import APIRoute

from catalog_service.files.store import Unread, count_unread
from catalog_service.settings import CatalogSettings
from common.errors import Refusal
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading
from common.web.identity import IDENTIFIER_PATTERN, act_as, identify
from common.web.routing import IncludedRoute

PIECE_BYTES = 1 << 20
_IDENTIFIER = re.compile(IDENTIFIER_PATTERN)
_SOON = timedelta(seconds=5)
_LATER = timedelta(minutes=1)


@dataclass(frozen=True)
class UploadLimits:
    """What one merchant may have at a time: uploads in each process, imports to be read, and bytes
    of both; and how much of the spool's disk stays free, whoever uploads."""

    at_once: int
    unread_imports: int
    unread_bytes: int
    free_bytes: int
    largest: int

    @classmethod
    def of(cls, settings: CatalogSettings) -> "UploadLimits":
        """As the operator has set them."""
        return cls(
            at_once=settings.uploads_at_once,
            unread_imports=settings.unread_imports,
            unread_bytes=settings.unread_bytes,
            free_bytes=settings.spool_free_bytes,
            largest=settings.upload_limit_bytes,
        )


class Uploads:
    """The uploads of this process, counted by merchant."""

    def __init__(self, pool: Pool, limits: UploadLimits) -> None:
        self._pool = pool
        self.limits = limits
        self._running: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()

    @asynccontextmanager
    async def admit(self, merchant_id: str, size: int) -> AsyncIterator[None]:
        """Count an upload of this size while it lasts. Raises `Refusal` where it is too much."""
        self._running[merchant_id] += 1
        self._bytes[merchant_id] += size
        try:
            await self._check(merchant_id, size)
            yield
        finally:
            self._running -= Counter({merchant_id: 1})
            self._bytes -= Counter({merchant_id: size})

    def size_of(self, request: Request) -> int:
        """How long its body is, or may be where it does not say."""
        size = request.headers.get("content-length", "")
        is_given = size.isascii() and size.isdigit()
        return int(size) if is_given else self.limits.largest

    async def _check(self, merchant_id: str, size: int) -> None:
        limits = self.limits
        if self._running[merchant_id] > limits.at_once:
            raise _too_many(f"more than {limits.at_once} uploads at once", _SOON)
        if _free_bytes() - sum(self._bytes.values()) < limits.free_bytes:
            raise Refusal(
                "no room is left for uploads",
                status=507,
                slug="no-room-for-uploads",
                remedy="Send the file later; the operator has to make room.",
                retry_after=_LATER,
            )
        async with reading(self._pool) as connection:
            unread = await count_unread(connection, merchant_id)
        self._check_unread(merchant_id, unread)

    def _check_unread(self, merchant_id: str, unread: Unread) -> None:
        limits = self.limits
        if unread.imports + self._running[merchant_id] > limits.unread_imports:
            raise _too_many(f"{unread.imports} imports wait to be read", _LATER)
        if unread.size_bytes + self._bytes[merchant_id] > limits.unread_bytes:
            raise _too_many(f"more than {limits.unread_bytes} bytes wait to be read", _LATER)


def counted(uploads: Uploads, *, scope: str = "catalogue:write") -> type[APIRoute]:
    """The kind of route whose requests with a file are counted before their body is read; the
    caller needs the scope."""

    class CountedRoute(IncludedRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def handle_counted(request: Request) -> Response:
                merchant_id = request.path_params["merchant_id"]
                if not _IDENTIFIER.fullmatch(merchant_id):
                    return await handle(request)  # which refuses it
                act_as(await identify(request), merchant_id, scope)
                async with uploads.admit(merchant_id, uploads.size_of(request)):
                    return await handle(request)

            return handle_counted

    return CountedRoute


async def pieces_of(file: UploadFile, *, limit_bytes: int, remedy: str) -> AsyncIterator[bytes]:
    """A file's pieces of 1 MiB. Raises `Refusal` with the remedy where it is too large."""
    size = 0
    while piece := await file.read(PIECE_BYTES):
        size += len(piece)
        if size > limit_bytes:
            raise Refusal(
                f"the file is larger than {limit_bytes} bytes",
                status=413,
                slug="file-too-large",
                field="file",
                remedy=remedy,
            )
        yield piece


def _too_many(title: str, retry_after: timedelta) -> Refusal:
    return Refusal(
        title,
        status=429,
        slug="too-many-uploads",
        field="file",
        remedy="Wait until imports have ended, or cancel those that are not needed.",
        retry_after=retry_after,
    )


def _free_bytes() -> int:
    return shutil.disk_usage(tempfile.gettempdir()).free
