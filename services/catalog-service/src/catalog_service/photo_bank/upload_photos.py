"""Upload pictures into shops' photo banks in the background (M3.5, decision 21): shops side by
side, each content once for a shop.

A picture is fetched again for it, behind the same guard as when it was checked: contents are kept
nowhere. What is fetched then is what is uploaded, under its own hash, also where it is another
content than the one asked for. A lost answer is repeated: at worst the bank has the picture twice.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

import structlog

from aliexpress.client import Client
from aliexpress.errors import (
    AppRefused,
    CallerFault,
    LimitReached,
    MarketplaceFailure,
    TokenDead,
)
from aliexpress.operation import AccessToken
from aliexpress.shop import UploadedImage, is_bank_full, upload_image
from catalog_service.categories.marketplace import Tokens, access_token
from catalog_service.categories.shop_turns import ShopTurns, pause_after
from catalog_service.images.check_images import keep_verdict
from catalog_service.images.fetch_image import Verdict, kind_of
from catalog_service.images.store import load_verdicts
from catalog_service.photo_bank.photo import BANK_FULL
from catalog_service.photo_bank.store import (
    Upload,
    count_upload_failures,
    defer_upload,
    find_photo,
    forget_upload,
    list_due_uploads,
    load_bank,
    note_full,
    note_turn,
    refuse_for_want_of_room,
    save_refusal,
    save_upload,
)
from catalog_service.shops.store import ShopKey
from common import clock
from common.errors import Outage
from common.postgres.leases import hold_lease
from common.postgres.pool import Pool
from common.postgres.set_aside import (
    RowKey,
    forget_failures,
    is_about_the_data,
    note_failure,
)
from common.postgres.unit_of_work import reading, unit_of_work
from common.shop_tokens import ShopNotConnected, ShopToken
from common.telemetry.names import CATALOG_PHOTOS
from common.telemetry.setup import counter

log = structlog.get_logger()

JOB = "photos"
SHOPS_AT_ONCE = 8
UPLOADS_OF_SHOP = 64
"""How many pictures a shop's turn takes."""
AT_ONCE_OF_SHOP = 4
IN_MEMORY = 12
"""How many pictures, of 5 MB at most, one process holds at a time."""
FAILURES_IN_A_ROW = 2
FULL_FOR = timedelta(hours=1)
REFUSED_FOR = timedelta(days=1)
TOLD_AT_ONCE = 1_000

_uploads = counter(CATALOG_PHOTOS)


class PictureSource(Protocol):
    """What fetches a picture with its content; `ImageFetcher` is the one."""

    async def fetch(self, url: str) -> Verdict:
        """The verdict on the picture at this address, and its content."""


@dataclass
class _Turn:
    """How a shop's turn goes: `retry_at` is when a limit lets it go on, which is no failure."""

    uploaded: int = 0
    failed_in_a_row: int = 0
    retry_at: datetime | None = None
    is_full: bool = False
    waiting: list[Upload] = field(default_factory=list)
    settled: list[RowKey] = field(default_factory=list)

    @property
    def may_go_on(self) -> bool:
        """Whether the next picture may be tried."""
        return bool(self.waiting) and not self.is_full and self.failed_in_a_row < FAILURES_IN_A_ROW


