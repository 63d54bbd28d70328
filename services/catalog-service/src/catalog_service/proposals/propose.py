"""A commented configuration from a catalogue's description. Pure.

What it holds can be checked and saved as it is; what is not sure is a comment, and an open point.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from catalog_service.describing.amounts import CurrencyGuess
from catalog_service.describing.describe import Description
from catalog_service.proposals.attributes import (
    put_category_attributes,
    put_sku_attributes,
)
from catalog_service.proposals.delivery import put_package, put_terms, put_units
from catalog_service.proposals.draft import (
    SURE,
    Draft,
    LeafSuggestion,
    OpenPoint,
    RequiredAttribute,
    Setting,
)
from catalog_service.proposals.exclusions import put_exclusions
from catalog_service.proposals.further_columns import offer_categories, put_further_prices
from catalog_service.proposals.identities import wait_for_ids, wait_for_parents
from catalog_service.proposals.offers import put_barcode, put_prices, put_sku, put_stock
from catalog_service.proposals.pictures import put_pictures
from catalog_service.proposals.texts import (
    CategorySource,
    choose_locale,
    find_categories,
    put_category,
    put_languages,
    put_long_titles,
)
from catalog_service.proposals.yaml_lines import comment

FALLBACK_CURRENCY = "USD"
HEAD_POINTS = 10


@dataclass(frozen=True)
class Proposal:
    """A configuration as YAML, and what is open in it, the most awaited first."""

    configuration: str
    open_points: Sequence[OpenPoint]


def category_source(description: Description) -> CategorySource:
    """Where the catalogue's category paths stand; to look suggestions up for them."""
    return find_categories(Draft(description))


def propose(
    description: Description,
    setting: Setting,
    *,
    suggestions: Mapping[str, LeafSuggestion] | None = None,
    required: Sequence[RequiredAttribute] = (),
) -> Proposal:
    """The proposal; `suggestions` are leaves by category path."""
    draft = Draft(description)
    _put_head(draft, setting)
    main, why = choose_locale(draft, setting.main_locale)
    draft.put("main_locale", main, why=why)
    _put_currency(draft, setting)
    draft.offer(
        "photo_bank",
        True,
        why="sends pictures by addresses in the shop's photo bank, for shops whose products"
        " AliExpress refuses with others (M3.5)",
    )
    put_long_titles(draft)
    put_units(draft)
    put_category(draft, find_categories(draft), suggestions or {}, setting)
    offer_categories(draft)
    put_languages(draft, main)
    draft.section("attributes")
    put_sku(draft)
    put_prices(draft)
    put_further_prices(draft)
    put_stock(draft)
    put_barcode(draft)
    put_pictures(draft)
    put_package(draft)
    put_terms(draft)
    put_category_attributes(draft, required)
    put_sku_attributes(draft)
    put_exclusions(draft)
    points = sorted(draft.points, key=lambda point: -point.products)
    lines = [*_introduction(description, setting, points), *draft.lines]
    return Proposal("\n".join(lines) + "\n", points)


def _introduction(
    description: Description, setting: Setting, points: Sequence[OpenPoint]
) -> list[str]:
    part = "the first " if description.is_partial else ""
    lines = [
        *comment(
            f"Proposed from {setting.source}: {description.format}, {part}{description.rows} rows"
            " read."
        ),
        *comment(
            "A line that rests on a guess says why and how sure, from 0 to 1. What is unsure is a"
            " comment: take the # away to use it. OPEN is what only you can say; most rows wait on"
        ),
    ]
    for number, point in enumerate(points[:HEAD_POINTS], start=1):
        lines += comment(f"  {number}. {point.field} ({point.products} rows): {point.message}")
    return lines


def _put_head(draft: Draft, setting: Setting) -> None:
    draft.put("feed", setting.catalogue)
    draft.put("shop", setting.shop)
    draft.put("catalogue", setting.catalogue)
    if not setting.is_from_catalogue:
        _put_families(draft)


def _put_families(draft: Draft) -> None:
    """How the catalogue's files name rows and parents."""
    families = draft.description.families
    why = f"guess, {families.sure:.2f} sure: {families.why}"
    if families.kind == "read":
        draft.say(f"rows and parents: {families.why}")
        return
    if families.id_field is None or (families.sure < SURE and families.kind != "titles"):
        draft.say("OPEN: no column surely names the rows (id_field)")
        if families.id_field is not None:
            draft.offer("id_field", families.id_field, why=f"unsure: {why}")
        draft.wait(
            draft.rows,
            "id_field",
            "no filled column has another value in each row",
            "Name the column with the products' ids, or add one to the file.",
        )
        return
    draft.put("id_field", families.id_field, why=why)
    wait_for_ids(draft, families.id_field)
    if families.kind in {"parents", "groups"} and families.parent_field is not None:
        draft.put("parent_field", families.parent_field)
    wait_for_parents(draft)
    if families.kind == "groups":
        draft.put(
            "synthesise_parents", True, why="no row is the group's parent: one is made (M4.1)"
        )
    if families.kind == "titles" and families.parent_field is not None:
        draft.offer("parent_field", families.parent_field, why="unsure: equal titles as families")
        draft.offer("synthesise_parents", True)
        draft.wait(
            families.children,
            "parent_field",
            "rows that share their title may be variations of one product",
            "Take the # from parent_field and synthesise_parents if they are.",
        )


def _put_currency(draft: Draft, setting: Setting) -> None:
    found = draft.description.currency
    is_sure = found is not None and found.sure >= SURE
    if found is not None and is_sure:
        draft.put("currency", found.code, why=f"guess, {found.sure:.2f} sure: {found.why}")
    elif setting.shop_currency is not None:
        why = "the shop's; the catalogue names none" + (" surely" if found else "")
        draft.put("currency", setting.shop_currency, why=why)
    else:
        unsure = f"; perhaps {found.code} ({found.sure:.2f}: {found.why})" if found else ""
        why = f"OPEN: neither the catalogue nor the shop says it surely{unsure}"
        draft.put("currency", FALLBACK_CURRENCY, why=why)
        draft.wait(
            draft.rows,
            "currency",
            f"the currency is not sure: {FALLBACK_CURRENCY} stands there",
            "Set it to the shop's currency.",
        )
        return
    if found is not None:
        _wait_for_currency(draft, setting, found)


def _wait_for_currency(draft: Draft, setting: Setting, found: CurrencyGuess) -> None:
    """Prices are sent as they stand, in the shop's currency: what is in another is open."""
    if setting.shop_currency is None:
        draft.wait(
            draft.rows,
            "currency",
            f"the catalogue is in {found.code}; which currency the shop {setting.shop} sells in is"
            " not known",
            f"Check that the shop sells in {found.code}. If it does not, convert the prices, or"
            " match a column of prices in the shop's currency, and set its currency.",
        )
    elif setting.shop_currency != found.code:
        perhaps = "" if found.sure >= SURE else "perhaps "
        draft.wait(
            draft.rows,
            "currency",
            f"the catalogue is {perhaps}in {found.code}, the shop sells in {setting.shop_currency}",
            "Convert the prices, or match a column of prices in the shop's currency.",
        )
    else:
        draft.wait(
            found.others,
            "currency",
            f"rows in another currency than {found.code}",
            "Convert their prices, or leave them out of the feed.",
        )
