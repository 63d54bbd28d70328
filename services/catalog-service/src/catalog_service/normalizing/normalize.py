"""One family through one feed: what should be on AliExpress, or why not. Pure.

Content, prices and stock are evaluated apart: a product whose picture or price broke keeps its
listing and still sends stock 0. What has to be fetched first (a schema, a picture's verdict) is
named, not awaited.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b
from typing import Any, Protocol

import msgspec

from catalog_service.categories.schema import CategorySchema
from catalog_service.feeds.compile import CompiledFeed, Located, Matches
from catalog_service.feeds.currencies import check_shop_currency
from catalog_service.feeds.matching import MatchFailed, Row
from catalog_service.feeds.quantities import QuantityInvalid, read_number
from catalog_service.normalizing import quality
from catalog_service.normalizing.advice import advise
from catalog_service.normalizing.content import BuiltContent, build_content
from catalog_service.normalizing.offers import build_offers
from catalog_service.normalizing.pictures import (
    PictureLookups,
    look_at_pictures,
    place_pictures,
)
from catalog_service.normalizing.variations import (
    Family,
    Member,
    arrange,
    childless,
    find_duplicates,
    has_children,
    own_members,
    without_excluded,
)
from catalog_service.texts import undo_entities
from common.contracts.event import LONGEST_EXTERNAL_ID
from common.contracts.product import AbsentReason, Content, Offer, Part, SkuStock
from common.errors import Issue, Refusal

MOST_SKUS = 2_000
"""Of one product: ten calls' worth of a price or stock update (200 SKUs each)."""

_encoder = msgspec.json.Encoder(order="deterministic")


class Lookups(PictureLookups, Protocol):
    """What normalizing needs to look up, already at hand."""

    def schema(self, category_id: str) -> "CategorySchema | SchemaRefused | None":
        """The leaf's schema; None while it is being fetched."""

    def currency(self) -> str | None:
        """The shop's currency; None while it is not known."""


@dataclass(frozen=True)
class SchemaRefused:
    """The marketplace gives no schema for the category: not a leaf, not permitted (M2.1)."""

    reason: str


@dataclass(frozen=True)
class Standing:
    """What is known of a family from before: on AliExpress, and of its rows.

    `live_locale` is the main language it is online with; `was_parent`: its row had children.
    """

    is_online: bool = False
    live_locale: str | None = None
    was_parent: bool = False


@dataclass(frozen=True)
class Waiting:
    """The family cannot be evaluated before this is there: `schema:<category>`, `image:<url>`, or
    `photo:<url>`, a picture in the shop's photo bank."""

    waits_for: str
    unchecked_images: tuple[str, ...] = ()
    unuploaded_images: tuple[str, ...] = ()


@dataclass(frozen=True)
class Normalized:
    """The desired state of one family, before it gets its revision."""

    absent_reason: AbsentReason | None = None
    category_id: str | None = None
    category_path: str = ""
    title: str = ""
    product_ids: list[str] = field(default_factory=list)
    sku_codes: list[str] = field(default_factory=list)
    content_part: Part | None = None
    content: Content | None = None
    offers_part: Part | None = None
    offers: list[Offer] | None = None
    stock_part: Part | None = None
    stock: list[SkuStock] | None = None
    image_urls: list[str] = field(default_factory=list)
    """The pictures it uses, or would if they were good."""
    is_parent: bool | None = None
    """Whether its row has or had children; None where nothing new is known of that."""
    due_at: datetime | None = None
    """When it is to be evaluated again although nothing of it changes: a sale begins or ends."""
    unuploaded_images: tuple[str, ...] = ()
    """Pictures of an online product that are still to be uploaded into the shop's photo bank."""
    quality: int | None = None
    """How much of the advice it meets, 0 to 100; None where that cannot be said."""

    @property
    def state(self) -> str:
        """In one word, for lists; `offers_invalid` when a price or a stock is."""
        if self.absent_reason is not None:
            return self.absent_reason
        has_content = self.content_part is not None and self.content_part.is_valid
        has_offers = all(
            part is not None and part.is_valid for part in (self.offers_part, self.stock_part)
        )
        if has_content and has_offers:
            return "valid"
        if has_content:
            return "offers_invalid"
        return "content_invalid" if has_offers else "invalid"

    @property
    def issues(self) -> list[Issue]:
        """All issues of the family; one that concerns several parts once."""
        parts = (self.content_part, self.offers_part, self.stock_part)
        issues = [issue for part in parts if part is not None for issue in part.issues]
        return list(dict.fromkeys(issues))