class PhotoUploader:
    """The job that uploads, each shop's by one replica at a time."""

    def __init__(
        self, pool: Pool, client: Client, tokens: Tokens, source: PictureSource, *, holder: str
    ) -> None:
        self._pool = pool
        self._client = client
        self._tokens = tokens
        self._source = source
        self._holder = holder
        self._shops = ShopTurns()
        self._in_memory = asyncio.Semaphore(IN_MEMORY)

    async def aclose(self) -> None:
        """End the uploads that are under way; they are due again."""
        await self._shops.aclose()

    async def run(self) -> bool:
        """One turn; whether any picture was uploaded, or settled otherwise."""
        busy = self._shops.busy
        if len(busy) >= SHOPS_AT_ONCE:
            return False
        async with reading(self._pool) as connection:
            due = await list_due_uploads(
                connection,
                JOB,
                busy=busy,
                shops=SHOPS_AT_ONCE - len(busy),
                of_shop=UPLOADS_OF_SHOP,
            )
        return await self._shops.run(
            {shop: partial(self._serve, shop, some) for shop, some in _by_shop(due).items()}
        )

    async def _serve(self, shop: ShopKey, due: Sequence[Upload]) -> bool:
        """A shop's turn; whether it got anywhere."""
        async with hold_lease(self._pool, f"catalog.{JOB}:{'/'.join(shop)}", self._holder) as lease:
            if lease is None:
                return False
            async with reading(self._pool) as connection:
                bank = await load_bank(connection, shop)
            if bank.full_until is not None and bank.full_until > clock.now():
                return await self._tell_of_full_bank(shop, bank.full_until)
            token = await self._token(shop)
            if token is None:
                return False
            turn = _Turn(waiting=list(reversed(due)))
            await self._upload_all(shop, token, turn)
            failures = bank.failures + 1 if turn.failed_in_a_row else 0
            retry_at = turn.retry_at or (clock.now() + pause_after(failures) if failures else None)
            async with unit_of_work(self._pool) as connection:
                if turn.is_full:
                    await note_full(connection, shop, until=clock.now() + FULL_FOR)
                await forget_failures(connection, JOB, turn.settled)
                await note_turn(connection, shop, failures=failures, retry_at=retry_at)
        return turn.uploaded > 0 or turn.is_full

    async def _tell_of_full_bank(self, shop: ShopKey, until: datetime) -> bool:
        async with unit_of_work(self._pool) as connection:
            told = await refuse_for_want_of_room(connection, shop, until=until, limit=TOLD_AT_ONCE)
        return told > 0

    async def _upload_all(self, shop: ShopKey, token: ShopToken, turn: _Turn) -> None:
        """Upload these, a few at a time, until a limit is reached, the token ends (M1.3), the bank
        is full, or calls fail in a row."""

        async def upload_next() -> None:
            while turn.may_go_on and clock.now() < token.expires_at:
                await self._upload_apart(turn.waiting.pop(), access_token(token), turn)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE_OF_SHOP):
                    group.create_task(upload_next())
        except* TokenDead:
            await self._report_dead(shop, token)
        except* LimitReached as reached:
            bans = [each.ban for each in reached.exceptions if isinstance(each, LimitReached)]
            turn.retry_at = clock.now() + max(bans, default=timedelta())
        except* AppRefused:
            turn.failed_in_a_row += 1

    async def _upload_apart(self, upload: Upload, token: AccessToken, turn: _Turn) -> None:
        """One picture, whose failure on our side is its own."""
        row = RowKey(upload.merchant_id, f"{upload.shop_id}/{upload.content_hash.hex()}")
        try:
            await self._upload(upload, token, turn)
        except MarketplaceFailure:
            raise
        except Exception as error:
            if not is_about_the_data(error):
                raise
            await note_failure(self._pool, JOB, row, error)
        else:
            turn.settled.append(row)

    async def _upload(self, upload: Upload, token: AccessToken, turn: _Turn) -> None:
        """One picture to its outcome. Raises what is no fault of it: `TokenDead`, `LimitReached`,
        `AppRefused`."""
        async with self._in_memory:
            fetched = await self._source.fetch(upload.url)
            content, content_hash = fetched.content, fetched.content_hash
            if content is None or content_hash is None:
                await self._handle_unfetched(upload, fetched)
                return
            async with reading(self._pool) as connection:
                known = await find_photo(connection, upload.shop, content_hash)
            uploaded = None
            if known is None or known.address is None:
                name = f"{content_hash.hex()}.{kind_of(content[:16])}"
                uploaded = await self._call(upload, token, turn, name, content)
                if uploaded is None:
                    return
        turn.uploaded += 1
        turn.failed_in_a_row = 0
        async with unit_of_work(self._pool) as connection:
            if content_hash != upload.content_hash:
                await keep_verdict(connection, upload.picture, fetched)
            await save_upload(connection, upload, content_hash, uploaded)

    async def _call(
        self, upload: Upload, token: AccessToken, turn: _Turn, name: str, content: bytes
    ) -> UploadedImage | None:
        """The picture as the bank has it now; None where it has not taken it, which is noted."""
        try:
            uploaded = await upload_image(self._client, token, name, content)
        except (TokenDead, LimitReached, AppRefused):
            raise
        except CallerFault as fault:
            turn.is_full = turn.is_full or is_bank_full(fault)
            reason = BANK_FULL if is_bank_full(fault) else f"AliExpress refuses it: {fault.message}"
            lasts = FULL_FOR if is_bank_full(fault) else REFUSED_FOR
            _uploads.add(1, {"outcome": "full" if is_bank_full(fault) else "refused"})
            log.warning("photo.refused", shop=upload.shop_id, reason=str(fault))
            async with unit_of_work(self._pool) as connection:
                await save_refusal(connection, upload, reason[:500], due_at=clock.now() + lasts)
            return None
        except MarketplaceFailure as failure:
            turn.failed_in_a_row += 1
            _uploads.add(1, {"outcome": "failed"})
            log.warning("photo.not_uploaded", shop=upload.shop_id, reason=str(failure))
            async with unit_of_work(self._pool) as connection:
                failures = 1 + await count_upload_failures(connection, upload)
                await defer_upload(connection, upload, due_at=clock.now() + pause_after(failures))
            return None
        _uploads.add(1, {"outcome": "uploaded"})
        return uploaded

    async def _handle_unfetched(self, upload: Upload, fetched: Verdict) -> None:
        """A picture that was good cannot be had now: later, or not before its check is good."""
        _uploads.add(1, {"outcome": "unfetched"})
        picture = upload.picture
        async with unit_of_work(self._pool) as connection:
            await keep_verdict(connection, picture, fetched)
            if (await load_verdicts(connection, [picture])).get(picture) == "":
                failures = 1 + await count_upload_failures(connection, upload)
                await defer_upload(connection, upload, due_at=clock.now() + pause_after(failures))
            else:
                await forget_upload(connection, upload)

    async def _token(self, shop: ShopKey) -> ShopToken | None:
        """The shop's token; None while it has none, or auth-service is away."""
        try:
            return await self._tokens.token(*shop)
        except ShopNotConnected:
            return None
        except Outage as outage:
            log.warning("token.not_had", shop=shop[1], reason=str(outage))
            return None

    async def _report_dead(self, shop: ShopKey, token: ShopToken) -> None:
        try:
            await self._tokens.report_dead(*shop, token.generation)
        except Outage as outage:
            log.warning("token.not_reported", shop=shop[1], reason=str(outage))


def _by_shop(due: Sequence[Upload]) -> dict[ShopKey, list[Upload]]:
    found: defaultdict[ShopKey, list[Upload]] = defaultdict(list)
    for upload in due:
        found[upload.shop].append(upload)
    return found
