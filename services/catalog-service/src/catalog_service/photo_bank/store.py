"""Which pictures are in which shop's photo bank, and which are to be uploaded, in Postgres."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import LargeBinary, Text, column, func, literal, select, true

from aliexpress.shop import UploadedImage
from catalog_service.families.store import columns_of, end_waits, mark
from catalog_service.images.queue import ImageKey
from catalog_service.photo_bank.photo import BANK_FULL, Photo
from catalog_service.shops.store import ShopKey
from catalog_service.tables import feed, image_check
from common import clock
from common.postgres.pool import Connection
from common.postgres.unit_of_work import WorkKind, made_work

UPLOADING = WorkKind()
"""Pictures to be uploaded."""

PhotoKey = tuple[str, str, str]
"""(merchant, shop, address of the picture in the catalogue)"""


class Upload(NamedTuple):
    """A content to be uploaded into a shop's photo bank, and an address it was found under."""

    merchant_id: str
    shop_id: str
    content_hash: bytes
    url: str

    @property
    def shop(self) -> ShopKey:
        """(merchant, shop)"""
        return self.merchant_id, self.shop_id

    @property
    def picture(self) -> ImageKey:
        """(merchant, url)"""
        return self.merchant_id, self.url


def wait_for_photo(shop_id: str, url: str) -> str:
    """What a family waits for that needs a picture in the shop's photo bank."""
    return f"photo:{shop_id}:{url}"


async def load_photos(connection: Connection, keys: Collection[PhotoKey]) -> dict[PhotoKey, Photo]:
    """What became of these pictures in the shops' photo banks; one that is no good picture is left
    out."""
    rows = await connection.fetch(
        """
        SELECT k.*, b.address, b.reason
        FROM unnest($1::text[], $2::text[], $3::text[]) AS k (merchant_id, shop_id, url)
        JOIN image_check i ON (i.merchant_id, i.url) = (k.merchant_id, k.url)
        LEFT JOIN bank_picture b ON (b.merchant_id, b.shop_id, b.content_hash)
            = (k.merchant_id, k.shop_id, i.content_hash)
        WHERE i.is_reachable AND i.content_hash IS NOT NULL
        """,
        *columns_of(keys),
    )
    return {(m, s, url): Photo(address, reason) for m, s, url, address, reason in rows}


async def load_requested(
    connection: Connection, keys: Collection[PhotoKey]
) -> dict[PhotoKey, Photo]:
    """As `load_photos`, without pictures that nobody has asked into the photo bank."""
    rows = await connection.fetch(
        """
        SELECT k.*, b.address, b.reason
        FROM unnest($1::text[], $2::text[], $3::text[]) AS k (merchant_id, shop_id, url)
        JOIN image_check i ON (i.merchant_id, i.url) = (k.merchant_id, k.url)
        JOIN bank_picture b ON (b.merchant_id, b.shop_id, b.content_hash)
            = (k.merchant_id, k.shop_id, i.content_hash)
        """,
        *columns_of(keys),
    )
    return {(m, s, url): Photo(address, reason) for m, s, url, address, reason in rows}


async def find_photo(connection: Connection, shop: ShopKey, content_hash: bytes) -> Photo | None:
    """What became of a content in the shop's photo bank; None where it was never asked for."""
    row = await connection.fetchrow(
        """
        SELECT address, reason FROM bank_picture
        WHERE merchant_id = $1 AND shop_id = $2 AND content_hash = $3
        """,
        *shop,
        content_hash,
    )
    return None if row is None else Photo(*row)