def normalize(
    feed: CompiledFeed,
    family_id: str,
    members: Sequence[Member],
    lookups: Lookups,
    *,
    at: datetime,
    standing: Standing | None = None,
) -> Normalized | Waiting:
    """The family as the feed wants it at that time."""
    standing = standing or Standing()
    own = own_members(family_id, members)
    product_ids = sorted(member.product_id for member in own)
    is_parent = has_children(family_id, own) or (standing.was_parent and bool(own))
    family = arrange(
        family_id,
        members,
        synthesise_parent=feed.form.synthesise_parents,
        was_parent=standing.was_parent,
    )
    if family is None:
        return Normalized(absent_reason="deleted", product_ids=product_ids, is_parent=is_parent)
    family = without_excluded(family, feed.is_excluded)
    if family is None:
        return Normalized(absent_reason="excluded", product_ids=product_ids, is_parent=is_parent)
    if len(family.skus) > MOST_SKUS:
        return _with_too_many_skus(feed, family)
    found = _present(feed, family, lookups, at, standing)
    if isinstance(found, Waiting):
        return found
    return replace(found, product_ids=product_ids, is_parent=is_parent)


def _present(
    feed: CompiledFeed,
    family: Family,
    lookups: Lookups,
    at: datetime,
    standing: Standing,
) -> Normalized | Waiting:
    lead = family.head or family.skus[0]
    (path, key, category_id), issues = _category(feed, lead)
    if family.head is None:
        issues = []  # the parent, which is missing, would say it
    matches = feed.matches(category_id, key)
    schema = None if category_id is None or family.head is None else lookups.schema(category_id)
    if schema is None and category_id is not None and family.head is not None:
        return Waiting(f"schema:{category_id}")
    if isinstance(schema, SchemaRefused):
        issues.append(_not_permitted(category_id or "", schema.reason))
        schema = None
    if family.is_simple and _lacks_code_and_price(feed, matches, lead):
        family = childless(family)
    codes, shared = _codes(matches, family)
    built = build_content(feed, matches, schema, family, codes)
    pictures = look_at_pictures(
        feed.form, built.image_urls, built.content, lookups, is_online=standing.is_online
    )
    if pictures.unknown:
        return Waiting(f"image:{pictures.unknown[0]}", pictures.unknown)
    if pictures.pending and not standing.is_online:
        return Waiting(f"photo:{pictures.pending[0]}", unuploaded_images=pictures.pending)
    issues += [*family.issues, *shared, *_locale_issues(feed, standing), *built.issues]
    issues += pictures.issues
    content = None if _has_error(issues) else built.content
    if content is not None and pictures.addresses is not None:
        content = place_pictures(content, pictures.addresses)
    issues += advise(built.titles, built.descriptions, len(built.image_urls))
    side = build_offers(
        feed,
        matches,
        family.skus,
        _without_shared(codes),
        at=at,
        taken_countries=None if schema is None else schema.price_countries,
    )
    foreign = _currency_issues(feed, lookups.currency())
    if foreign:
        side.offers = []
    stock_issues = [*shared, *side.stock_issues]
    if codes and not standing.is_online and not _has_error(stock_issues):
        stock_issues += _no_stock(matches, side.stock)
    return Normalized(
        category_id=category_id,
        category_path=path,
        title=_shown_title(feed, matches, lead),
        sku_codes=list(dict.fromkeys(codes.values())),
        content_part=_part(content, issues),
        content=content,
        offers_part=_part(side.offers, [*shared, *foreign, *side.price_issues]),
        offers=side.offers or None,
        stock_part=_part(side.stock, stock_issues),
        stock=side.stock,
        image_urls=pictures.sources,
        due_at=side.due_at,
        unuploaded_images=pictures.pending,
        quality=_quality(feed, built, issues, is_brand_known=schema is not None)
        if family.head is not None
        else None,
    )


