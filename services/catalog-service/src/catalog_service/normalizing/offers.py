"""The offer side of a family: prices of its SKUs, and their stock (M3.8, M3.9, M4.3). Pure.

SKU by SKU, and prices apart from stock: what is wrong with one price keeps that price alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

from catalog_service.feeds.compile import CompiledFeed, Matches
from catalog_service.feeds.compile import CountryPrice as CountryMatch
from catalog_service.feeds.matching import CompiledMatch, MatchFailed, Row
from catalog_service.feeds.quantities import QuantityInvalid, Written, read_amount, read_whole
from common.contracts.product import CountryPrice, Offer, SkuStock
from common.errors import Issue, Severity

LOWEST_COUNTRY_SHARE = Decimal("0.70")
HIGHEST_PRICE = Decimal(999_999)
MOST_STOCK = 999_999
_CENT = Decimal("0.01")
_REMEDY_OF_MATCH = "Correct the match or what it reads, or give the match a default."


class _Unusable(Exception):
    """A value cannot be used; its issue has been written."""


@dataclass
class OfferSide:
    """Prices and stock of a family's SKUs, each with what is wrong or advised.

    `offers` holds the SKUs whose price is valid, `stock` those whose stock is valid and managed.
    """

    offers: list[Offer] = dataclass_field(default_factory=list)
    price_issues: list[Issue] = dataclass_field(default_factory=list)
    stock: list[SkuStock] = dataclass_field(default_factory=list)
    stock_issues: list[Issue] = dataclass_field(default_factory=list)


def build_offers(
    feed: CompiledFeed, matches: Matches, skus: Sequence[Row], codes: Mapping[str, str]
) -> OfferSide:
    """The offer side of the rows that are SKUs; `codes` is by product id."""
    side = OfferSide()
    for row in skus:
        code = codes.get(row.product_id)
        if code is None:
            continue
        stock = _Stock(feed, row, code, side.stock_issues)
        inventory = stock.inventory(matches.attributes.get("inventory"))
        if inventory is not None:
            side.stock.append(SkuStock(code, inventory))
        offer = _Prices(feed, row, code, side.price_issues).offer(matches, inventory)
        if offer is not None:
            side.offers.append(offer)
    return side


@dataclass(frozen=True)
class _Reader:
    """Reads values of one SKU; what is wrong with them goes into `issues`."""

    feed: CompiledFeed
    row: Row
    code: str
    issues: list[Issue]

    def _given(self, name: str, rule: str, match: CompiledMatch | None) -> Written | None:
        """What the match gives. Raises `_Unusable`."""
        try:
            return None if match is None else match.quantity(self.row)
        except MatchFailed as failure:
            raise self._unusable(name, rule, str(failure), _REMEDY_OF_MATCH) from None

    def _unusable(
        self, name: str, rule: str, message: str, remedy: str, value: Written | None = None
    ) -> _Unusable:
        """An error is written; the exception to raise for it."""
        self._add(rule, name, message, remedy, value=value)
        return _Unusable()

    def _add(
        self,
        rule: str,
        name: str,
        message: str,
        remedy: str,
        *,
        value: Written | None,
        severity: Severity = "error",
    ) -> None:
        shown = None if value is None else str(value)[:200]
        field = f"sku_info_list > {name}"
        self.issues.append(
            Issue(rule, field, message, remedy, value=shown, sku=self.code, severity=severity)
        )


class _Stock(_Reader):
    """One SKU's stock."""

    def inventory(self, match: CompiledMatch | None) -> int | None:
        """The pieces that can be sold; None where the stock is unmanaged or unusable."""
        if match is None:
            return None
        try:
            return self._inventory(match)
        except _Unusable:
            return None

    def _inventory(self, match: CompiledMatch) -> int:
        given = self._given("inventory", "M4.3", match)
        if given is None:
            raise self._unusable(
                "inventory",
                "M4.3",
                "the stock is missing",
                f"Fill {match.origin}, or give inventory a default; 0 means out of stock.",
            )
        try:
            stock = read_whole(given, self.feed.form.units.decimal)
        except QuantityInvalid as invalid:
            raise self._unusable(
                "inventory",
                "M4.3",
                f"the stock is unusable: {invalid}",
                "Send whole pieces as a plain number, such as 12.",
                given,
            ) from None
        sent = min(max(stock, 0), MOST_STOCK)
        if sent != stock:
            message = f"the stock {stock} is sent as {sent}"
            remedy = f"Nothing, if it is meant; AliExpress takes 0 to {MOST_STOCK}."
            self._add("M4.3", "inventory", message, remedy, value=given, severity="advice")
        return sent


