"""Answers of catalog-service."""

from datetime import datetime
from typing import Any

from console.answers import Answer


class Issue(Answer):
    """Why a product cannot be listed as it is, or advice."""

    rule: str
    field: str
    message: str
    remedy: str
    value: str | None
    sku: str | None
    severity: str
    refused_by: str


class Feed(Answer):
    """A feed's configuration, without the document."""

    feed_id: str
    shop_id: str
    catalogue_id: str
    main_locale: str
    configuration_version: int
    lifecycle: str


class Lacking(Answer):
    """An attribute that products lack, and what may fill it."""

    field: str
    products: int
    alternative: str


class Completeness(Answer):
    """How much of a feed is ready."""

    products: int
    ready: int
    share: float
    states: dict[str, int]
    lacking: list[Lacking]


class Progress(Answer):
    """How far a feed's products are evaluated."""

    families: int
    dirty: int
    waiting: int
    normalized: int
    waits_for: dict[str, int]


class UnmatchedCategory(Answer):
    """A category of the catalogue without a match, by the products that wait on it."""

    path: str
    products: int


class IssueGroup(Answer):
    """An issue and how many products have it."""

    rule: str
    severity: str
    field: str
    message: str
    remedy: str
    families: int
    examples: list[str]


class Version(Answer):
    """A version of a feed's configuration."""

    version: int
    author: str | None
    note: str | None
    saved_at: datetime
    is_present: bool


class VersionDetails(Version):
    """A version with its configuration."""

    configuration: dict[str, Any]


class Change(Answer):
    """One change between two versions, in words."""

    kind: str
    words: str


class Diff(Answer):
    """What tells two versions apart."""

    from_version: int
    to_version: int
    changes: list[Change]


class PreviewLine(Answer):
    """A product in the preview's table."""

    family_id: str
    state: str
    title: str | None
    category_path: str | None
    sku_codes: list[str]
    errors: int
    advice: int
    quality: int | None
    issues: list[Issue]
    report_status: str | None
    marketplace_product_id: str | None
    normalized_at: datetime


class SourceProduct(Answer):
    """A row of a catalogue."""

    product_id: str
    parent_id: str | None
    family_id: str
    version: int
    is_deleted: bool
    fields: dict[str, Any]
    updated_at: datetime


class Picture(Answer):
    """A picture of a product, and why it cannot be used."""

    url: str
    photo_bank_url: str | None
    reason: str | None


class ProductPreview(Answer):
    """A product as it would be sent, beside its source."""

    family_id: str
    state: str
    title: str | None
    category_path: str | None
    sku_codes: list[str]
    quality: int | None
    issues: list[Issue]
    presence: str
    absent_reason: str | None
    content: dict[str, Any] | None
    offers: list[dict[str, Any]] | None
    body: dict[str, Any] | None
    body_note: str | None
    waits_for: str | None
    pictures: list[Picture]
    sources: list[SourceProduct]
    normalized_at: datetime
    marketplace_product_id: str | None


class FilledMatch(Answer):
    """What a match gave, and the source fields it came from."""

    field: str
    product_id: str
    origin: str
    sources: dict[str, Any]
    value: str | list[str] | None
    failure: str | None


class SourcedIssue(Issue):
    """An issue with the source fields it comes from."""

    sources: dict[str, Any]


class WhySku(Answer):
    """Why a SKU is wanted as it is."""

    sku_code: str
    catalogue_id: str
    family_id: str
    product_id: str | None
    configuration_version: int
    state: str | None
    absent_reason: str | None
    normalized_at: datetime | None
    is_pending: bool
    waits_for: str | None
    category_path: str | None
    excluded_by: list[str]
    source: SourceProduct | None
    matches: list[FilledMatch]
    issues: list[SourcedIssue]


class Catalogue(Answer):
    """A catalogue and how it is fed."""

    catalogue_id: str
    fed_by: str = "events"
    versioning: str = "explicit"
    id_field: str | None = None
    parent_field: str | None = None
    products: int | None = None


class Import(Answer):
    """The import of a file."""

    import_id: int
    catalogue_id: str
    file_name: str
    format: str | None
    is_full: bool
    is_dry_run: bool
    state: str
    failure: str | None
    size_bytes: int
    lines: int
    lines_read: int
    rows_read: int
    accepted: int
    unchanged: int
    repeated: int
    rejected: int
    deleted: int
    withheld: int
    created_at: datetime
    finished_at: datetime | None


class BadLine(Answer):
    """A row of a file that was not taken."""

    line: int
    product_id: str | None
    message: str
    remedy: str


