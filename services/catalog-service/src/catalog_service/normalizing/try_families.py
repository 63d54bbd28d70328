"""Evaluate families with a configuration that nobody has saved, as the worker would.

Nothing is written, and nothing fetched: a family whose schema is not there waits, and a picture
that was never looked at counts as good, one that is still to be uploaded as uploaded.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from catalog_service.categories.permitted import PermittedLeaves
from catalog_service.categories.schema import CategorySchema
from catalog_service.families.store import FamilyKey, ProductKey
from catalog_service.feeds.compile import CompiledFeed
from catalog_service.feeds.store import Feed
from catalog_service.normalizing.evaluate import Failed, absence, evaluate
from catalog_service.normalizing.normalize import (
    Lookups,
    Normalized,
    SchemaRefused,
    Standing,
    Waiting,
)
from catalog_service.normalizing.reference_data import ReferenceData, SchemaCache
from catalog_service.normalizing.variations import Member
from catalog_service.photo_bank.photo import Photo
from common.postgres.pool import Connection

Result = Normalized | Waiting | Failed
Members = Mapping[FamilyKey, Sequence[Member]]


@dataclass(frozen=True)
class Trial:
    """A configuration to try as the one of `feed`, at that time."""

    feed: Feed
    compiled: CompiledFeed
    at: datetime

    def result_of(
        self, family_id: str, members: Members, lookups: Lookups, standing: Standing | None
    ) -> Result:
        """What would become of a family."""
        of_family = members.get((self.feed.merchant_id, self.feed.catalogue_id, family_id), ())
        absent = absence(self.feed, of_family)
        if absent is not None:
            return absent
        return evaluate(self.compiled, family_id, of_family, lookups, at=self.at, standing=standing)


def feed_of(compiled: CompiledFeed) -> Feed:
    """The feed as it would be, were the configuration saved."""
    form = compiled.form
    return Feed(
        compiled.merchant_id,
        compiled.feed_id,
        form.shop,
        form.catalogue,
        form.main_locale,
        compiled.version,
        "active",
        0,
    )


@dataclass(frozen=True)
class Tried:
    """What would become of families; of some with pictures that were never looked at."""

    results: Mapping[str, Result]
    with_unseen_pictures: frozenset[str]

    def schemas_awaited(self) -> dict[str, str]:
        """The categories whose schema families wait for, by family."""
        waits = {f: r.waits_for for f, r in self.results.items() if isinstance(r, Waiting)}
        return {family: wait.removeprefix("schema:") for family, wait in waits.items()}


async def try_families(
    connection: Connection,
    trial: Trial,
    families: Sequence[str],
    members: Members,
    standings: Mapping[ProductKey, Standing],
    *,
    schemas: SchemaCache,
    leaves: PermittedLeaves,
    pictures: Sequence[str] = (),
) -> Tried:
    """What would become of each of these families; `pictures` are addresses that they are likely to
    have, loaded beforehand so that few families are evaluated twice."""
    merchant, feed_id, shop = trial.feed.merchant_id, trial.feed.feed_id, trial.feed.shop_id
    known = await ReferenceData.of_shops(
        connection, [(merchant, shop)], schemas=schemas, leaves=leaves
    )
    known.lacking_images |= {(merchant, url) for url in pictures}
    await known.load_lacking(connection)
    lookups: Lookups = known.of(merchant, shop)
    results: dict[str, Result] = {}

    def evaluate_all(names: Sequence[str], lookups: Lookups) -> None:
        for name in names:
            standing = standings.get((merchant, feed_id, name))
            results[name] = trial.result_of(name, members, lookups, standing)

    await asyncio.to_thread(evaluate_all, families, lookups)
    while await known.load_lacking(connection):
        await asyncio.to_thread(evaluate_all, _waiting(results), lookups)
    unseen = [f for f, result in results.items() if _is_for_pictures(result)]
    await asyncio.to_thread(evaluate_all, unseen, _UnseenIsGood(lookups))
    return Tried(results, frozenset(unseen))


def _is_for_pictures(result: Result) -> bool:
    if isinstance(result, Failed):
        return False
    if isinstance(result, Waiting) and result.unchecked_images:
        return True
    return bool(result.unuploaded_images)


def _waiting(results: Mapping[str, Result]) -> list[str]:
    return [name for name, result in results.items() if isinstance(result, Waiting)]


@dataclass(frozen=True)
class _UnseenIsGood:
    """Lookups for which a picture that was never looked at is good, and uploaded if need be."""

    _inner: Lookups

    def schema(self, category_id: str) -> CategorySchema | SchemaRefused | None:
        return self._inner.schema(category_id)

    def currency(self) -> str | None:
        return self._inner.currency()

    def image(self, url: str) -> str | None:
        return self._inner.image(url) or ""

    def photo(self, url: str) -> Photo | None:
        found = self._inner.photo(url)
        if found is None or found.is_pending:
            return Photo(address=f"(photo bank) {url}")
        return found
