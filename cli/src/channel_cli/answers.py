"""What the services answer, as far as the command line shows it or decides by it.

Each class names its route's service; members the command line does not know are left out.
"""

from datetime import datetime
from typing import Any

import msgspec


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer of a service; unknown members are tolerated, so that services may go first."""


# ---- auth-service


class Merchant(Answer, frozen=True, kw_only=True):
    """A merchant, and whether it is known as an AliExpress seller (M1.1)."""

    merchant_id: str
    name: str
    is_eligible: bool


class ApiClient(Answer, frozen=True, kw_only=True):
    """A new API client; its secret is shown this once."""

    client_id: str
    client_secret: str


class ProducerKey(Answer, frozen=True, kw_only=True):
    """A new key that catalogue events are signed with; it is shown this once."""

    key_id: str
    signing_key: str


class Shop(Answer, frozen=True, kw_only=True):
    """A shop's connection to AliExpress."""

    shop_id: str
    connection: str
    generation: int
    is_eligible: bool = True
    seller_id: str | None = None
    seller_name: str | None = None
    expires_at: datetime | None = None
    refreshes_itself: bool = False
    next_refresh_at: datetime | None = None
    refresh_refused: str | None = None


class ConsentLink(Answer, frozen=True, kw_only=True):
    """Where the merchant's browser begins."""

    start_url: str
    expires_at: datetime


# ---- catalog-service


class Catalogue(Answer, frozen=True, kw_only=True):
    """A declared catalogue."""

    catalogue_id: str
    versioning: str
    fed_by: str
    id_field: str | None = None
    parent_field: str | None = None
    products: int | None = None


class CatalogueField(Answer, frozen=True, kw_only=True):
    """A field of a catalogue, and its most frequent values."""

    name: str
    filled: int
    fill_rate: float
    distinct: int
    distinct_is_exact: bool
    samples: list[str]


class FieldValueCount(Answer, frozen=True, kw_only=True):
    """A value of a field, and how many products have it."""

    value: str
    products: int


class ColumnGuess(Answer, frozen=True, kw_only=True):
    """What a column may be, how sure (0 to 1), and why."""

    role: str
    sure: float
    why: str


class DescribedColumn(Answer, frozen=True, kw_only=True):
    """A column of a catalogue, and what it seems to be."""

    name: str
    fill_rate: float
    distinct: int
    samples: list[str]
    guesses: list[ColumnGuess]


class OpenPoint(Answer, frozen=True, kw_only=True):
    """What is left to decide in a proposal, and how many rows wait on it."""

    products: int
    field: str
    message: str
    remedy: str


class FeedProposal(Answer, frozen=True, kw_only=True):
    """A proposed configuration; `rows` were read, the first ones where `is_partial`."""

    format: str
    read_as: str
    rows: int
    is_partial: bool
    rejected: int
    columns: list[DescribedColumn]
    open_points: list[OpenPoint]
    configuration: str


class SourceProduct(Answer, frozen=True, kw_only=True):
    """A source product as its merchant's system sent it."""

    product_id: str
    family_id: str
    version: int
    parent_id: str | None = None
    is_deleted: bool = False
    fields: dict[str, Any] = msgspec.field(default_factory=dict)
    trace_id: str | None = None


class Import(Answer, frozen=True, kw_only=True):
    """A catalogue file on its way in."""

    import_id: int
    state: str
    file_name: str
    lines: int
    lines_read: int
    rows_read: int
    accepted: int
    unchanged: int
    rejected: int
    deleted: int
    withheld: int
    repeated: int = 0
    failure: str | None = None


class ImportProblem(Answer, frozen=True, kw_only=True):
    """What is wrong in one line of a file."""

    line: int
    message: str
    remedy: str
    product_id: str | None = None


class Progress(Answer, frozen=True, kw_only=True):
    """How far a feed's normalizing is, in families."""

    families: int
    dirty: int
    normalized: int
    waiting: int = 0


class ConfigurationWarning(Answer, frozen=True, kw_only=True):
    """A likely slip in a configuration, which keeps nothing from being saved."""

    field: str
    message: str
    remedy: str


class AppliedFeed(Answer, frozen=True, kw_only=True):
    """A configuration that was taken."""

    configuration_version: int
    progress: Progress | None = None
    warnings: list[ConfigurationWarning] = msgspec.field(default_factory=list)


class Issue(Answer, frozen=True, kw_only=True):
    """Why a product cannot be listed as it is, or advice."""

    rule: str
    field: str
    message: str
    remedy: str
    value: str | None = None
    sku: str | None = None
    severity: str = "error"
    refused_by: str = "aliexpress"

    @property
    def effect(self) -> str:
        """What it does: an `error` AliExpress would refuse; what the channel alone refuses is `held
        back`; `advice` does nothing."""
        is_ours = self.severity == "error" and self.refused_by == "channel"
        return "held back" if is_ours else self.severity


class Cause(Answer, frozen=True, kw_only=True):
    """What the marketplace refused, in its words and in ours."""

    code: str
    message: str
    explanation: str
    remedy: str


class PreviewFamily(Answer, frozen=True, kw_only=True):
    """One AliExpress product as it would be sent, or why not, and what became of it."""

    family_id: str
    state: str
    revision: int = 0
    title: str | None = None
    category_id: str | None = None
    sku_codes: list[str] = msgspec.field(default_factory=list)
    issues: list[Issue] = msgspec.field(default_factory=list)
    quality: int | None = None
    report_status: str | None = None
    marketplace_product_id: str | None = None