async def request_uploads(connection: Connection, keys: Collection[PhotoKey]) -> set[PhotoKey]:
    """Have these pictures uploaded, each content once for a shop; those that were meanwhile, or
    were refused, are returned.

    Locks their rows, so that an upload that ends meanwhile sees the families that wait for it.
    """
    made_work(connection, UPLOADING)
    columns = columns_of(keys)
    await connection.execute(
        """
        INSERT INTO photo_bank (merchant_id, shop_id)
        SELECT DISTINCT * FROM unnest($1::text[], $2::text[]) AS k ON CONFLICT DO NOTHING
        """,
        *columns[:2],
    )
    await connection.execute(
        """
        INSERT INTO bank_picture (merchant_id, shop_id, content_hash, url, due_at)
        SELECT DISTINCT ON (1, 2, 3)
            k.merchant_id, k.shop_id, i.content_hash, k.url, $4::timestamptz
        FROM unnest($1::text[], $2::text[], $3::text[]) AS k (merchant_id, shop_id, url)
        JOIN image_check i ON (i.merchant_id, i.url) = (k.merchant_id, k.url)
        WHERE i.content_hash IS NOT NULL ORDER BY 1, 2, 3 ON CONFLICT DO NOTHING
        """,
        *columns,
        clock.now(),
    )
    rows = await connection.fetch(
        """
        SELECT k.merchant_id, k.shop_id, k.url, b.address, b.reason
        FROM unnest($1::text[], $2::text[], $3::text[]) AS k (merchant_id, shop_id, url)
        JOIN image_check i ON (i.merchant_id, i.url) = (k.merchant_id, k.url)
        JOIN bank_picture b ON (b.merchant_id, b.shop_id, b.content_hash)
            = (k.merchant_id, k.shop_id, i.content_hash)
        ORDER BY b.merchant_id, b.shop_id, b.content_hash FOR SHARE OF b
        """,
        *columns,
    )
    return {(m, s, url) for m, s, url, *photo in rows if not Photo(*photo).is_pending}


async def list_due_uploads(
    connection: Connection, job: str, *, busy: Collection[ShopKey], shops: int, of_shop: int
) -> list[Upload]:
    """What is to be uploaded for usable shops, those first whose last turn is longest ago; shops
    that are `busy` or backing off, and rows that the job is to pass over, are left out."""
    rows = await connection.fetch(
        """
        WITH bank AS (
            SELECT merchant_id, shop_id, turn_at FROM photo_bank JOIN shop
                USING (merchant_id, shop_id)
            WHERE shop.is_usable AND (photo_bank.retry_at IS NULL OR photo_bank.retry_at <= $1)
                AND (merchant_id, shop_id) NOT IN (SELECT * FROM unnest($2::text[], $3::text[]))
                AND EXISTS (
                    SELECT FROM bank_picture AS b
                    WHERE b.merchant_id = photo_bank.merchant_id
                        AND b.shop_id = photo_bank.shop_id AND b.due_at <= $1)
            ORDER BY turn_at NULLS FIRST LIMIT $4
        )
        SELECT due.* FROM bank CROSS JOIN LATERAL (
            SELECT merchant_id, shop_id, content_hash, url FROM bank_picture AS b
            WHERE b.merchant_id = bank.merchant_id AND b.shop_id = bank.shop_id
                AND b.due_at <= $1
                AND NOT is_held(
                    $6, b.merchant_id, b.shop_id || '/' || encode(b.content_hash, 'hex'), $1)
            ORDER BY b.due_at LIMIT $5
        ) AS due ORDER BY bank.turn_at NULLS FIRST
        """,
        clock.now(),
        [merchant for merchant, _ in busy],
        [shop for _, shop in busy],
        shops,
        of_shop,
        job,
    )
    return [Upload(*row) for row in rows]


