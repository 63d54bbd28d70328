"""What normalizing looks up: compiled configurations, compiled schemas, pictures' verdicts.

What a turn lacks is noted while families are evaluated, then loaded in sets, then they are
evaluated again; so the evaluation itself does no I/O.
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import structlog
from cachetools import LRUCache

from catalog_service.categories.permitted import Leaves, PermittedLeaves
from catalog_service.categories.schema import CategorySchema
from catalog_service.categories.store import SchemaKey, load_schema_versions, load_schemas
from catalog_service.currencies.store import load_currencies
from catalog_service.feeds.compile import CompiledFeed
from catalog_service.feeds.store import Feed, load_configuration
from catalog_service.feeds.stored import compile_body
from catalog_service.images.store import load_verdicts
from catalog_service.normalizing.evaluate import FeedUnusable
from catalog_service.normalizing.inputs import LookedUp
from catalog_service.normalizing.normalize import SchemaRefused
from catalog_service.photo_bank.photo import Photo
from catalog_service.photo_bank.store import PhotoKey, load_photos
from catalog_service.shops.store import ShopKey
from common.errors import Issue, Refusal
from common.postgres.pool import Connection
from common.telemetry.names import CATALOG_FAULTS
from common.telemetry.setup import counter

log = structlog.get_logger()

KEPT_SCHEMAS = 2_000
LONGEST_URL_BYTES = 2_000
"""Longer addresses are no key of an index, and of no picture."""

_PENDING = Photo()

_faults = counter(CATALOG_FAULTS)


class FeedCache:
    """Compiled configurations, by feed and version; one that cannot be compiled is kept as such."""

    def __init__(self) -> None:
        self._compiled: dict[tuple[str, str], CompiledFeed | FeedUnusable] = {}

    async def get(self, connection: Connection, feed: Feed) -> CompiledFeed | FeedUnusable:
        """The feed's present configuration, compiled once."""
        key = (feed.merchant_id, feed.feed_id)
        found = self._compiled.get(key)
        if found is None or found.version != feed.configuration_version:
            body = await load_configuration(connection, *key, feed.configuration_version)
            found = await asyncio.to_thread(_compiled, feed, body)
            self._compiled[key] = found
        return found


def _compiled(feed: Feed, body: str) -> CompiledFeed | FeedUnusable:
    """The configuration, or why it cannot be used although it was stored: with an alarm."""
    version = feed.configuration_version
    try:
        return compile_body(feed.merchant_id, feed.feed_id, version, body)
    except Refusal as refusal:
        why = refusal.title
        field = refusal.field
    except Exception as error:
        log.exception("feed.compile_failed", merchant=feed.merchant_id, feed=feed.feed_id)
        why = f"the channel failed on it ({type(error).__name__})"
        field = None
    _faults.add(1, {"kind": "feed"})
    log.error("feed.unusable", merchant=feed.merchant_id, feed=feed.feed_id, reason=why)
    issue = Issue(
        rule="M3.13",
        field=field or "feed",
        message=f"version {version} of the feed's configuration cannot be used: {why}",
        remedy="Correct the configuration and apply it again; until then nothing new is sent, and"
        " what is online stays as it is.",
        refused_by="channel",
    )
    return FeedUnusable(version, issue)


class SchemaCache:
    """Compiled schemas, by key and version, the last used ones kept."""

    def __init__(self) -> None:
        self._kept: LRUCache[tuple[SchemaKey, int], CategorySchema | SchemaRefused] = LRUCache(
            KEPT_SCHEMAS
        )

    def get(self, key: SchemaKey, version: int) -> CategorySchema | SchemaRefused | None:
        """The schema, if it was loaded before."""
        return self._kept.get((key, version))

    async def load(self, connection: Connection, keys: Collection[SchemaKey]) -> None:
        """Load and compile these."""
        for key, version, body, refusal in await load_schemas(connection, keys):
            self._kept[(key, version)] = _schema(key, body, refusal)


def _schema(
    key: SchemaKey, body: str | None, refusal: str | None
) -> CategorySchema | SchemaRefused:
    if body is None:
        return SchemaRefused(refusal or "no schema was given")
    try:
        return CategorySchema(key[2], body)
    except Exception as error:
        log.exception("schema.unreadable", merchant=key[0], shop=key[1], category=key[2])
        return SchemaRefused(f"its schema cannot be read ({type(error).__name__})")