def _quality(
    feed: CompiledFeed, built: BuiltContent, issues: Sequence[Issue], *, is_brand_known: bool
) -> int:
    main = feed.form.main_locale
    missing = [
        *(() if built.image_urls else quality.PICTURES),
        *(() if built.title else quality.TITLE),
        *(() if any(t.locale == main for t in built.descriptions) else quality.DESCRIPTION),
    ]
    return quality.quality_of(issues, missing=missing, is_brand_known=is_brand_known)


def _with_too_many_skus(feed: CompiledFeed, family: Family) -> Normalized:
    """A family that is not looked into: no product has so many SKUs, a wrong parent id does."""
    issue = Issue(
        rule="M4.1",
        field="parent_id",
        message=f"the family has {len(family.skus):,} variations; a product has"
        f" {MOST_SKUS:,} at most",
        remedy="Split the family over several parents, or correct the parent ids.",
    )
    part = _part(None, [issue])
    return Normalized(
        title=_shown_title(feed, feed.general, family.head or family.skus[0]),
        content_part=part,
        offers_part=part,
        stock_part=part,
        is_parent=True,
    )


def _lacks_code_and_price(feed: CompiledFeed, matches: Matches, row: Row) -> bool:
    """Whether a row without children cannot be a simple product: a parent's row looks so (M4.3)."""
    try:
        has_code = matches.attributes["sku_code"].text(row) is not None
        price = matches.attributes["price"].quantity(row)
        return not has_code and (price is None or not read_number(price, feed.form.units.decimal))
    except (MatchFailed, QuantityInvalid):
        return False  # what is wrong there is the issue


def _locale_issues(feed: CompiledFeed, standing: Standing) -> list[Issue]:
    if standing.live_locale in {None, feed.form.main_locale}:
        return []
    return [_locale_changed(str(standing.live_locale), feed.form.main_locale)]


def _currency_issues(feed: CompiledFeed, currency: str | None) -> list[Issue]:
    """What is wrong where the shop turned out to sell in another currency than the feed's."""
    try:
        check_shop_currency(feed.form.currency, currency)
    except Refusal as refusal:
        field = refusal.field or "currency"
        return [
            Issue(
                "M3.9",
                field,
                refusal.title,
                refusal.remedy,
                value=feed.form.currency,
                refused_by="channel",  # a body has no currency
            )
        ]
    return []


def _no_stock(matches: Matches, stock: Sequence[SkuStock]) -> list[Issue]:
    """The issue of a product that is not online yet and has no stock: it is refused (M4.3)."""
    if any(sku.inventory for sku in stock):
        return []
    has_match = "inventory" in matches.attributes
    return [
        Issue(
            rule="M4.3",
            field="sku_info_list > inventory",
            message="no SKU has stock"
            if has_match
            else "the stock is missing: inventory has no match",
            remedy="AliExpress creates no product without stock: it is created once a SKU has some."
            if has_match
            else "Match inventory in the feed: AliExpress creates no product without stock.",
            value="0" if has_match else None,
        )
    ]


def _category(feed: CompiledFeed, row: Row) -> tuple[Located, list[Issue]]:
    """The row's category, and what is wrong with it."""
    try:
        located = feed.category.look_up(row)
    except MatchFailed as failure:
        issue = _category_issue(str(failure), "Correct category.source.", None)
        return Located("", (), None), [issue]
    if located.category_id is not None:
        return located, []
    path = located.path
    message = f"the category {path!r} is not matched" if path else "the product has no category"
    remedy = "Match the category under category.exact or category.prefix of the feed."
    return located, [_category_issue(message, remedy, path or None)]


