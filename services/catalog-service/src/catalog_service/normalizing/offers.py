"""The offer side of a family: prices of its SKUs, and their stock (M3.8, M3.9, M4.3). Pure.

SKU by SKU, and prices apart from stock: what is wrong with one price keeps that price alone. A
sale price may hold for a time only; the family's next instant at which one begins or ends is part
of the result.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from functools import cached_property
from zoneinfo import ZoneInfo

import msgspec

from catalog_service.categories.schema import Choices
from catalog_service.feeds.compile import CompiledFeed, Matches
from catalog_service.feeds.compile import CountryPrice as CountryMatch
from catalog_service.feeds.configuration import Match
from catalog_service.feeds.matching import CompiledMatch, MatchFailed, Row, compile_match
from catalog_service.feeds.quantities import QuantityInvalid, Written, read_amount, read_whole
from catalog_service.normalizing.sale_dates import DateInvalid, SaleWindow, read_instant
from common.contracts.product import CountryPrice, Offer, SkuStock
from common.errors import Issue, Refuser, Severity

LOWEST_COUNTRY_SHARE = Decimal("0.70")
HIGHEST_PRICE = Decimal(999_999)
MOST_STOCK = 999_999
_CENT = Decimal("0.01")
_DATES = {name: compile_match(Match(field=name)) for name in ("discount_from", "discount_until")}
"""Where a sale price's dates are looked for when the feed has no match for them."""
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
    due_at: datetime | None = None
    """The next instant at which a sale price begins or ends."""


def build_offers(
    feed: CompiledFeed,
    matches: Matches,
    skus: Sequence[Row],
    codes: Mapping[str, str],
    *,
    at: datetime,
    taken_countries: Choices | None = None,
) -> OfferSide:
    """The offer side at that time of the rows that are SKUs; `codes` is by product id.

    A row without a usable code is checked like the others, under its product id; it has no offer.
    `taken_countries` are those whose prices the category takes; None where that is not known.
    """
    side = OfferSide()
    changes: list[datetime] = []
    stocks = [
        _Stock(feed, row, codes.get(row.product_id, row.product_id), side.stock_issues)
        for row in skus
    ]
    inventories = _inventories(stocks, matches.attributes.get("inventory"))
    for row, inventory in zip(skus, inventories, strict=True):
        code = codes.get(row.product_id)
        shown = code or row.product_id
        prices = _Prices(feed, row, shown, side.price_issues, matches, at, taken_countries)
        offer = prices.offer(inventory)
        changes += prices.changes
        if code is not None and inventory is not None:
            side.stock.append(SkuStock(code, inventory))
        if code is not None and offer is not None:
            side.offers.append(offer)
    side.stock_issues = _by_who_refuses(side.stock_issues, side.stock)
    side.due_at = min(changes, default=None)
    side.price_issues += _advise_countries(feed, side.offers, taken_countries)
    return side


def _inventories(stocks: Sequence["_Stock"], match: CompiledMatch | None) -> list[int | None]:
    """What is sent of each SKU's stock: AliExpress takes so many pieces of all SKUs together."""
    written = [stock.written(match) for stock in stocks]
    pieces = [min(max(whole, 0), MOST_STOCK) for _, whole in filter(None, written)]
    most = MOST_STOCK if sum(pieces) <= MOST_STOCK else MOST_STOCK // len(pieces)
    return [
        None if found is None else stock.sent(*found, most=most)
        for stock, found in zip(stocks, written, strict=True)
    ]


def _by_who_refuses(issues: list[Issue], stock: Sequence[SkuStock]) -> list[Issue]:
    """AliExpress asks for one SKU with stock, and misses no number that another one lacks."""
    if not any(sku.inventory for sku in stock):
        return issues
    return [
        msgspec.structs.replace(issue, refused_by="channel") if issue.value is None else issue
        for issue in issues
    ]


def _advise_countries(
    feed: CompiledFeed, offers: Sequence[Offer], taken: Choices | None
) -> list[Issue]:
    """Ask for a price in each country the feed sells to, where there are several (M3.8)."""
    named = list(dict.fromkeys(feed.form.countries))
    if len(named) < 2 or not offers:
        return []
    priced = {country.country for offer in offers for country in offer.country_prices}
    priced.update(country for offer in offers for country in offer.kept_countries)
    lacking = [c for c in named if c not in priced and (taken is None or taken.find(c))]
    if not lacking:
        return []
    return [
        Issue(
            rule="M3.8",
            field="multi_country_price_configuration",
            message=f"the product has no price of its own for {', '.join(lacking)}",
            remedy="Match one under country_prices where it should differ; the price holds there.",
            severity="advice",
        )
    ]


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
        self,
        name: str,
        rule: str,
        message: str,
        remedy: str,
        value: Written | None = None,
        *,
        refused_by: Refuser = "aliexpress",
    ) -> _Unusable:
        """An error is written; the exception to raise for it."""
        self._add(rule, name, message, remedy, value=value, refused_by=refused_by)
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
        refused_by: Refuser = "aliexpress",
    ) -> None:
        shown = None if value is None else str(value)[:200]
        field = f"sku_info_list > {name}"
        self.issues.append(
            Issue(rule, field, message, remedy, shown, self.code, severity, refused_by)
        )