# ---- feed-publisher


class RunAsked(Answer, frozen=True, kw_only=True):
    """The run that will do what was asked."""

    run_id: str


class RunProgress(Answer, frozen=True, kw_only=True):
    """How far a run is, in items."""

    total: int
    decided: int
    under_way: int


UNSENT = frozenset({"planned", "awaiting_confirmation", "superseded"})


class Run(Answer, frozen=True, kw_only=True):
    """A run of a feed: its plan, its progress, its outcome."""

    run_id: str
    kind: str
    state: str
    progress: RunProgress
    is_dry_run: bool = False
    needs_confirmation: bool = False
    waiting_reason: str | None = None
    trouble: str | None = None
    asked_at: datetime | None = None
    confirmed_at: datetime | None = None
    counts: dict[str, int] = msgspec.field(default_factory=dict)

    @property
    def has_sent(self) -> bool:
        """Whether it sends, or has sent, anything: a plan alone does not."""
        is_plan = self.is_dry_run and self.confirmed_at is None
        return not is_plan and self.progress.total > 0 and self.state not in UNSENT


class PlanLine(Answer, frozen=True, kw_only=True):
    """What a plan does to one product, or to the price or stock of one SKU.

    `action` is `withheld` for what needs a confirmation; `planned_action` says which.
    """

    action: str
    family_id: str
    planned_action: str | None = None
    sku: str | None = None
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    status: str = ""
    code: str | None = None
    message: str | None = None

    @property
    def planned(self) -> str:
        """What is planned, withheld or not."""
        return self.planned_action or self.action


class ReportCause(Answer, frozen=True, kw_only=True):
    """Why items were refused, and which products it touches."""

    code: str
    message: str
    explanation: str
    remedy: str
    count: int
    families: list[str]


class ReportShown(Answer, frozen=True, kw_only=True):
    """A product's content in short, as far as it is known."""

    title: str | None = None
    category_id: str | None = None
    prices: dict[str, str | None] = msgspec.field(default_factory=dict)


class ReportSample(Answer, frozen=True, kw_only=True):
    """What a new configuration would make of a product."""

    family_id: str
    before: ReportShown
    after: ReportShown


class RunReport(Answer, frozen=True, kw_only=True):
    """A run's items by action and outcome; why items were refused and products are missing."""

    run_id: str
    kind: str
    state: str
    counts: dict[str, dict[str, int]]
    causes: list[ReportCause]
    trouble: str | None = None
    missing: int = 0
    unchanged: int | None = None
    samples: list[ReportSample] = msgspec.field(default_factory=list)


class Desired(Answer, frozen=True, kw_only=True):
    """Which revision of a product feed-publisher works towards."""

    revision: int


class PublishedProduct(Answer, frozen=True, kw_only=True):
    """A product as feed-publisher knows it."""

    family_id: str
    status: str
    marketplace_product_id: str | None = None
    desired: Desired | None = None
    causes: list[Cause] = msgspec.field(default_factory=list)
    trace_id: str | None = None


# ---- every service


class AuditEntry(Answer, frozen=True, kw_only=True):
    """What somebody did to a dead letter, and what came of it."""

    at: datetime
    actor: str
    action: str
    outcome: str


class DeadLetter(Answer, frozen=True, kw_only=True):
    """A record that could not be taken, and its remedy; `value` and the rest where it is shown
    alone."""

    id: int
    group: str
    place: str
    reason: str
    detail: str
    remedy: str
    state: str
    created_at: datetime
    source: str = ""
    merchant_id: str = ""
    key: str | None = None
    attempts: int = 0
    value: str | None = None
    is_text: bool = True
    headers: dict[str, str] = msgspec.field(default_factory=dict)
    audit: list[AuditEntry] = msgspec.field(default_factory=list)


class ReplayOutcome(Answer, frozen=True, kw_only=True):
    """What the replay (or the discard) of one dead letter did."""

    id: int
    outcome: str
    reason: str | None = None
    detail: str | None = None
    remedy: str | None = None


class BulkAnswer(Answer, frozen=True, kw_only=True):
    """What became of many dead letters; `next_cursor` while there are more."""

    found: int
    items: list[ReplayOutcome]
    next_cursor: str | None = None
    stopped: str | None = None


class Quarantine(Answer, frozen=True, kw_only=True):
    """A source whose records are set aside for a merchant."""

    group: str
    source: str
    merchant_id: str
    reason: str
    since: datetime


class FailedRow(Answer, frozen=True, kw_only=True):
    """A row that a background job failed on; set aside where it has no `retry_at`."""

    job: str
    merchant_id: str
    subject: str
    is_set_aside: bool
    failures: int
    reason: str
    failed_at: datetime
    trace_id: str | None = None
    retry_at: datetime | None = None


class Released(Answer, frozen=True, kw_only=True):
    """How many rows were released."""

    released: int


class ParkedWait(Answer, frozen=True, kw_only=True):
    """Records that wait for one thing; the oldest becomes a dead letter at `oldest_expires_at`."""

    group: str
    waits_for: str
    merchant_id: str
    parked: int
    oldest_at: datetime
    oldest_expires_at: datetime


Document = dict[str, Any]
"""An answer that is passed on as it came, for `--json`."""
