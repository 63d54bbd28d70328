"""The body of a family as it would be sent if nothing refused it. Pure.

Built by the shared builder (`aliexpress.payload`) of what the feed's matches give, without one rule
of the evaluation: a value that can be read is sent as it is read, out of range or not, an amount
in another currency without its sign; one that cannot be read is sent as the merchant wrote it, as
a number where it is one in JSON; a choice that is none is sent as its text; what is missing is left
out. Of a right family it is the very body that is sent: `forecast` compares them.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, TypeVar, cast

import nh3

from aliexpress.payload import DesiredOffer, product_payload
from catalog_service.categories.schema import AttributeForm, CategorySchema, Choices
from catalog_service.feeds.compile import CompiledFeed, Located, Matches
from catalog_service.feeds.matching import CompiledMatch, MatchFailed, Row
from catalog_service.feeds.quantities import (
    QuantityInvalid,
    Written,
    read_amount,
    read_measure,
    read_number,
    read_whole,
)
from catalog_service.normalizing.attributes import fill_sku_attributes
from catalog_service.normalizing.barcodes import BarcodeInvalid, read_barcode
from catalog_service.normalizing.descriptions import safe_html
from catalog_service.normalizing.normalize import Lookups
from catalog_service.normalizing.package import CENTIMETRES, KILOGRAMS
from catalog_service.normalizing.sale_dates import DateInvalid, SaleWindow, read_instant
from catalog_service.texts import undo_entities
from common.contracts.product import (
    AttributeValue,
    Content,
    ContentSku,
    CountryPrice,
    LocalText,
)

from .families import Draft

Body = dict[str, Any]
Value = Decimal | int | str | None
_T = TypeVar("_T")
_CENT = Decimal("0.01")
_MOST_STOCK = 999_999
_MOST_PICTURES = 6
_STRATEGIES = {"by orders": "place_order_withhold", "by payments": "payment_success_deduct"}
_AROUND = re.compile(r"^[^0-9.,()+-]+|[^0-9()-]+$")


def unchecked_body(feed: CompiledFeed, draft: Draft, lookups: Lookups, at: datetime) -> Body:
    """The body of the family, filled by its leaf's schema where the shop may use the leaf."""
    return _Filler(feed, draft, lookups, at).body()


@dataclass(frozen=True)
class _Prices:
    price: Value
    discount: Value
    countries: Mapping[str, Value]