def _category_issue(message: str, remedy: str, value: str | None) -> Issue:
    return Issue(rule="M2.2", field="category_id", message=message, remedy=remedy, value=value)


def _not_permitted(category_id: str, reason: str) -> Issue:
    return Issue(
        rule="M2.1",
        field="category_id",
        message=f"the shop may not post in the category {category_id}: {reason}",
        remedy="Match the category to a leaf that is permitted to the shop.",
        value=category_id,
    )


def _locale_changed(live: str, wanted: str) -> Issue:
    return Issue(
        rule="M3.1",
        field="locale",
        message=f"the product is online with the main language {live}, which cannot change",
        remedy=f"Set main_locale back to {live}, or have the product deleted first.",
        value=wanted,
    )


def _codes(matches: Matches, family: Family) -> tuple[dict[str, str], list[Issue]]:
    """The SKU codes by product id, and what is wrong with them (M3.3)."""
    match = matches.attributes["sku_code"]
    codes: dict[str, str] = {}
    issues: list[Issue] = []
    for row in family.skus:
        try:
            code, why = match.text(row), f"{match.origin} gives nothing"
        except MatchFailed as failure:
            code, why = None, str(failure)
        if code is None or len(code) > LONGEST_EXTERNAL_ID or any(ord(c) < 32 for c in code):
            too_long = f"it is longer than {LONGEST_EXTERNAL_ID} characters or unprintable"
            reason = why if code is None else too_long
            issues.append(_code_issue(row.product_id, code, reason))
        else:
            codes[row.product_id] = code
    return codes, issues + find_duplicates(codes)


def _without_shared(codes: Mapping[str, str]) -> dict[str, str]:
    """The codes of one row each: of a code that several rows have, no price or stock is known."""
    if len(set(codes.values())) == len(codes):
        return dict(codes)
    rows = Counter(codes.values())
    return {product_id: code for product_id, code in codes.items() if rows[code] == 1}


def _code_issue(product_id: str, code: str | None, reason: str) -> Issue:
    return Issue(
        rule="M3.3",
        field="sku_info_list > sku_code",
        message=f"the product {product_id!r} has no usable SKU code: {reason}",
        remedy="Fill the SKU code, or match it with a template over other fields.",
        value=None if code is None else code[:200],
        sku=product_id,
        refused_by="channel" if code else "aliexpress",  # no length is known that it takes
    )


def _shown_title(feed: CompiledFeed, matches: Matches, row: Row) -> str:
    try:
        text = matches.languages.titles[feed.form.main_locale].text(row)
    except MatchFailed:
        return ""
    return " ".join(undo_entities(text or "").split())[:300]


def _has_error(issues: Sequence[Issue]) -> bool:
    return any(issue.severity == "error" for issue in issues)


def _part(data: Content | Sequence[Offer | SkuStock] | None, issues: list[Issue]) -> Part:
    """The part of this data; beside an error the data is what is valid in spite of it."""
    errors = [issue for issue in issues if issue.severity == "error"]
    is_valid = data is not None and not errors
    hashed = data if is_valid else [errors, data] if data else errors
    return Part(is_valid=is_valid, hash=digest(hashed).hex(), issues=issues)


def digest(value: Any) -> bytes:
    """A short hash of any value, the same for equal values."""
    return blake2b(_encoder.encode(value), digest_size=16).digest()


def digest_of(result: Normalized, *, shop_id: str) -> bytes:
    """What tells two desired states of a family apart: a new one is emitted only when it does."""
    parts: Mapping[str, object] = {
        "shop": shop_id,
        "absent": result.absent_reason,
        "content": None if result.content_part is None else result.content_part.hash,
        "offers": None if result.offers_part is None else result.offers_part.hash,
        "stock": None if result.stock_part is None else result.stock_part.hash,
        "skus": result.sku_codes,
        "products": result.product_ids,
    }
    return digest(parts)
