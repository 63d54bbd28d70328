"""What normalizing knows: compiled configurations, compiled schemas, pictures' verdicts.

What a turn lacks is noted while families are judged, then loaded in sets, then they are judged
again; so the judgement itself does no I/O.
"""

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass

from catalog_service.feeds.compile import CompiledFeed, compile_feed
from catalog_service.feeds.configuration import FeedConfiguration
from catalog_service.feeds.store import Feed, SchemaKey, load_configuration, load_schemas
from catalog_service.images.store import load_verdicts
from catalog_service.normalizing.normalize import SchemaRefused
from catalog_service.normalizing.schema_check import CategorySchema
from common.postgres.pool import Connection

KEPT_SCHEMAS = 2_000


class FeedCache:
    """Compiled configurations, by feed and version."""

    def __init__(self) -> None:
        self._compiled: dict[tuple[str, str], CompiledFeed] = {}

    async def get(self, connection: Connection, feed: Feed) -> CompiledFeed:
        """The feed's present configuration, compiled once."""
        key = (feed.merchant_id, feed.feed_id)
        found = self._compiled.get(key)
        if found is None or found.version != feed.configuration_version:
            body = await load_configuration(connection, *key, feed.configuration_version)
            form = FeedConfiguration.model_validate_json(body)
            found = compile_feed(*key, feed.configuration_version, form)
            self._compiled[key] = found
        return found


class SchemaCache:
    """Compiled schemas, by key and version, the last used ones kept."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[SchemaKey, int], CategorySchema | SchemaRefused] = (
            OrderedDict()
        )

    def get(self, key: SchemaKey, version: int) -> CategorySchema | SchemaRefused | None:
        """The schema, if it was loaded before."""
        found = self._kept.get((key, version))
        if found is not None:
            self._kept.move_to_end((key, version))
        return found

    async def load(self, connection: Connection, keys: Collection[SchemaKey]) -> None:
        """Load and compile these."""
        for key, version, body, refusal in await load_schemas(connection, keys):
            schema = (
                SchemaRefused(refusal or "no schema was given")
                if body is None
                else CategorySchema(key[2], body)
            )
            self._kept[(key, version)] = schema
            while len(self._kept) > KEPT_SCHEMAS:
                self._kept.popitem(last=False)


class Knowledge:
    """What a turn knows of schemas and pictures; what it lacks is noted and loaded in sets."""

    def __init__(self, schemas: SchemaCache) -> None:
        self._schemas = schemas
        self.versions: dict[SchemaKey, int] = {}
        self.verdicts: dict[tuple[str, str], str | None] = {}
        self.lacking_schemas: set[SchemaKey] = set()
        self.lacking_images: set[tuple[str, str]] = set()

    async def load_lacking(self, connection: Connection) -> bool:
        """Load what was asked for and is there; whether there was anything to look for."""
        schemas, images = self.lacking_schemas, self.lacking_images
        self.lacking_schemas, self.lacking_images = set(), set()
        if schemas:
            await self._schemas.load(connection, schemas)
        if images:
            found = await load_verdicts(connection, images)
            self.verdicts |= {key: found.get(key) for key in images}
        return bool(schemas or images)

    def of(self, merchant_id: str, shop_id: str) -> "ShopKnowledge":
        """The part of it that concerns one shop."""
        return ShopKnowledge(self, merchant_id, shop_id)

    def find_schema(self, key: SchemaKey) -> CategorySchema | SchemaRefused | None:
        """The schema; one that is stored but not in memory is noted."""
        version = self.versions.get(key)
        if version is None:
            return None
        found = self._schemas.get(key, version)
        if found is None:
            self.lacking_schemas.add(key)
        return found


@dataclass(frozen=True)
class ShopKnowledge:
    """`Surroundings` for one shop."""

    _all: Knowledge
    _merchant_id: str
    _shop_id: str

    def schema(self, category_id: str) -> CategorySchema | SchemaRefused | None:
        """The leaf's schema, if known."""
        return self._all.find_schema((self._merchant_id, self._shop_id, category_id))

    def image(self, url: str) -> str | None:
        """The picture's verdict, if known."""
        key = (self._merchant_id, url)
        if key not in self._all.verdicts:
            self._all.lacking_images.add(key)
            return None
        return self._all.verdicts[key]
