"""Drafts as they are answered."""

from datetime import datetime
from typing import Any

import msgspec
from pydantic import BaseModel

from catalog_service.drafts.compare import FamilyChange
from catalog_service.drafts.store import Draft, State
from catalog_service.drafts.tally import Tally
from catalog_service.feeds.warn import ConfigurationWarning
from catalog_service.preview.views import IssueView, issue_views


class CauseView(BaseModel):
    """An issue as a product has it, how many have one of its cause now and would have, and some of
    those that would."""

    rule: str
    severity: str
    field: str
    message: str
    remedy: str
    before: int
    after: int
    examples: list[str]


class DraftResult(BaseModel):
    """What the configuration would do, so far. Products are counted as AliExpress has them, a
    family once; `states` by their state now (none: new to the feed), then by the one they would
    have; `kinds` by what would become of them; `fields` by what would change in them; `excluded`
    counts rows of the catalogue, `excluded_by` those that each rule leaves out by itself."""

    states: dict[str, dict[str, int]]
    kinds: dict[str, int]
    fields: dict[str, int]
    skus_affected: int
    excluded: int
    excluded_by: dict[str, int]
    unseen_pictures: int
    causes: list[CauseView]


class DraftView(BaseModel):
    """A configuration that is tried. `evaluated` of `families` are done; null: they are not counted
    yet. `based_on` is the `ETag` of the feed when it began; null: there was none."""

    draft_id: int
    feed_id: str
    state: State
    families: int | None
    evaluated: int
    based_on: str | None
    author: str | None
    created_at: datetime
    finished_at: datetime | None
    expires_at: datetime
    warnings: list[ConfigurationWarning]
    result: DraftResult


class DraftDetails(DraftView):
    """A draft with the configuration that is tried."""

    configuration: dict[str, Any]


class FieldChangeView(BaseModel):
    """A field of what is sent: what it is, and what it would be; null: not sent."""

    field: str
    path: list[str | int]
    before: Any
    after: Any


class FamilyChangeView(BaseModel):
    """What would become of a product, beside what it is now."""

    family_id: str
    kind: str
    before_state: str | None
    after_state: str | None
    title: str
    sku_codes: list[str]
    skus_affected: int
    fields: list[FieldChangeView]
    more_fields: int
    issues_before: list[IssueView]
    issues_after: list[IssueView]


def draft_view(draft: Draft, expires_at: datetime) -> DraftView:
    """The draft as answered."""
    return DraftView(
        draft_id=draft.draft_id,
        feed_id=draft.feed_id,
        state=draft.state,
        families=draft.families,
        evaluated=draft.evaluated,
        based_on=draft.based_on,
        author=draft.author,
        created_at=draft.created_at,
        finished_at=draft.finished_at,
        expires_at=expires_at,
        warnings=[ConfigurationWarning(**one) for one in msgspec.json.decode(draft.warnings)],
        result=_result(draft.tally),
    )


def draft_details(draft: Draft, expires_at: datetime) -> DraftDetails:
    """The draft with its configuration, as answered."""
    members = dict(draft_view(draft, expires_at))
    return DraftDetails(**members, configuration=msgspec.json.decode(draft.body))


def _result(tally: Tally) -> DraftResult:
    causes = sorted(
        tally.causes.values(),
        key=lambda count: (count.issue.severity != "error", -count.after, -count.before),
    )
    counts = msgspec.structs.asdict(tally) | {
        "causes": [
            CauseView(
                rule=count.issue.rule,
                severity=count.issue.severity,
                field=count.issue.field,
                message=count.issue.message,
                remedy=count.issue.remedy,
                before=count.before,
                after=count.after,
                examples=count.examples,
            )
            for count in causes
        ]
    }
    return DraftResult(**counts)


def change_view(family_id: str, change: FamilyChange | None) -> FamilyChangeView:
    """What would become of a family, as answered; None: it waits."""
    if change is None:
        change = FamilyChange("waiting", "", "")
    return FamilyChangeView(
        family_id=family_id,
        kind=change.kind,
        before_state=change.before_state or None,
        after_state=change.after_state or None,
        title=change.title,
        sku_codes=change.sku_codes,
        skus_affected=change.skus_affected,
        fields=[
            FieldChangeView(
                field=one.field, path=list(one.path), before=one.before, after=one.after
            )
            for one in change.fields
        ],
        more_fields=change.more_fields,
        issues_before=issue_views(change.issues_before),
        issues_after=issue_views(change.issues_after),
    )