class Field(Answer):
    """A field of a catalogue, how often it is filled, and some of its values."""

    name: str
    filled: int
    fill_rate: float
    distinct: int
    distinct_is_exact: bool
    samples: list[str]


class Fields(Answer):
    """The first fields of a catalogue."""

    items: list[Field]
    products: int
    is_sample: bool
    is_awaited: bool
    next_cursor: str | None = None


class Option(Answer):
    """Something that AliExpress offers a shop."""

    id: str
    name: str


class Options(Answer):
    """What AliExpress offers a shop."""

    currency: str | None
    fetched_at: datetime | None
    is_overdue: bool
    is_awaited: bool
    product_units: list[Option] | None = None
    inventory_deduction_strategies: list[Option] | None = None
    shipping_templates: list[Option] | None = None
    service_templates: list[Option] | None = None
    product_groups: list[Option] | None = None
    size_charts: list[Option] | None = None
    languages: list[Option] | None = None
    countries: list[Option] | None = None


class Category(Answer):
    """A category of a shop's tree."""

    category_id: str
    parent_id: str
    name: str
    path: list[str]
    is_leaf: bool


class Categories(Answer):
    """Categories, and how old what is known of them is."""

    items: list[Category]
    fetched_at: datetime | None
    next_cursor: str | None = None


class PhotoBank(Answer):
    """How many of the shop's pictures are in its photo bank, and how full that is."""

    uploaded: int
    waiting: int
    refused: int
    used_megabytes: str | None
    total_megabytes: str | None
    full_until: datetime | None


class Candidate(Answer):
    """What may fill a gap, how likely, and why."""

    take: str
    name: str
    score: float
    why: str


class Suggestion(Answer):
    """A gap of a feed and what may fill it."""

    kind: str
    of: str
    products: int
    candidates: list[Candidate]
    attribute: str | None = None
    section: str | None = None
    is_awaited: bool = False


class FeedDetails(Answer):
    """A feed with its whole configuration."""

    feed_id: str
    shop_id: str
    catalogue_id: str
    main_locale: str
    configuration_version: int
    lifecycle: str
    configuration: dict[str, Any]
    online: int


class Applied(Answer):
    """A configuration that was saved."""

    configuration_version: int


class OpenPoint(Answer):
    """What a drafted configuration leaves open."""

    products: int
    field: str
    message: str
    remedy: str


class Guess(Answer):
    """What a column may be, how sure (0 to 1), and why."""

    role: str
    sure: float
    why: str


class Column(Answer):
    """A column: the share of rows that fill it, some values, what it seems to be, surest first."""

    name: str
    fill_rate: float
    distinct: int
    samples: list[str]
    guesses: list[Guess]


class Proposal(Answer):
    """A configuration drafted from a catalogue, a commented YAML document."""

    format: str
    rows: int
    is_partial: bool
    columns: list[Column]
    open_points: list[OpenPoint]
    configuration: str


class ConfigurationWarning(Answer):
    """A likely slip of a configuration, which keeps nothing from being saved."""

    field: str
    message: str
    remedy: str


class DraftCause(Answer):
    """An issue and how many products have it, before and after."""

    rule: str
    severity: str
    message: str
    remedy: str
    before: int
    after: int


class DraftResult(Answer):
    """What a configuration would do; `states` by the state now, then by the one that would be."""

    states: dict[str, dict[str, int]]
    kinds: dict[str, int]
    fields: dict[str, int]
    skus_affected: int
    excluded: int
    excluded_by: dict[str, int]
    unseen_pictures: int
    causes: list[DraftCause]


class Draft(Answer):
    """A configuration that is tried on the whole feed."""

    draft_id: int
    feed_id: str
    state: str
    families: int | None
    evaluated: int
    author: str | None
    created_at: datetime
    expires_at: datetime
    warnings: list[ConfigurationWarning]
    result: DraftResult


class DraftDetails(Draft):
    """A draft with the configuration that is tried; `based_on` is the tag of the version that
    it was made of, None: there was none."""

    based_on: str | None
    configuration: dict[str, Any]


class FieldChange(Answer):
    """A field of a product that would change."""

    field: str
    before: Any = None
    after: Any = None


class FamilyChange(Answer):
    """A product that a tried configuration would change."""

    family_id: str
    kind: str
    before_state: str | None
    after_state: str | None
    title: str
    fields: list[FieldChange]
    more_fields: int


class RuleCount(Answer):
    """How many products an exclusion rule leaves out by itself, and the first ones it meets."""

    rule: str
    products: int
    sample: list[str]


class CheckedFeed(Answer):
    """What a configuration leaves out; of the first products where `is_partial`."""

    products: int
    excluded: int
    excluded_by: list[RuleCount]
    is_partial: bool
