"""Try a configuration on the catalogue without saving it: what it excludes, what lacks a match."""

import asyncio
from collections import Counter
from collections.abc import Sequence

from pydantic import BaseModel

from catalog_service.feeds.compile import CompiledFeed
from catalog_service.feeds.configuration import FeedConfiguration
from catalog_service.feeds.count_excluded import ExclusionCount
from catalog_service.feeds.matching import MatchFailed, Row
from catalog_service.feeds.stored import compile_form
from catalog_service.feeds.warn import ConfigurationWarning, find_warnings
from catalog_service.feeds.work import FamilyBudget, FamilyTooCostly
from catalog_service.sources.store import SourceProduct, list_products
from common.errors import Refusal
from common.postgres.pool import Pool
from common.postgres.unit_of_work import reading

PAGE = 500
AT_MOST = 100_000


class UnmatchedCategory(BaseModel):
    """A category of the catalogue without a match, and how many products wait on it."""

    path: str
    products: int


class RuleCount(BaseModel):
    """How many products a rule leaves out by itself; `rule` is its place in the configuration,
    `sample` the ids of the first products whose own row it meets."""

    rule: str
    products: int
    sample: list[str]


class FeedCheck(BaseModel):
    """What the configuration would do; `is_partial` when the catalogue is too large to see all.

    `excluded` counts products, the children of an excluded parent too; `excluded_by` counts them
    by rule (a product that several rules meet counts for each), `warnings` name what is likely a
    slip: it keeps nothing from being saved.
    """

    products: int
    excluded: int
    excluded_by: list[RuleCount]
    matched: int
    unmatched: list[UnmatchedCategory]
    category_ids: dict[str, int]
    is_partial: bool
    warnings: list[ConfigurationWarning]


async def check_feed(
    pool: Pool, merchant_id: str, feed_id: str, form: FeedConfiguration
) -> FeedCheck:
    """The check. Raises `Refusal` where the configuration cannot be used."""
    feed = await asyncio.to_thread(compile_form, merchant_id, feed_id, 0, form)
    async with reading(pool) as connection:
        warnings = await find_warnings(connection, merchant_id, form)
    tally = await asyncio.to_thread(_Tally, feed)
    after = ""
    while tally.products < AT_MOST:
        async with reading(pool) as connection:
            page = await list_products(
                connection, merchant_id, form.catalogue, after=after, limit=PAGE
            )
        await asyncio.to_thread(tally.count, page)
        if len(page) < PAGE:
            return tally.result(is_partial=False, warnings=warnings)
        after = page[-1].product_id
    return tally.result(is_partial=True, warnings=warnings)


class _Tally:
    def __init__(self, feed: CompiledFeed) -> None:
        self._feed = feed
        self.products = 0
        self._excluded = ExclusionCount(feed.form, feed.is_excluded)
        self._unmatched: Counter[str] = Counter()
        self._matched: Counter[str] = Counter()

    def count(self, page: Sequence[SourceProduct]) -> None:
        budget = FamilyBudget(len(page))
        try:
            for product in page:
                self._count(product, budget)
        except FamilyTooCostly as costly:
            raise Refusal(
                f"{costly}: {product.product_id}",
                status=422,
                slug="too-costly",
                field="exclude",
                rule="M5.1",
                remedy="Test shorter fields, by fewer rules or by contains instead of matches.",
            ) from None

    def _count(self, product: SourceProduct, budget: FamilyBudget) -> None:
        self.products += 1
        is_excluded = self._excluded.add(
            product.product_id, product.parent_id, product.fields, budget
        )
        if is_excluded:
            return
        if product.parent_id is not None:
            return  # the parent's row gives the family its category
        row = Row(product.product_id, None, product.fields, budget=budget)
        try:
            path, _, category_id = self._feed.category.look_up(row)
        except MatchFailed:
            path, category_id = "", None
        if category_id is None:
            self._unmatched[path] += 1
        else:
            self._matched[category_id] += 1

    def result(self, *, is_partial: bool, warnings: Sequence[ConfigurationWarning]) -> FeedCheck:
        count = self._excluded
        counts = zip(count.places, count.by_rule(), count.samples(), strict=True)
        return FeedCheck(
            products=self.products,
            excluded=self._excluded.total(),
            excluded_by=[RuleCount(rule=rule, products=n, sample=ids) for rule, n, ids in counts],
            matched=sum(self._matched.values()),
            unmatched=[
                UnmatchedCategory(path=path, products=number)
                for path, number in self._unmatched.most_common(500)
            ],
            category_ids=dict(self._matched.most_common(500)),
            is_partial=is_partial,
            warnings=[*warnings],
        )
