"""The content side of a family: texts, pictures, attributes, package (M3, M4). Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from catalog_service.categories.schema import CategorySchema, rule_of
from catalog_service.feeds.compile import CompiledFeed, Matches
from catalog_service.feeds.matching import ANY_ROW, MatchFailed, Row
from catalog_service.feeds.templates import cut_at_word
from catalog_service.normalizing.advice import WHOLE_BARCODE
from catalog_service.normalizing.attributes import (
    fill_category_attributes,
    fill_sku_attributes,
    fixed_attributes,
)
from catalog_service.normalizing.barcodes import BarcodeInvalid, read_barcode
from catalog_service.normalizing.descriptions import has_safe_tags, safe_html
from catalog_service.normalizing.fixed import NOTHING_FIXED, Fixed, find_kept, keep
from catalog_service.normalizing.package import fixed_measures, read_package
from catalog_service.normalizing.schema_payload import payload_of
from catalog_service.normalizing.variations import Family, find_combination_issues
from catalog_service.texts import shows_something, undo_entities
from common.contracts.product import AttributeValue, Content, ContentSku, LocalText
from common.errors import Issue, Refuser, Severity

_STRATEGIES = {
    "place_order_withhold": "place_order_withhold",
    "payment_success_deduct": "payment_success_deduct",
    "by orders": "place_order_withhold",
    "by payments": "payment_success_deduct",
}
Strategy = Literal["place_order_withhold", "payment_success_deduct"]
_PLAIN_ADDRESS = re.compile(r"https?://[A-Za-z0-9][A-Za-z0-9.-]*(?::[0-9]{1,4})?(?:[/?#][!-~]*)?")
"""What most addresses are, told without taking them apart."""
_SKUS = "sku_info_list"
_OWN_ATTRIBUTES = "user_defined_attribute_list"
_OPTIONAL = {_OWN_ATTRIBUTES, "product_group_id", "size_chart_id", "service_template_id"}
_TEXTS = {"title_multi_language_list", "description_multi_language_list"}
_OF_ANY_CATEGORY = CategorySchema("0", '{"properties": {}}')
"""What holds whatever the category, to check a product by whose own is not known."""


@dataclass(frozen=True)
class BuiltContent:
    """What of a family's content could be read, whatever else is wrong.

    `content` is None when an error stands in the way; `title` is that of the main
    language, `image_urls` the addresses of pictures that can be looked at.
    """

    content: Content | None = None
    title: str = ""
    titles: list[LocalText] = dataclass_field(default_factory=list)
    descriptions: list[LocalText] = dataclass_field(default_factory=list)
    image_urls: list[str] = dataclass_field(default_factory=list)
    issues: list[Issue] = dataclass_field(default_factory=list)


def build_content(
    feed: CompiledFeed,
    matches: Matches,
    schema: CategorySchema | None,
    family: Family,
    codes: Mapping[str, str],
) -> BuiltContent:
    """The content, and what is wrong with it or advised.

    Without a schema (no category, or one the shop may not use) it is checked for what holds in any
    category, and `content` is None; of a family without its parent nothing is known.
    """
    if family.head is None:
        return BuiltContent()
    checked = schema or _OF_ANY_CATEGORY
    draft = _Draft(feed, matches, checked, family.head, _fixed(feed, matches, checked))
    content = draft.content(family, codes)
    if content is not None and schema is not None:
        violations = schema.find_violations(payload_of(content))
        # Why there is no SKU has an issue of its own.
        draft.issues += [v for v in violations if content.skus or v.field != _SKUS]
    has_error = schema is None or any(issue.severity == "error" for issue in draft.issues)
    main = feed.form.main_locale
    return BuiltContent(
        content=None if has_error else content,
        title=next((text.text for text in draft.titles if text.locale == main), ""),
        titles=draft.titles,
        descriptions=draft.descriptions,
        image_urls=[url for url in draft.image_urls if _is_web_address(url)],
        issues=draft.issues,
    )


def _fixed(feed: CompiledFeed, matches: Matches, schema: CategorySchema) -> Fixed:
    """What is the same for every product that these matches fill in this category."""
    found = find_kept(matches, schema)
    if found is None:
        found = _Draft(feed, matches, schema, ANY_ROW, NOTHING_FIXED).fixed()
        keep(matches, schema, found)
    return found


class _Draft:
    """A product's content in the making."""

    def __init__(
        self, feed: CompiledFeed, matches: Matches, schema: CategorySchema, head: Row, fixed: Fixed
    ) -> None:
        self._form = feed.form
        self._matches = matches
        self._schema = schema
        self._is_category_known = schema is not _OF_ANY_CATEGORY
        self._head = head
        self.titles: list[LocalText] = []
        self.descriptions: list[LocalText] = []
        self.image_urls: list[str] = []
        self.issues: list[Issue] = []
        self._fixed = fixed

    def content(self, family: Family, codes: Mapping[str, str]) -> Content | None:
        self._check_locale()
        self.titles = self._titles()
        self.descriptions = self._descriptions()
        self.image_urls = self._images()
        attributes = self._category_attributes()
        skus = self._skus(family, codes)
        package, issues = read_package(self._form.units, self._matches, self._head, self._fixed)
        self.issues += issues
        chosen = self._choices()
        content = Content(
            category_id=self._schema.category_id,
            main_locale=self._form.main_locale,
            titles=self.titles,
            descriptions=self.descriptions,
            image_urls=self.image_urls,
            category_attributes=attributes,
            skus=skus,
            product_units_type=chosen["product_units_type"] or "",
            inventory_deduction_strategy=cast("Strategy", chosen["inventory_deduction_strategy"]),
            package_weight_kg=package.weight_kg,
            package_length_cm=package.length_cm,
            package_width_cm=package.width_cm,
            package_height_cm=package.height_cm,
            shipping_preparation_days=package.preparation_days,
            shipping_template_id=chosen["shipping_template_id"] or "",
            service_template_id=chosen["service_template_id"] or "",
            product_group_id=chosen["product_group_id"],
            size_chart_id=chosen["size_chart_id"],
            user_defined_attributes=self._user_defined(),
        )
        has_error = any(issue.severity == "error" for issue in self.issues)
        return None if has_error else content

    def fixed(self) -> Fixed:
        """What constants give, whatever the row; without what raises an issue."""
        choices = {}
        for name, choose in _CHOICES.items():
            match = self._matches.attributes.get(name)
            value = choose(self) if match is None or match.is_constant else None
            if value is not None and not self.issues:
                choices[name] = value
            self.issues = []
        attributes = {}
        if self._is_category_known:
            attributes = fixed_attributes(self._schema.category_attributes, self._matches)
        weight, whole = fixed_measures(self._form.units, self._matches)
        return Fixed(choices, attributes, weight, whole)

    # -- texts ------------------------------------------------------------------------------

    def _check_locale(self) -> None:
        locales = self._schema.locales
        for locale in self._locales():
            if locales is not None and locale not in locales.titles:
                self._complain(
                    "locale",
                    f"the marketplace does not take the language {locale}",
                    f"Take it out of languages. Taken are: {', '.join(locales.titles)}.",
                    locale,
                )

    def _locales(self) -> list[str]:
        languages = self._matches.languages
        return list({**languages.titles, **languages.descriptions})

    def _titles(self) -> list[LocalText]:
        titles = []
        for locale, match in self._matches.languages.titles.items():
            field = f"title_multi_language_list > {locale}"
            text = " ".join((self._text(field, match.text) or "").split())
            if shows_something(text):
                titles.append(LocalText(locale, self._title(field, text)))
            elif locale == self._form.main_locale:
                refused_by: Refuser = "channel" if text else "aliexpress"
                self._miss(field, "the title", match.origin, refused_by=refused_by)
        return titles

    def _title(self, field: str, text: str) -> str:
        if "<" in text or ">" in text:
            self._complain(
                field,
                "the title holds < or >, which the marketplace refuses",
                "Take them out of the title, for example with the filter striptags or replace.",
                text,
            )
        limit = self._schema.title_limit
        if len(text) <= limit:
            return text
        if self._form.title_too_long == "reject":
            self._complain(
                field,
                f"the title has {len(text)} characters, {limit} are taken",
                "Shorten it, or set title_too_long: truncate in the feed.",
                text,
            )
            return text
        self._complain(
            field,
            f"the title had {len(text)} characters and was cut to {limit}",
            "Shorten it in the catalogue to decide yourself what is left out.",
            text,
            severity="advice",
        )
        return cut_at_word(text, limit)

    def _descriptions(self) -> list[LocalText]:
        descriptions = []
        for locale, match in self._matches.languages.descriptions.items():
            field = f"description_multi_language_list > {locale}"
            given = self._given(field, match.text) or ""
            text = safe_html(given)
            if text:
                descriptions.append(LocalText(locale, text))
            elif locale == self._form.main_locale:
                is_taken = has_safe_tags(given)
                refused_by: Refuser = "channel" if is_taken else "aliexpress"
                self._miss(field, "the description", match.origin, refused_by=refused_by)
        return descriptions

    # -- pictures ---------------------------------------------------------------------------

    def _images(self) -> list[str]:
        field = "image_url_list"
        match = self._matches.attributes.get(field)
        if match is None:
            self._miss(field, "the first picture", "no match")
            return []
        try:
            urls = list(dict.fromkeys(match.list(self._head)))
        except MatchFailed as failure:
            self._complain(field, str(failure), "Correct the template or give it a default.")
            return []
        if not urls:
            self._miss(field, "the first picture", match.origin)
        limit = self._schema.image_limit
        if len(urls) > limit:
            self._complain(
                field,
                f"the product has {len(urls)} pictures; the first {limit} are sent",
                f"Put the {limit} best first: AliExpress takes no more.",
                urls[limit],
                severity="advice",
            )
        for url in urls[:limit]:
            if not _is_web_address(url):
                self._complain(
                    field,
                    f"{url[:200]!r} is no web address",
                    "Send complete addresses that begin with https:// or http://.",
                    url,
                )
        return urls[:limit]

    # -- attributes -------------------------------------------------------------------------

    def _category_attributes(self) -> dict[str, AttributeValue]:
        if not self._is_category_known:
            return {}
        attributes, issues = fill_category_attributes(
            self._schema.category_attributes, self._matches, self._head, self._fixed.attributes
        )
        self.issues += issues
        return attributes

    # -- SKUs -------------------------------------------------------------------------------

    def _skus(self, family: Family, codes: Mapping[str, str]) -> list[ContentSku]:
        chosen, issues = fill_sku_attributes(
            self._schema.sku_attributes,
            self._matches,
            family.skus,
            codes,
            is_simple=family.is_simple,
        )
        self.issues += issues
        has_error = any(issue.severity == "error" for issue in issues)
        if self._is_category_known and len(family.skus) > 1 and not has_error:
            known = list(self._schema.sku_attributes)
            self.issues += find_combination_issues(chosen, known)
        return [
            ContentSku(
                sku_code=codes[row.product_id],
                attributes=chosen[codes[row.product_id]],
                ean_code=self._barcode(row, codes[row.product_id]),
            )
            for row in family.skus
            if row.product_id in codes
        ]

    def _barcode(self, row: Row, code: str) -> str | None:
        """The SKU's barcode; a bad one is advised about and left out."""
        match = self._matches.attributes.get("ean_code")
        if match is None:
            return None
        text = None
        try:
            text = match.text(row)
            return None if text is None else read_barcode(text)
        except (BarcodeInvalid, MatchFailed) as failure:
            self.issues.append(
                Issue(
                    rule="M3.14",
                    field="sku_info_list > ean_code",
                    message=f"the barcode is not sent: {failure}",
                    remedy=WHOLE_BARCODE,
                    value=None if text is None else text[:200],
                    sku=code,
                    severity="advice",
                )
            )
            return None

    # -- choices ----------------------------------------------------------------------------

    def _choices(self) -> dict[str, str | None]:
        """The first-level choices by field, in the order of their issues."""
        fixed = self._fixed.choices
        return {
            name: fixed[name] if name in fixed else choose(self)
            for name, choose in _CHOICES.items()
        }

    def choice(self, name: str, *, default: str | None = None) -> str:
        text = self._attribute(name) or default
        if text is None:
            match = self._matches.attributes.get(name)
            choices = self._schema.choices(name)
            self._miss(
                name,
                name,
                "no match" if match is None else match.origin,
                allowed=None if choices is None else choices.shown(),
            )
            return ""
        return self._chosen(name, text)

    def optional_choice(self, name: str) -> str | None:
        text = self._attribute(name)
        return None if text is None else self._chosen(name, text)

    def _chosen(self, name: str, text: str) -> str:
        choices = self._schema.choices(name)
        if choices is None:
            return text
        found = choices.find(text)
        if found is None:
            has_some = bool(choices.titles)
            self._complain(
                name,
                f"{text!r} is none of the choices" if has_some else "the shop has none to choose",
                f"Allowed are: {choices.shown()}." if has_some else "Leave it out of the feed.",
                text,
            )
        return found or ""

    def strategy(self) -> Strategy:
        name = "inventory_deduction_strategy"
        text = self._attribute(name)
        found = _STRATEGIES.get((text or "").casefold())
        if text is None:
            self._miss(
                name, name, "no match", allowed="place_order_withhold, payment_success_deduct"
            )
        elif found is None:
            self._complain(
                name,
                f"{text!r} is no way to deduct stock",
                "Send place_order_withhold (when ordered) or payment_success_deduct (when paid).",
                text,
            )
        return cast("Strategy", found or "place_order_withhold")

    def _user_defined(self) -> list[tuple[str, str]]:
        pairs = []
        for name, match in self._matches.user_defined.items():
            text = self._text(f"{_OWN_ATTRIBUTES} > {name}", match.text)
            if text is not None:
                pairs.append((name, text))
        return pairs

    # -- filling and complaining ------------------------------------------------------------

    def _attribute(self, name: str) -> str | None:
        match = self._matches.attributes.get(name)
        return None if match is None else self._text(name, match.text)

    def _text(self, field: str, fill: Any) -> str | None:
        """What the match gives as plain text: its entities undone."""
        text = self._given(field, fill)
        return None if text is None else undo_entities(text).strip() or None

    def _given(self, field: str, fill: Any) -> str | None:
        try:
            return cast("str | None", fill(self._head))
        except MatchFailed as failure:
            self._complain(
                field,
                str(failure),
                "Correct the template, or give the match a default.",
                refused_by="channel" if self._is_optional(field) else "aliexpress",
            )
            return None

    def _is_optional(self, field: str) -> bool:
        """Whether AliExpress would take the product without this, and nobody would know."""
        name, _, locale = field.partition(" > ")
        is_text = name in _TEXTS and locale != self._form.main_locale
        return is_text or name in _OPTIONAL

    def _miss(
        self,
        field: str,
        what: str,
        origin: str,
        *,
        allowed: str | None = None,
        refused_by: Refuser = "aliexpress",
    ) -> None:
        if any(issue.field == field for issue in self.issues):
            return  # there is an issue already that says why it is missing
        choices = f" Allowed are: {allowed}." if allowed else ""
        self._complain(
            field,
            f"{what} is missing ({origin} gives nothing)"
            if origin != "no match"
            else f"{what} is missing: it has no match",
            f"Fill it in the catalogue, or give the match a default.{choices}",
            refused_by=refused_by,
        )

    def _complain(
        self,
        field: str,
        message: str,
        remedy: str,
        value: str | None = None,
        *,
        severity: Severity = "error",
        refused_by: Refuser = "aliexpress",
    ) -> None:
        shown = None if value is None else value[:300]
        self.issues.append(
            Issue(rule_of(field), field, message, remedy, shown, None, severity, refused_by)
        )


def _is_web_address(url: str) -> bool:
    if _PLAIN_ADDRESS.fullmatch(url) is not None:
        return True
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and " " not in url.strip()


_CHOICES: Mapping[str, Callable[[_Draft], str | None]] = {
    "product_units_type": lambda draft: draft.choice("product_units_type"),
    "inventory_deduction_strategy": _Draft.strategy,
    "shipping_template_id": lambda draft: draft.choice("shipping_template_id"),
    "service_template_id": lambda draft: draft.choice("service_template_id", default="0"),
    "product_group_id": lambda draft: draft.optional_choice("product_group_id"),
    "size_chart_id": lambda draft: draft.optional_choice("size_chart_id"),
}