class _Stock(_Reader):
    """One SKU's stock."""

    def written(self, match: CompiledMatch | None) -> tuple[Written, int] | None:
        """The stock as written, and read; None where it is unmanaged or unusable."""
        if match is None:
            return None
        try:
            return self._read(match)
        except _Unusable:
            return None

    def sent(self, given: Written, stock: int, *, most: int) -> int:
        """The pieces that can be sold: from 0 to `most`, with advice where that is another."""
        sent = min(max(stock, 0), most)
        if sent != stock:
            message = f"the stock {stock} is sent as {sent}"
            remedy = (
                f"Nothing, if it is meant; AliExpress takes 0 to {MOST_STOCK} of all SKUs together."
            )
            self._add("M4.3", "inventory", message, remedy, value=given, severity="advice")
        return sent

    def _read(self, match: CompiledMatch) -> tuple[Written, int]:
        given = self._given("inventory", "M4.3", match)
        if given is None:
            raise self._unusable(
                "inventory",
                "M4.3",
                "the stock is missing",
                f"Fill {match.origin}, or give inventory a default; 0 means out of stock.",
            )
        try:
            return given, read_whole(given, self.feed.form.units.decimal)
        except QuantityInvalid as invalid:
            raise self._unusable(
                "inventory",
                "M4.3",
                f"the stock is unusable: {invalid}",
                "Send whole pieces as a plain number, such as 12.",
                given,
            ) from None


@dataclass(frozen=True)
class _Prices(_Reader):
    """One SKU's prices; `changes` are when they change next, known after `offer`."""

    matches: Matches
    at: datetime
    taken_countries: Choices | None
    changes: list[datetime] = dataclass_field(default_factory=list)

    def offer(self, inventory: int | None) -> Offer | None:
        """The offer; None where its price or discount is unusable."""
        discount_match = self.matches.attributes.get("discount_price")
        try:
            price = self._price(self.matches.attributes["price"])
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
        price = self._money("price", "M3.9", given, taken=(_CENT, HIGHEST_PRICE))
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
        """The discounted price; none where it is empty, 0, the price itself, or does not hold."""
        given = self._given(name, "M3.9", match)
        if given is None or not self._is_on_sale:
            return None
        discount = self._money(name, "M3.9", given, taken=(Decimal(0), price))
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

    @cached_property
    def _is_on_sale(self) -> bool:
        """Whether sale prices hold; not where their dates are unusable, which is written once."""
        try:
            window = self._window()
        except _Unusable:
            return False
        change = window.next_change(self.at)
        if change is not None:
            self.changes.append(change)
        return window.is_open(self.at)

    def _window(self) -> SaleWindow:
        window = SaleWindow(self._instant("discount_from"), self._instant("discount_until"))
        if window.begins is not None and window.ends is not None and window.begins > window.ends:
            raise self._unusable(
                "discount_until",
                "M3.9",
                "the sale price ends before it begins",
                "Correct the dates; until then the price is sent without discount.",
                f"{window.begins.isoformat()}/{window.ends.isoformat()}",
                refused_by="channel",  # it knows no dates of a sale price
            )
        return window

    def _instant(self, name: str) -> datetime | None:
        match = self.matches.attributes.get(name) or _DATES[name]
        try:
            text = match.text(self.row)
        except MatchFailed as failure:
            raise self._unusable(name, "M3.9", str(failure), _REMEDY_OF_MATCH) from None
        if text is None:
            return None
        zone = ZoneInfo(self.feed.form.units.time_zone)
        try:
            return read_instant(text, zone, is_end=name == "discount_until")
        except DateInvalid as invalid:
            raise self._unusable(
                name,
                "M3.9",
                f"the date of the sale price is unusable: {invalid}",
                "Send it as 2026-01-31 or 2026-01-31T23:59:59Z; until then there is no discount.",
                text,
                refused_by="channel",
            ) from None

    def _countries(self, price: Decimal) -> tuple[list[CountryPrice], list[str]]:
        """The country prices, and the countries whose price is unusable."""
        prices, kept = [], []
        for country, match in self.matches.country_prices.items():
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
        if self.taken_countries is not None and self.taken_countries.find(country) is None:
            raise self._unusable(
                name,
                "M3.8",
                f"the category takes no price for {country}",
                f"Take it out of country_prices. Taken are: {self.taken_countries.shown()}.",
                given,
            )
        lowest = (price * LOWEST_COUNTRY_SHARE).quantize(_CENT, ROUND_CEILING)
        own = self._money(name, "M3.8", given, taken=(lowest, HIGHEST_PRICE))
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

    def _money(
        self, name: str, rule: str, given: Written, *, taken: tuple[Decimal, Decimal]
    ) -> Decimal:
        """The amount. Of one in another currency AliExpress sees the number alone, which it takes
        from the first to the second of `taken`."""
        form = self.feed.form
        try:
            amount = read_amount(given, form.units.decimal, currency=form.currency)
        except QuantityInvalid as invalid:
            least, most = taken
            is_taken = invalid.number is not None and least <= invalid.number <= most
            raise self._unusable(
                name,
                rule,
                f"the amount is unusable: {invalid}",
                f"Send a plain number in {form.currency}, such as 12{form.units.decimal}90.",
                given,
                refused_by="channel" if is_taken else "aliexpress",
            ) from None
        sent = amount.quantize(_CENT, ROUND_HALF_UP)
        if sent > HIGHEST_PRICE:
            remedy = "Check the value and the feed's units.decimal."
            raise self._unusable(name, rule, f"it is above {HIGHEST_PRICE}", remedy, given)
        return sent