class _Filler:
    """Fills one body. SKUs go by their product ids until the codes are written in at the end."""

    def __init__(self, feed: CompiledFeed, draft: Draft, lookups: Lookups, at: datetime) -> None:
        rows = list(draft.rows())
        skus = [row for row in rows if row[0] != draft.family_id] or rows
        above = {} if draft.head is None else draft.head
        self._skus = [
            Row(name, parent, fields, {} if skus is rows else above)
            for name, parent, fields in sorted(skus)
        ]
        self._head = Row(draft.family_id, None, draft.head) if draft.head else self._skus[0]
        self._is_simple = skus is rows
        located = _given(feed.category.look_up, self._head) or Located("", (), None)
        self._category_id = located.category_id
        self._matches: Matches = feed.matches(located.category_id, located.key)
        self._feed = feed
        self._decimal = feed.form.units.decimal
        schema = lookups.schema(located.category_id) if located.category_id else None
        self._schema = schema if isinstance(schema, CategorySchema) else None
        self._at = at

    def body(self) -> Body:
        prices = {row.product_id: self._prices(row) for row in self._skus}
        stock = self._stock()
        package = self._package()
        content = self._content()
        offers = {
            name: DesiredOffer(
                price=cast("str", None if found.price is None else "0"),
                discount_price=None if found.discount is None else "0",
                country_prices=tuple(CountryPrice(c, "0") for c in found.countries),
            )
            for name, found in prices.items()
        }
        body = product_payload(content, offers) | package
        self._write_offers(body, prices, stock)
        missing = {name for name, value in package.items() if value is None}
        if self._category_id is None:
            missing.add("category_id")
        return {name: value for name, value in body.items() if name not in missing}

    # ---- content

    def _content(self) -> Content:
        return Content(
            category_id=self._category_id or "0",
            main_locale=self._feed.form.main_locale,
            titles=self._titles(),
            descriptions=self._descriptions(),
            image_urls=list(dict.fromkeys(self._list("image_url_list")))[:_MOST_PICTURES],
            category_attributes=self._category_attributes(),
            skus=self._sku_contents(),
            product_units_type=self._choice("product_units_type") or "",
            inventory_deduction_strategy=cast("Any", self._strategy()),
            package_weight_kg="0",
            package_length_cm=0,
            package_width_cm=0,
            package_height_cm=0,
            shipping_preparation_days=0,
            shipping_template_id=self._choice("shipping_template_id") or "",
            service_template_id=self._choice("service_template_id") or "0",
            product_group_id=self._choice("product_group_id"),
            size_chart_id=self._choice("size_chart_id"),
            user_defined_attributes=[
                (name, text)
                for name, match in self._matches.user_defined.items()
                if (text := _text(match, self._head)) is not None
            ],
        )

    def _titles(self) -> list[LocalText]:
        texts = {
            locale: " ".join((_text(match, self._head) or "").split())
            for locale, match in self._matches.languages.titles.items()
        }
        return [LocalText(locale, text) for locale, text in texts.items() if text]

    def _descriptions(self) -> list[LocalText]:
        """As they are made safe; one that then shows nothing stays."""
        found = []
        for locale, match in self._matches.languages.descriptions.items():
            given = _given(match.text, self._head) or ""
            text = safe_html(given) or nh3.clean(given).strip()
            if text:
                found.append(LocalText(locale, text))
        return found

    def _list(self, name: str) -> list[str]:
        match = self._matches.attributes[name]
        return _given(match.list, self._head) or []

    def _choice(self, name: str) -> str | None:
        match = self._matches.attributes.get(name)
        text = None if match is None else _text(match, self._head)
        choices = None if self._schema is None else self._schema.choices(name)
        return None if text is None else _chosen(choices, text)

    def _strategy(self) -> str:
        match = self._matches.attributes["inventory_deduction_strategy"]
        text = _text(match, self._head) or ""
        return _STRATEGIES.get(text.casefold(), text)

    def _category_attributes(self) -> dict[str, AttributeValue]:
        forms = {} if self._schema is None else self._schema.category_attributes
        found = {}
        for name, form in forms.items():
            match = self._matches.category_attributes.get(name)
            given = None if match is None else _given(match.fill, self._head)
            if given is not None:
                texts = [given] if isinstance(given, str) else given
                found[name] = _attribute(form, [undo_entities(text) for text in texts])
        return found

    def _sku_contents(self) -> list[ContentSku]:
        forms = {} if self._schema is None else self._schema.sku_attributes
        names = {row.product_id: row.product_id for row in self._skus}
        filled, _ = fill_sku_attributes(
            forms, self._matches, self._skus, names, is_simple=self._is_simple
        )
        contents = []
        for row in self._skus:
            attributes = filled[row.product_id]
            for name in () if self._is_simple else forms:
                match = self._matches.sku_attributes.get(name)
                text = None if match is None else _text(match.value, row)
                if name not in attributes and text is not None:
                    attributes[name] = AttributeValue(text)
            contents.append(ContentSku(row.product_id, attributes, self._barcode(row)))
        return contents

    def _barcode(self, row: Row) -> str | None:
        text = _text(self._matches.attributes["ean_code"], row)
        try:
            return None if text is None else read_barcode(text)
        except BarcodeInvalid:
            return None

    # ---- numbers

    def _number(
        self, match: CompiledMatch | None, row: Row, read: Callable[[Written], Value]
    ) -> Value:
        given = None if match is None else _given(match.quantity, row)
        if given is None:
            return None
        for reading in (read, lambda given: read_number(given, self._decimal)):
            try:
                return reading(given)
            except QuantityInvalid:
                continue
        try:
            return Decimal(str(given))
        except InvalidOperation:
            return str(given)

    def _package(self) -> Body:
        units, found = self._feed.form.units, self._matches.attributes

        def weight(given: Written) -> Decimal:
            kilograms = read_measure(given, self._decimal, units=KILOGRAMS, unit=units.weight)
            return kilograms.quantize(Decimal("0.001"), ROUND_HALF_UP)

        def length(given: Written) -> int:
            measure = read_measure(given, self._decimal, units=CENTIMETRES, unit=units.length)
            return int(measure.to_integral_value(ROUND_CEILING))

        def days(given: Written) -> int:
            return read_whole(given, self._decimal)

        lengths = dict.fromkeys(("package_length", "package_width", "package_height"), length)
        readers = lengths | {"package_weight": weight, "shipping_preparation_time": days}
        return {
            name: self._number(found.get(name), self._head, cast("Any", read))
            for name, read in readers.items()
        }

    def _amount(self, given: Written) -> Decimal:
        try:
            amount = read_amount(given, self._decimal, currency=self._feed.form.currency)
        except QuantityInvalid:
            amount = read_number(_AROUND.sub("", str(given)), self._decimal)
        return amount.quantize(_CENT, ROUND_HALF_UP)

    def _prices(self, row: Row) -> _Prices:
        found = self._matches.attributes
        price = self._number(found["price"], row, self._amount)
        discount = self._number(found["discount_price"], row, self._amount)
        if discount in {0, price} or not self._is_on_sale(row):
            discount = None  # that is how no discount is written
        countries = {
            country: self._number(match.price, row, self._amount)
            for country, match in self._matches.country_prices.items()
        }
        return _Prices(price, discount, {c: v for c, v in countries.items() if v is not None})

    def _is_on_sale(self, row: Row) -> bool:
        """Whether a sale holds now; a date that cannot be read, or is in vain, bounds nothing."""
        bounds = []
        for name in ("discount_from", "discount_until"):
            text = _text(self._matches.attributes[name], row)
            try:
                is_end = name == "discount_until"
                bounds.append(None if text is None else read_instant(text, UTC, is_end=is_end))
            except DateInvalid:
                bounds.append(None)
        begins, ends = bounds
        is_in_vain = begins is not None and ends is not None and begins > ends
        return is_in_vain or SaleWindow(begins, ends).is_open(self._at)

    def _stock(self) -> dict[str, Value]:
        match = self._matches.attributes["inventory"]
        found = {
            row.product_id: self._number(match, row, lambda given: read_whole(given, self._decimal))
            for row in self._skus
        }
        whole = {name: value for name, value in found.items() if isinstance(value, int)}
        pieces = [min(max(value, 0), _MOST_STOCK) for value in whole.values()]
        most = _MOST_STOCK if sum(pieces) <= _MOST_STOCK else _MOST_STOCK // len(pieces)
        return found | {name: min(max(value, 0), most) for name, value in whole.items()}

    def _write_offers(
        self, body: Body, prices: Mapping[str, _Prices], stock: Mapping[str, Value]
    ) -> None:
        codes = {row.product_id: self._code(row) for row in self._skus}
        for sku in body["sku_info_list"]:
            name = sku["sku_code"]
            values = ("price", prices[name].price), ("discount_price", prices[name].discount)
            sku |= {field: value for field, value in values if value is not None}
            if stock[name] is not None:
                sku["inventory"] = stock[name]
            sku["sku_code"] = codes[name] or ""
        countries = body.get("multi_country_price_configuration", {}).get("country_price_list", ())
        for country in countries:
            for sku in country["sku_price_by_country_list"]:
                name = sku["sku_code"]
                sku["price"] = prices[name].countries[country["ship_to_country"]]
                sku["sku_code"] = codes[name] or ""

    def _code(self, row: Row) -> str | None:
        match = self._matches.attributes["sku_code"]
        return _given(match.text, row)


def _attribute(form: AttributeForm, texts: Sequence[str]) -> AttributeValue:
    if form.kind == "text":
        return AttributeValue(", ".join(texts)[: form.max_length])
    if form.kind == "many":
        return AttributeValue(list(dict.fromkeys(_chosen(form.choices, text) for text in texts)))
    return AttributeValue(_chosen(form.choices, texts[0]))


def _chosen(choices: Choices | None, text: str) -> str:
    return text if choices is None else choices.find(text) or text


def _given(fill: Callable[[Row], _T], row: Row) -> _T | None:
    """What a match gives; None where it fails."""
    try:
        return fill(row)
    except MatchFailed:
        return None


def _text(match: CompiledMatch, row: Row) -> str | None:
    given = _given(match.text, row)
    return None if given is None else undo_entities(given).strip() or None
