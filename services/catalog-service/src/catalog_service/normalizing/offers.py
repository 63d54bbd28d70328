"""The offer side of a family: prices and stock of its SKUs (M3.8, M3.9, M4.3). Pure."""

import re
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from catalog_service.feeds.compile import CompiledFeed, Matches
from catalog_service.feeds.matching import CompiledMatch, MatchFailed, Row
from common.contracts.product import CountryPrice, Offer
from common.errors import Issue

LOWEST_COUNTRY_SHARE = Decimal("0.70")
HIGHEST_PRICE = Decimal(999_999)
MOST_STOCK = 999_999
_CENT = Decimal("0.01")
_CURRENCY = re.compile(r"[A-Z]{3}")
_POINT = re.compile(r"-?(?:\d{1,3}(?:[, ]\d{3})+|\d+)(?:\.\d+)?")
_COMMA = re.compile(r"-?(?:\d{1,3}(?:[. ]\d{3})+|\d+)(?:,\d+)?")


class ValueInvalid(Exception):
    """The text is not of the kind asked for; the message says what it is."""


def decimal_of(text: str, sign: str = ".") -> Decimal:
    """The one number in a text such as `1,234.50 USD`. Raises `ValueInvalid`."""
    found = (_POINT if sign == "." else _COMMA).findall(text)
    if len(found) != 1 or any(c.isdigit() for c in text.replace(found[0], "", 1)):
        raise ValueInvalid("it is not a number")
    plain = found[0].replace(" ", "")
    plain = plain.replace(",", "") if sign == "." else plain.replace(".", "").replace(",", ".")
    try:
        return Decimal(plain)
    except InvalidOperation:
        raise ValueInvalid("it is not a number") from None


def price_of(text: str, *, currency: str, sign: str) -> Decimal:
    """A price in the feed's currency, to the cent. Raises `ValueInvalid`."""
    named = _CURRENCY.search(text)
    if named is not None and named[0] != currency:
        raise ValueInvalid(f"it is in {named[0]}, the feed sells in {currency}")
    return decimal_of(text, sign).quantize(_CENT, ROUND_HALF_UP)


def build_offers(
    feed: CompiledFeed, matches: Matches, skus: Sequence[Row], codes: Mapping[str, str]
) -> tuple[list[Offer], list[Issue]]:
    """The offers of the rows that are SKUs, and what is wrong; `codes` is by product id."""
    offers, issues = [], []
    for row in skus:
        code = codes.get(row.product_id)
        if code is not None:
            draft = _Draft(feed, matches, row, code)
            offer = draft.offer()
            issues += draft.issues
            if offer is not None:
                offers.append(offer)
    return offers, issues


class _Draft:
    """One SKU's offer in the making."""

    def __init__(self, feed: CompiledFeed, matches: Matches, row: Row, code: str) -> None:
        self._feed = feed
        self._matches = matches
        self._row = row
        self._code = code
        self.issues: list[Issue] = []

    def offer(self) -> Offer | None:
        price = self._price()
        inventory = self._inventory()
        if price is None:
            return None
        discount = self._discount("discount_price", self._match("discount_price"), price)
        countries = [
            entry
            for country, of_country in self._feed.country_prices.items()
            if (entry := self._country(country, of_country.price, of_country.discount_price, price))
        ]
        return Offer(
            sku_code=self._code,
            price=str(price),
            currency=self._feed.form.currency,
            discount_price=None if discount is None else str(discount),
            inventory=inventory,
            country_prices=countries,
        )

    def _match(self, name: str) -> CompiledMatch | None:
        return self._matches.attributes.get(name)

    def _price(self) -> Decimal | None:
        match = self._matches.attributes["price"]
        text = self._text("price", "M3.9", match)
        if text is None:
            if not self.issues:
                self._complain(
                    "price",
                    "M3.9",
                    "the price is missing",
                    f"Fill {match.origin}, or give price a default.",
                )
            return None
        price = self._money("price", "M3.9", text)
        if price is not None and not _CENT <= price <= HIGHEST_PRICE:
            self._complain(
                "price",
                "M3.9",
                "the price is not between 0.01 and 999999",
                "Send the usual selling price; a parent's row may have none, a SKU must.",
                text,
            )
            return None
        return price

    def _discount(self, field: str, match: CompiledMatch | None, price: Decimal) -> Decimal | None:
        text = None if match is None else self._text(field, "M3.9", match)
        if text is None:
            return None
        discount = self._money(field, "M3.9", text)
        if discount is None or discount in (0, price):
            return None
        if discount < 0 or discount > price:
            self._complain(
                field,
                "M3.9",
                f"the discounted price is not below the price {price}",
                "Send a discounted price strictly lower than the price, or none.",
                text,
            )
            return None
        return discount

    def _inventory(self) -> int | None:
        match = self._match("inventory")
        if match is None:
            return None
        text = self._text("inventory", "M4.3", match)
        if text is None:
            self._complain(
                "inventory",
                "M4.3",
                "the stock is missing",
                f"Fill {match.origin}, or give inventory a default; 0 means out of stock.",
            )
            return None
        try:
            stock = decimal_of(text, self._feed.form.units.decimal)
        except ValueInvalid as invalid:
            self._complain(
                "inventory", "M4.3", f"the stock is unusable: {invalid}", "Send a number.", text
            )
            return None
        return min(max(int(stock), 0), MOST_STOCK)

    def _country(
        self, country: str, match: CompiledMatch, discount: CompiledMatch | None, price: Decimal
    ) -> CountryPrice | None:
        field = f"multi_country_price_configuration > {country}"
        text = self._text(field, "M3.8", match)
        own = None if text is None else self._money(field, "M3.8", text)
        if own is None:
            return None
        if own < price * LOWEST_COUNTRY_SHARE:
            self._complain(
                field,
                "M3.8",
                f"the price for {country} is below 70 % of the price {price}",
                f"Send at least {(price * LOWEST_COUNTRY_SHARE).quantize(_CENT)}.",
                text,
            )
            return None
        lower = self._discount(f"{field} > discount_price", discount, own)
        return CountryPrice(country, str(own), None if lower is None else str(lower))

    def _text(self, field: str, rule: str, match: CompiledMatch) -> str | None:
        try:
            return match.text(self._row)
        except MatchFailed as failure:
            self._complain(field, rule, str(failure), "Mend the template or give it a default.")
            return None

    def _money(self, field: str, rule: str, text: str) -> Decimal | None:
        form = self._feed.form
        try:
            return price_of(text, currency=form.currency, sign=form.units.decimal)
        except ValueInvalid as invalid:
            self._complain(
                field,
                rule,
                f"the amount is unusable: {invalid}",
                f"Send a plain number in {form.currency}, such as 12.90.",
                text,
            )
            return None

    def _complain(
        self, field: str, rule: str, message: str, remedy: str, value: str | None = None
    ) -> None:
        shown = None if value is None else value[:200]
        self.issues.append(
            Issue(
                rule=rule,
                field=f"sku_info_list > {field}",
                message=message,
                remedy=remedy,
                value=shown,
                sku=self._code,
            )
        )
