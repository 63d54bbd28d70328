"""What catalog-service answers of feeds' configurations: versions, differences, drafts."""

from datetime import datetime
from typing import Any

import msgspec

from channel_cli.answers import Answer, ConfigurationWarning, Issue


class FeedConfiguration(Answer, frozen=True, kw_only=True):
    """A feed with its present configuration."""

    feed_id: str
    configuration_version: int
    lifecycle: str
    configuration: dict[str, Any]
    online: int


class Version(Answer, frozen=True, kw_only=True):
    """A version of a feed's configuration."""

    version: int
    saved_at: datetime
    is_present: bool
    author: str | None = None
    note: str | None = None


class WholeVersion(Version, frozen=True, kw_only=True):
    """A version with its configuration."""

    configuration: dict[str, Any]


class ConfigurationChange(Answer, frozen=True, kw_only=True):
    """What one path of a configuration held and holds, in words."""

    kind: str
    words: str


class Diff(Answer, frozen=True, kw_only=True):
    """What tells two versions apart; `patch` is a JSON Patch."""

    from_version: int
    to_version: int
    changes: list[ConfigurationChange]
    patch: list[dict[str, Any]]


class DraftCause(Answer, frozen=True, kw_only=True):
    """A group of issues: how many products have it now and would have it."""

    rule: str
    severity: str
    field: str
    message: str
    remedy: str
    before: int
    after: int


class DraftResult(Answer, frozen=True, kw_only=True):
    """What a tried configuration would do, counted in products."""

    states: dict[str, dict[str, int]]
    kinds: dict[str, int]
    fields: dict[str, int]
    skus_affected: int
    excluded: int
    excluded_by: dict[str, int]
    unseen_pictures: int
    causes: list[DraftCause]


class Draft(Answer, frozen=True, kw_only=True):
    """A configuration that is tried on the whole feed."""

    draft_id: int
    feed_id: str
    state: str
    evaluated: int
    expires_at: datetime
    warnings: list[ConfigurationWarning]
    result: DraftResult
    families: int | None = None
    based_on: str | None = None
    finished_at: datetime | None = None


class FieldChange(Answer, frozen=True, kw_only=True):
    """A field of what is sent: what it is and would be."""

    path: list[str | int]
    before: Any = None
    after: Any = None


class FamilyChange(Answer, frozen=True, kw_only=True):
    """What would become of a product."""

    family_id: str
    kind: str
    title: str
    skus_affected: int
    more_fields: int
    before_state: str | None = None
    after_state: str | None = None
    fields: list[FieldChange] = msgspec.field(default_factory=list)
    issues_after: list[Issue] = msgspec.field(default_factory=list)