async def save_upload(
    connection: Connection, upload: Upload, content_hash: bytes, uploaded: UploadedImage | None
) -> None:
    """The content fetched for an upload, `content_hash`, is in the bank (`uploaded` None: it was
    there before): lets the families go that wait for it.

    Where that is another content than the one asked for, nothing asks for that any more.
    """
    if uploaded is not None:
        was_refused = await connection.fetchval(
            """
            INSERT INTO bank_picture AS b
                (merchant_id, shop_id, content_hash, url, address, uploaded_at)
            VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (merchant_id, shop_id, content_hash) DO UPDATE SET
                address = $5, uploaded_at = $6, reason = NULL, failures = 0, due_at = NULL
            RETURNING old.reason IS NOT NULL
            """,
            *upload.shop,
            content_hash,
            upload.url,
            uploaded.url,
            clock.now(),
        )
        if was_refused:
            await _mark_users(connection, upload.shop, content_hash)
        await connection.execute(
            """
            UPDATE photo_bank SET used_megabytes = $3, total_megabytes = $4, full_until = NULL
            WHERE merchant_id = $1 AND shop_id = $2
            """,
            *upload.shop,
            uploaded.used_megabytes,
            uploaded.total_megabytes,
        )
    await _let_go(connection, upload.shop, [content_hash])
    if content_hash != upload.content_hash:
        await forget_upload(connection, upload)


async def forget_upload(connection: Connection, upload: Upload) -> None:
    """Upload this content no more, unless it was; families that wait for it are evaluated again
    and ask for what they find then."""
    await connection.execute(
        """
        DELETE FROM bank_picture
        WHERE merchant_id = $1 AND shop_id = $2 AND content_hash = $3 AND address IS NULL
        """,
        *upload.shop,
        upload.content_hash,
    )
    await _let_go(connection, upload.shop, [upload.content_hash])
    await end_waits(connection, upload.merchant_id, wait_for_photo(upload.shop_id, upload.url))


async def save_refusal(
    connection: Connection, upload: Upload, reason: str, *, due_at: datetime
) -> None:
    """AliExpress did not take the picture: families that wait for it have an issue now."""
    is_news = await connection.fetchval(
        """
        UPDATE bank_picture SET reason = $4, due_at = $5, failures = failures + 1
        WHERE merchant_id = $1 AND shop_id = $2 AND content_hash = $3 AND address IS NULL
        RETURNING old.reason IS DISTINCT FROM new.reason
        """,
        *upload.shop,
        upload.content_hash,
        reason,
        due_at,
    )
    if is_news:
        await _let_go(connection, upload.shop, [upload.content_hash])


async def defer_upload(connection: Connection, upload: Upload, *, due_at: datetime) -> None:
    """Try it again then."""
    await connection.execute(
        """
        UPDATE bank_picture SET due_at = $4, failures = failures + 1
        WHERE merchant_id = $1 AND shop_id = $2 AND content_hash = $3 AND address IS NULL
        """,
        *upload.shop,
        upload.content_hash,
        due_at,
    )


async def count_upload_failures(connection: Connection, upload: Upload) -> int:
    """How often it has failed."""
    found: int | None = await connection.fetchval(
        """
        SELECT failures FROM bank_picture
        WHERE merchant_id = $1 AND shop_id = $2 AND content_hash = $3
        """,
        *upload.shop,
        upload.content_hash,
    )
    return found or 0


class Bank(NamedTuple):
    """How calls for a shop's photo bank went: how many turns have failed in a row, and until when
    it counts as full."""

    failures: int
    full_until: datetime | None


async def load_bank(connection: Connection, shop: ShopKey) -> Bank:
    """How the shop's photo bank was found last."""
    row = await connection.fetchrow(
        "SELECT failures, full_until FROM photo_bank WHERE merchant_id = $1 AND shop_id = $2",
        *shop,
    )
    return Bank(0, None) if row is None else Bank(*row)


class PictureCounts(NamedTuple):
    """How many contents are in a shop's photo bank, wait or were refused, and how full it is."""

    uploaded: int
    waiting: int
    refused: int
    used_megabytes: str | None
    total_megabytes: str | None
    full_until: datetime | None


