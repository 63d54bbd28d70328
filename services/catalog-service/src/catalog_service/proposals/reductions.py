"""What may reduce a price and is not taken by itself: lines to take, and open points. Pure."""

from collections.abc import Iterator

from catalog_service.describing.names import meanings_of, plain_name
from catalog_service.describing.price_words import is_of_reduction, price_kind
from catalog_service.describing.shapes import is_no_value, number_of
from catalog_service.describing.vocabulary import Role
from catalog_service.proposals.columns import of_all_rows, without_blanks
from catalog_service.proposals.draft import SURE, Draft, reason
from catalog_service.proposals.sale_periods import put_sale_dates
from catalog_service.proposals.template_text import amount_expression
from catalog_service.proposals.yaml_lines import Value

MOST_LINES = 3
_PER_CENT = frozenset(
    {
        *("percent", "percentage", "prozent", "pct", "porcentaje", "percentuale"),
        *("pourcentage", "porcentagem", "procent"),
    }
)
_OTHER_ROLES: frozenset[Role] = frozenset(
    {"sale_price", "compare_price", "cost", "sale_begins", "sale_ends", "sale_dates", "currency"}
)


def offer_reductions(draft: Draft, price: str) -> None:
    """Columns that may hold a reduced price, or by how much it is reduced, beside a price."""
    lines = [*_sale_prices(draft, price), *_discounts(draft, price)][:MOST_LINES]
    if lines:
        put_sale_dates(draft)  # so that a line that is taken ends when it should
    for name, products, match, why in lines:
        draft.offer("discount_price", match, 2, why=f"unsure: {why}")
        draft.wait(
            products,
            "attributes.discount_price",
            f"rows whose {name!r} may reduce the price: sent without a discount",
            "Take the # from the line in discount_price if it does.",
        )


_Line = tuple[str, int, Value, str]


def _sale_prices(draft: Draft, price: str) -> Iterator[_Line]:
    """Columns that are not surely sale prices, and hold amounts below the price."""
    for name, guess in draft.description.candidates("sale_price"):
        is_main = guess is draft.description.guesses[name][0]
        if name == price or guess.sure >= SURE or not is_main:
            continue
        if products := _rows_below(draft, name, price):
            yield name, products, without_blanks(draft, name), reason(guess)


def _rows_below(draft: Draft, name: str, price: str) -> int:
    sign = draft.description.decimal.sign
    found = 0
    for row in draft.description.kept:
        low = number_of(str(row.fields.get(name) or ""), sign)
        high = number_of(str(row.fields.get(price) or ""), sign)
        found += bool(low and high and low < high)
    return of_all_rows(draft, found)


def _discounts(draft: Draft, price: str) -> Iterator[_Line]:
    """Columns that say by how much the price is reduced, as an amount or in per cent."""
    for name in draft.description.columns:
        if name != price and _is_discount(draft, name):
            is_share = _is_per_cent(draft, name)
            unit = "per cent" if is_share else "an amount"
            template = _discount_template(draft, name, price, is_share=is_share)
            why = f"{name!r} may say by how much the price is reduced, {unit}"
            yield name, _reduced_rows(draft, name), {"template": template}, why


def _is_discount(draft: Draft, name: str) -> bool:
    profile, plain = draft.description.columns[name], plain_name(name)
    if not is_of_reduction(plain):
        return False
    if profile.texts and sum("%" in text for text in profile.texts) >= SURE * len(profile.texts):
        return _reduced_rows(draft, name) > 0  # whatever its name says
    if price_kind(plain) is not None or any(
        meaning.role in _OTHER_ROLES for meaning in meanings_of(name)[:1]
    ):
        return False
    is_flag = profile.share("boolean") >= SURE and len(profile.distinct) <= 2
    return not is_flag and _reduced_rows(draft, name) > 0


def _reduced_rows(draft: Draft, name: str) -> int:
    """In how many rows the column has a number that is not 0."""
    sign = draft.description.decimal.sign
    distinct = draft.description.columns[name].distinct
    return sum(count for word, count in distinct.items() if _says_how_much(word, sign))


def _says_how_much(word: str, sign: str) -> bool:
    text = word.replace("%", "").strip().removeprefix("-").strip()
    return not is_no_value(text) and bool(number_of(text, sign))


def _is_per_cent(draft: Draft, name: str) -> bool:
    texts = draft.description.columns[name].texts
    is_named = "%" in name or not _PER_CENT.isdisjoint(plain_name(name).split())
    return is_named or any("%" in text for text in texts)


def _discount_template(draft: Draft, name: str, price: str, *, is_share: bool) -> str:
    """The price less the discount; nothing where there is none, or nothing would be left."""
    sign, columns = draft.description.decimal.sign, draft.description.columns
    whole = amount_expression(price, columns[price].texts, sign)
    less = f"({amount_expression(name, ['%', *columns[name].texts], sign)} | abs)"
    most = "100" if is_share else whole
    left = f"{whole} * (100 - {less}) / 100" if is_share else f"{whole} - {less}"
    return "{{ " + f"({left}) | round(2) if 0 < {less} < {most} else ''" + " }}"
