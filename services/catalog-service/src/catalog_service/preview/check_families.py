"""Try a configuration on the catalogue's families, evaluated as they would be, without saving it.

Families count as they are sent: a parent with its children, a synthesised parent too. Nothing is
fetched for it: a family whose schema is not there yet counts as `waiting`, and a picture that was
never looked at as good.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence

from pydantic import BaseModel

from catalog_service.categories.permitted import PermittedLeaves
from catalog_service.categories.schema import missing_attributes
from catalog_service.feeds.check_feed import FeedCheck, check_feed
from catalog_service.feeds.compile import CompiledFeed
from catalog_service.feeds.configuration import FeedConfiguration
from catalog_service.feeds.stored import compile_form
from catalog_service.normalizing.evaluate import Failed
from catalog_service.normalizing.groups import Cause, cause_of
from catalog_service.normalizing.normalize import Normalized, Waiting
from catalog_service.normalizing.reference_data import SchemaCache
from catalog_service.normalizing.store import load_members, load_standings
from catalog_service.normalizing.try_families import Result, Trial, feed_of, try_families
from catalog_service.preview.completeness import Lacking, lacking_of
from catalog_service.preview.store import list_families
from common import clock
from common.errors import Issue
from common.postgres.pool import Connection, Pool
from common.postgres.unit_of_work import reading

PAGE = 250
AT_MOST = 2_000
MOST_CAUSES = 50


class CheckedCause(BaseModel):
    """A cause of issues, as one of its products has it, and how many have it."""

    rule: str
    severity: str
    field: str
    message: str
    remedy: str
    families: int


class FamilyCheck(BaseModel):
    """What would become of the catalogue's families; of the first ones where `is_partial`."""

    families: int
    states: dict[str, int]
    lacking: list[Lacking]
    causes: list[CheckedCause]
    is_partial: bool


class CheckedFeed(FeedCheck):
    """What a configuration would do: to the catalogue's products, and to the families they make."""

    evaluated: FamilyCheck


async def check_whole_feed(
    pool: Pool, merchant_id: str, feed_id: str, form: FeedConfiguration
) -> CheckedFeed:
    """Both checks. Raises `Refusal` where the configuration cannot be used."""
    products = await check_feed(pool, merchant_id, feed_id, form)
    families = await check_families(pool, merchant_id, feed_id, form)
    return CheckedFeed(**products.model_dump(), evaluated=families)


async def check_families(
    pool: Pool, merchant_id: str, feed_id: str, form: FeedConfiguration
) -> FamilyCheck:
    """The families' check. Raises `Refusal` where the configuration cannot be used."""
    feed = await asyncio.to_thread(compile_form, merchant_id, feed_id, 0, form)
    schemas, leaves = SchemaCache(), PermittedLeaves()
    tally = _Tally()
    after = ""
    while tally.families < AT_MOST:
        async with reading(pool) as connection:
            page = await list_families(
                connection, merchant_id, form.catalogue, after=after, limit=PAGE
            )
            for result in await _evaluate(connection, feed, page, schemas, leaves):
                tally.add(result)
        if len(page) < PAGE:
            return tally.result(is_partial=False)
        after = page[-1]
    return tally.result(is_partial=True)


async def _evaluate(
    connection: Connection,
    feed: CompiledFeed,
    page: Sequence[str],
    schemas: SchemaCache,
    leaves: PermittedLeaves,
) -> list[Result]:
    merchant = feed.merchant_id
    members = await load_members(connection, [(merchant, feed.form.catalogue, f) for f in page])
    standings = await load_standings(connection, [(merchant, feed.feed_id, f) for f in page])
    trial = Trial(feed_of(feed), feed, clock.now())
    tried = await try_families(
        connection, trial, page, members, standings, schemas=schemas, leaves=leaves
    )
    return list(tried.results.values())


class _Tally:
    def __init__(self) -> None:
        self.families = 0
        self._states: Counter[str] = Counter()
        self._lacking: Counter[str] = Counter()
        self._causes: Counter[Cause] = Counter()
        self._examples: dict[Cause, Issue] = {}

    def add(self, result: Result) -> None:
        if isinstance(result, Normalized) and result.absent_reason == "deleted":
            return  # a parent without children, or a row of another family
        self.families += 1
        if isinstance(result, Waiting):
            self._states["waiting"] += 1
            return
        if isinstance(result, Failed):
            state, issues = "invalid", [result.issue]
        else:
            state, issues = result.state, result.issues
        self._states[state] += 1
        self._lacking.update(set(missing_attributes(issues)))
        for issue in issues:
            self._examples.setdefault(cause_of(issue), issue)
        self._causes.update({cause_of(issue) for issue in issues})

    def result(self, *, is_partial: bool) -> FamilyCheck:
        causes = sorted(self._causes.items(), key=lambda cause: (cause[0][1] != "error", -cause[1]))
        return FamilyCheck(
            families=self.families,
            states=dict(self._states),
            lacking=lacking_of(dict(self._lacking.most_common())),
            causes=[
                CheckedCause(
                    rule=issue.rule,
                    severity=issue.severity,
                    field=issue.field,
                    message=issue.message,
                    remedy=issue.remedy,
                    families=number,
                )
                for cause, number in causes[:MOST_CAUSES]
                if (issue := self._examples[cause])
            ],
            is_partial=is_partial,
        )