async def count_pictures(connection: Connection, shop: ShopKey) -> PictureCounts:
    """The shop's counts."""
    row = await connection.fetchrow(
        """
        SELECT count(*) FILTER (WHERE address IS NOT NULL),
            count(*) FILTER (WHERE address IS NULL AND reason IS NULL),
            count(*) FILTER (WHERE address IS NULL AND reason IS NOT NULL),
            max(used_megabytes), max(total_megabytes), max(full_until)
        FROM photo_bank JOIN bank_picture USING (merchant_id, shop_id)
        WHERE merchant_id = $1 AND shop_id = $2
        """,
        *shop,
    )
    if row is None:
        raise RuntimeError("counting returned no row")
    return PictureCounts(*row)


async def note_turn(
    connection: Connection, shop: ShopKey, *, failures: int, retry_at: datetime | None
) -> None:
    """A turn of the shop's has ended; there may be more to do from then on."""
    made_work(connection, UPLOADING)
    await connection.execute(
        """
        UPDATE photo_bank SET failures = $3, retry_at = $4, turn_at = $5
        WHERE merchant_id = $1 AND shop_id = $2
        """,
        *shop,
        failures,
        retry_at,
        clock.now(),
    )


async def note_full(connection: Connection, shop: ShopKey, *, until: datetime) -> None:
    """The shop's photo bank took no more."""
    await connection.execute(
        "UPDATE photo_bank SET full_until = $3 WHERE merchant_id = $1 AND shop_id = $2",
        *shop,
        until,
    )


async def refuse_for_want_of_room(
    connection: Connection, shop: ShopKey, *, until: datetime, limit: int
) -> int:
    """Without a call: pictures that are due for a full bank wait until then, their products told
    so. How many there were."""
    rows = await connection.fetch(
        """
        UPDATE bank_picture AS b SET reason = $4, due_at = $5
        FROM (
            SELECT content_hash FROM bank_picture
            WHERE merchant_id = $1 AND shop_id = $2 AND due_at <= $3
            ORDER BY due_at LIMIT $6 FOR UPDATE SKIP LOCKED
        ) AS due
        WHERE b.merchant_id = $1 AND b.shop_id = $2 AND b.content_hash = due.content_hash
        RETURNING b.content_hash, old.reason IS DISTINCT FROM new.reason AS is_news
        """,
        *shop,
        clock.now(),
        BANK_FULL,
        until,
        limit,
    )
    told = [row["content_hash"] for row in rows if row["is_news"]]
    if told:
        await _let_go(connection, shop, told)
    return len(rows)


async def _let_go(connection: Connection, shop: ShopKey, contents: Sequence[bytes]) -> None:
    """Families that wait for these contents are evaluated again."""
    merchant_id, shop_id = shop
    rows = await connection.fetch(
        "SELECT url FROM image_check WHERE merchant_id = $1 AND content_hash = ANY($2::bytea[])",
        merchant_id,
        list(contents),
    )
    await end_waits(connection, merchant_id, *(wait_for_photo(shop_id, row["url"]) for row in rows))


async def _mark_users(connection: Connection, shop: ShopKey, content_hash: bytes) -> None:
    """Families of the shop's feeds that use this content are evaluated again: they wait for
    nothing where they have an issue for it."""
    merchant_id, shop_id = shop
    using = (
        func.families_with_image(merchant_id, image_check.c.url)
        .table_valued(*(column(name, Text) for name in ("catalogue_id", "family_id", "feed_id")))
        .lateral("using_it")
    )
    families = (
        select(literal(merchant_id, Text).label("merchant_id"), *using.c)
        .select_from(
            image_check.join(using, true()).join(
                feed, (feed.c.merchant_id == merchant_id) & (feed.c.feed_id == using.c.feed_id)
            )
        )
        .where(
            image_check.c.merchant_id == merchant_id,
            image_check.c.content_hash == literal(content_hash, LargeBinary),
            feed.c.shop_id == shop_id,
        )
        .distinct()
    )
    await mark(connection, families)
