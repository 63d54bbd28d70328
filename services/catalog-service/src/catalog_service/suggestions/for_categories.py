"""Leaves for the categories of a feed's catalogue that have none (M2.2)."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta

from cachetools import LRUCache

from catalog_service.categories.shop_trees import ShopTrees
from catalog_service.categories.suggest import LeafNames, Suggested
from catalog_service.categories.tree import Tree
from catalog_service.feeds.compile import CompiledFeed
from catalog_service.feeds.matching import MatchFailed, Row
from catalog_service.feeds.store import Feed
from catalog_service.feeds.work import FamilyTooCostly
from catalog_service.shops.store import ShopKey
from catalog_service.suggestions.store import (
    list_families_of_paths,
    list_unmatched,
    load_answers,
    load_fields,
    request_titles,
)
from catalog_service.suggestions.views import CandidateView, SuggestionView
from common import clock
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading, unit_of_work

TITLES_OF_PATH = 3
"""Titles of a category that AliExpress is asked for."""
LONGEST_TITLE = 200
KEPT_SHOPS = 20
CANDIDATES = 3

Titles = Mapping[str, Sequence[str]]
"""Category path to titles of its products."""
Answers = Mapping[str, Sequence[str]]
"""Title to the leaves that AliExpress suggests for it, the best first."""


class CategorySuggestions:
    """Finds leaves by words and by what AliExpress suggests; its answers are kept a while."""

    def __init__(self, pool: Pool, trees: ShopTrees, *, lifetime: timedelta) -> None:
        self._pool = pool
        self._trees = trees
        self._lifetime = lifetime
        self._kept: LRUCache[ShopKey, tuple[Tree, LeafNames]] = LRUCache(KEPT_SHOPS)

    async def find(
        self, feed: Feed, compiled: CompiledFeed, *, begin: int, limit: int
    ) -> list[SuggestionView]:
        """Suggestions for the categories that most products wait on, behind the first `begin`.

        AliExpress is asked in the background: until it has answered, the names alone suggest.
        Raises `Refusal` while the shop's tree is not known.
        """
        shop = (feed.merchant_id, feed.shop_id)
        tree = await self._trees.load(shop)
        async with reading(self._pool) as connection:
            waiting = await list_unmatched(connection, feed, begin=begin, limit=limit)
        titles = await self._titles(feed, compiled, [path for path, _ in waiting])
        answers = await self._answers(shop, titles, feed.main_locale[:2])
        names = await self._names(shop, tree)
        separator = compiled.form.category.separator
        found = await asyncio.to_thread(_suggest, names, separator, waiting, titles, answers)
        return [
            SuggestionView(
                kind="categories",
                of=path,
                products=products,
                candidates=list(map(_candidate, found[path])),
                is_awaited=any(title not in answers for title in titles.get(path, ())),
            )
            for path, products in waiting
        ]

    async def _titles(self, feed: Feed, compiled: CompiledFeed, paths: Sequence[str]) -> Titles:
        """The first titles of each path's products, as the configuration makes them."""
        async with reading(self._pool) as connection:
            families = await list_families_of_paths(connection, feed, paths, of_path=TITLES_OF_PATH)
            rows = await load_fields(connection, feed, [family for _, family in families])
        match = compiled.matches(None).languages.titles.get(feed.main_locale)
        titles: defaultdict[str, dict[str, None]] = defaultdict(dict)
        for path, family in families:
            if match is None or family not in rows:
                continue
            try:
                title = match.text(Row(family, None, rows[family]))
            except (MatchFailed, FamilyTooCostly):
                continue
            if title:
                titles[path][title[:LONGEST_TITLE]] = None
        return {path: list(each) for path, each in titles.items()}

    async def _answers(self, shop: ShopKey, titles: Titles, language: str) -> Answers:
        wanted = {title for each in titles.values() for title in each}
        since = clock.now() - self._lifetime
        async with reading(self._pool) as connection:
            answers = await load_answers(connection, shop, wanted, since=since)
        unasked = wanted - answers.keys()
        if unasked:
            async with unit_of_work(self._pool) as connection:
                await request_titles(connection, shop, unasked, language=language, since=since)
        return answers

    async def _names(self, shop: ShopKey, tree: Tree) -> LeafNames:
        kept = self._kept.get(shop)
        if kept is None or kept[0] is not tree:
            kept = self._kept[shop] = tree, await asyncio.to_thread(LeafNames, tree)
        return kept[1]


def _suggest(
    names: LeafNames,
    separator: str,
    waiting: Sequence[tuple[str, int]],
    titles: Titles,
    answers: Answers,
) -> dict[str, list[Suggested]]:
    return {
        path: names.suggest(
            path.split(separator.strip() or separator),
            titles=titles.get(path, ()),
            of_platform=[answers[title] for title in titles.get(path, ()) if title in answers],
            limit=CANDIDATES,
        )
        for path, _ in waiting
    }


def _candidate(found: Suggested) -> CandidateView:
    return CandidateView(
        take=found.category_id, name=" > ".join(found.path), score=found.score, why=found.why
    )