class _Prices(_Reader):
    """One SKU's prices."""

    def offer(self, matches: Matches, inventory: int | None) -> Offer | None:
        """The offer; None where its price or discount is unusable."""
        discount_match = matches.attributes.get("discount_price")
        try:
            price = self._price(matches.attributes["price"])
            discount = self._discount("discount_price", discount_match, price)
        except _Unusable:
            return None
        countries, kept = self._countries(price)
        return Offer(
            sku_code=self.code,
            price=str(price),
            currency=self.feed.form.currency,
            discount_price=None if discount is None else str(discount),
            inventory=inventory,
            country_prices=countries,
            kept_countries=kept,
        )

    def _price(self, match: CompiledMatch) -> Decimal:
        given = self._given("price", "M3.9", match)
        if given is None:
            raise self._unusable(
                "price",
                "M3.9",
                "the price is missing",
                f"Fill {match.origin}, or give price a default.",
            )
        price = self._money("price", "M3.9", given)
        if price < _CENT:
            raise self._unusable(
                "price",
                "M3.9",
                "the price is below 0.01",
                "Send the usual selling price; a parent's row may have none, a SKU must.",
                given,
            )
        return price

    def _discount(self, name: str, match: CompiledMatch | None, price: Decimal) -> Decimal | None:
        """The discounted price; none where it is empty, 0 or the price itself."""
        given = self._given(name, "M3.9", match)
        if given is None:
            return None
        discount = self._money(name, "M3.9", given)
        if discount in {0, price}:
            return None
        if not 0 < discount < price:
            raise self._unusable(
                name,
                "M3.9",
                f"the discounted price is not below the price {price}",
                "Send a discounted price strictly lower than the price, or none.",
                given,
            )
        return discount

    def _countries(self, price: Decimal) -> tuple[list[CountryPrice], list[str]]:
        """The country prices, and the countries whose price is unusable."""
        prices, kept = [], []
        for country, match in self.feed.country_prices.items():
            try:
                own = self._country(country, match, price)
            except _Unusable:
                kept.append(country)
                continue
            if own is not None:
                prices.append(own)
        return prices, kept

    def _country(self, country: str, match: CountryMatch, price: Decimal) -> CountryPrice | None:
        name = f"multi_country_price_configuration > {country}"
        given = self._given(name, "M3.8", match.price)
        if given is None:
            return None
        own = self._money(name, "M3.8", given)
        lowest = (price * LOWEST_COUNTRY_SHARE).quantize(_CENT, ROUND_CEILING)
        if own < lowest:
            raise self._unusable(
                name,
                "M3.8",
                f"the price for {country} is below 70 % of the price {price}",
                f"Send at least {lowest}.",
                given,
            )
        lower = self._discount(f"{name} > discount_price", match.discount_price, own)
        return CountryPrice(country, str(own), None if lower is None else str(lower))

    def _money(self, name: str, rule: str, given: Written) -> Decimal:
        form = self.feed.form
        try:
            amount = read_amount(given, form.units.decimal, currency=form.currency)
        except QuantityInvalid as invalid:
            raise self._unusable(
                name,
                rule,
                f"the amount is unusable: {invalid}",
                f"Send a plain number in {form.currency}, such as 12{form.units.decimal}90.",
                given,
            ) from None
        if amount > HIGHEST_PRICE:
            remedy = "Check the value and the feed's units.decimal."
            raise self._unusable(name, rule, f"it is above {HIGHEST_PRICE}", remedy, given)
        return amount.quantize(_CENT, ROUND_HALF_UP)