class ReferenceData:
    """What a turn has loaded of schemas and pictures; what it lacks is noted and loaded in sets."""

    def __init__(self, schemas: SchemaCache) -> None:
        self._schemas = schemas
        self.versions: dict[SchemaKey, int] = {}
        self.leaves: dict[ShopKey, Leaves] = {}
        self.currencies: dict[tuple[str, str], str] = {}
        self.verdicts: dict[tuple[str, str], str | None] = {}
        self.photos: dict[PhotoKey, Photo] = {}
        self.lacking_schemas: set[SchemaKey] = set()
        self.lacking_images: set[tuple[str, str]] = set()
        self.lacking_photos: set[PhotoKey] = set()

    @classmethod
    async def of_shops(
        cls,
        connection: Connection,
        shops: Collection[ShopKey],
        *,
        schemas: SchemaCache,
        leaves: PermittedLeaves,
    ) -> "ReferenceData":
        """What is known of these shops; schemas and pictures are loaded as they are asked for."""
        known = cls(schemas)
        known.versions = await load_schema_versions(connection, shops)
        known.leaves = await leaves.load(connection, shops)
        known.currencies = await load_currencies(connection, shops)
        return known

    async def load_lacking(self, connection: Connection) -> bool:
        """Load what was asked for and is there; whether there was anything to look for."""
        schemas, images = self.lacking_schemas, self.lacking_images
        self.lacking_schemas, self.lacking_images = set(), set()
        if schemas:
            await self._schemas.load(connection, schemas)
        if images:
            found = await load_verdicts(connection, images)
            self.verdicts |= {key: found.get(key) for key in images}
        photos, self.lacking_photos = self.lacking_photos, set()
        if photos:
            kept = await load_photos(connection, photos)
            self.photos |= {key: kept.get(key, Photo()) for key in photos}
        return bool(schemas or images or photos)

    def of(self, merchant_id: str, shop_id: str) -> "ShopLookups":
        """The part of it that concerns one shop."""
        return ShopLookups(self, merchant_id, shop_id)

    def find_schema(self, key: SchemaKey) -> CategorySchema | SchemaRefused | None:
        """The schema; one that is stored but not in memory is noted. What the shop's tree does not
        have as a leaf is refused at once."""
        leaves = self.leaves.get(key[:2])
        if leaves is not None and key[2] not in leaves:
            return SchemaRefused("it is no leaf of the shop's category tree")
        version = self.versions.get(key)
        if version is None:
            return None
        found = self._schemas.get(key, version)
        if found is None:
            self.lacking_schemas.add(key)
        return found

    def schema_state(self, key: SchemaKey) -> int | str | None:
        """Which schema `find_schema` gives or waits for: its version, or that it is refused."""
        leaves = self.leaves.get(key[:2])
        if leaves is not None and key[2] not in leaves:
            return "no leaf"
        return self.versions.get(key)


def findable(image_urls: Sequence[str]) -> list[str]:
    """Those by which a family is found when a verdict comes; that of longer ones never changes."""
    return [url for url in image_urls if len(url.encode()) <= LONGEST_URL_BYTES]


@dataclass(frozen=True)
class ShopLookups:
    """`Lookups` for one shop."""

    _all: ReferenceData
    _merchant_id: str
    _shop_id: str

    def schema(self, category_id: str) -> CategorySchema | SchemaRefused | None:
        """The leaf's schema, if known."""
        return self._all.find_schema((self._merchant_id, self._shop_id, category_id))

    def currency(self) -> str | None:
        """The shop's currency, if known."""
        return self._all.currencies.get((self._merchant_id, self._shop_id))

    def image(self, url: str) -> str | None:
        """The picture's verdict, if known."""
        if len(url.encode()) > LONGEST_URL_BYTES:
            return f"its address is longer than {LONGEST_URL_BYTES} bytes"
        key = (self._merchant_id, url)
        if key not in self._all.verdicts:
            self._all.lacking_images.add(key)
            return None
        return self._all.verdicts[key]

    def looked_up(
        self, category_id: str | None, image_urls: Sequence[str], banked: Sequence[str] = ()
    ) -> LookedUp:
        """What an evaluation looks up that finds this leaf, checks these pictures, and sends those
        in the photo bank."""
        key = (self._merchant_id, self._shop_id, category_id or "")
        schema = None if category_id is None else self._all.schema_state(key)
        photos = (self._all.photos.get((*key[:2], url), _PENDING) for url in banked)
        in_bank = (part for photo in photos for part in (photo.address, photo.reason))
        return (self.currency(), schema, *(self.image(url) for url in image_urls), *in_bank)

    def photo(self, url: str) -> Photo | None:
        """What became of the picture in the shop's photo bank, if known."""
        key = (self._merchant_id, self._shop_id, url)
        found = self._all.photos.get(key)
        if found is None:
            self._all.lacking_photos.add(key)
        return found
