"""What catalog-service and feed-publisher answer of one SKU of a feed."""

from datetime import datetime
from typing import Any

import msgspec

from channel_cli.adoption_answers import Candidate
from channel_cli.answers import Answer, Cause, Issue


class SourceRow(Answer, frozen=True, kw_only=True):
    """A source product: whose values fill the SKU."""

    product_id: str
    version: int
    updated_at: datetime
    is_deleted: bool = False


class FilledMatch(Answer, frozen=True, kw_only=True):
    """A match as it filled one value, and from which source fields."""

    field: str
    product_id: str
    origin: str
    sources: dict[str, Any]
    value: str | list[str] | None = None
    failure: str | None = None


class SourcedIssue(Issue, frozen=True, kw_only=True):
    """An issue with the source fields that its value came from."""

    sources: dict[str, Any] = msgspec.field(default_factory=dict)


class EmittedSku(Answer, frozen=True, kw_only=True):
    """What is wanted of the SKU; None where it cannot be sent."""

    price: str | None = None
    discount_price: str | None = None
    currency: str | None = None
    inventory: int | None = None


class WantedSku(Answer, frozen=True, kw_only=True):
    """catalog-service's part: from the source row to what is wanted."""

    sku_code: str
    family_id: str
    configuration_version: int
    is_pending: bool
    product_id: str | None = None
    evaluated_with: int | None = None
    revision: int | None = None
    state: str | None = None
    normalized_at: datetime | None = None
    waits_for: str | None = None
    category_path: str | None = None
    category_id: str | None = None
    excluded_by: list[str] = msgspec.field(default_factory=list)
    source: SourceRow | None = None
    parent: SourceRow | None = None
    matches: list[FilledMatch] = msgspec.field(default_factory=list)
    issues: list[SourcedIssue] = msgspec.field(default_factory=list)
    wanted: EmittedSku | None = None

    @property
    def errors(self) -> list[SourcedIssue]:
        """The issues that hold something back."""
        return [issue for issue in self.issues if issue.severity == "error"]


class PlannedAction(Answer, frozen=True, kw_only=True):
    """One thing that a run would do about the SKU."""

    action: str
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


class NextStep(Answer, frozen=True, kw_only=True):
    """What the next run of a kind would do about the SKU, or why nothing."""

    kind: str
    verdict: str
    actions: list[PlannedAction]
    causes: list[Cause]
    next_due_at: datetime | None = None
    is_paused: bool = False
    pause_reason: str | None = None


class RemoteCall(Answer, frozen=True, kw_only=True):
    """A writing call to AliExpress."""

    operation: str
    state: str
    called_at: datetime
    job_id: str | None = None
    ended_at: datetime | None = None


class SkuItem(Answer, frozen=True, kw_only=True):
    """An item of a run that concerns the SKU."""

    run_id: str
    kind: str
    action: str
    status: str
    decided_at: datetime | None = None
    cause: Cause | None = None
    call: RemoteCall | None = None


class Holder(Answer, frozen=True, kw_only=True):
    """The product that holds the SKU code in the shop."""

    feed_id: str
    family_id: str


class AcceptedSku(Answer, frozen=True, kw_only=True):
    """What AliExpress last accepted."""

    status: str
    marketplace_product_id: str | None = None
    configuration_version: int = 0
    is_content_desired: bool = False
    offer: dict[str, Any] | None = None


class ShownSku(Answer, frozen=True, kw_only=True):
    """The SKU as AliExpress shows it: just now, or as last read."""

    is_live: bool
    as_of: datetime | None = None
    age_seconds: int | None = None
    status: str | None = None
    title: str | None = None
    offer: dict[str, Any] | None = None
    differences: list[dict[str, Any]] = msgspec.field(default_factory=list)


class PublishedSku(Answer, frozen=True, kw_only=True):
    """feed-publisher's part: from what is desired to what AliExpress shows."""

    sku_code: str
    feed_id: str
    family_id: str
    accepted: AcceptedSku
    next_steps: list[NextStep]
    is_first_run_confirmed: bool = True
    waits_for_shop: str | None = None
    holder: Holder | None = None
    desired: dict[str, Any] | None = None
    open_item: SkuItem | None = None
    last_outcome: SkuItem | None = None
    shown: ShownSku | None = None
    candidates: list[Candidate] = msgspec.field(default_factory=list)
    live_problem: str | None = None


class WholeSku(Answer, frozen=True, kw_only=True):
    """Both parts; None where a service does not know the SKU. `conclusion` says it in a line."""

    conclusion: str
    wanted: WantedSku | None
    published: PublishedSku | None
