"""Proposed SKU code, prices, sale dates, stock and barcode: a product's offer side. Pure."""

from collections.abc import Iterator, Mapping

from catalog_service.describing.describe import LEAST_SURE
from catalog_service.describing.guess import Guess
from catalog_service.describing.shapes import number_of
from catalog_service.describing.vocabulary import Role
from catalog_service.proposals.availability import (
    clear_share,
    is_of_absence,
    says,
    stock_template,
    unclear_words,
)
from catalog_service.proposals.draft import NOTHING, SURE, Draft, reason
from catalog_service.proposals.identities import wait_for_sku_codes
from catalog_service.proposals.named_columns import named_columns
from catalog_service.proposals.sale_periods import other_dates, put_sale_dates
from catalog_service.proposals.texts import field_expression
from catalog_service.proposals.yaml_lines import Value

Column = tuple[str, Guess]
MOSTLY = 0.9
SHOWN_WORDS = 5


def put_sku(draft: Draft) -> None:
    """The SKU code; the row's own id where the column has none."""
    best = draft.sure_column("sku")
    if best is None:
        draft.put(
            "sku_code",
            {"field": "product_id"},
            2,
            why="the row's own id: no filled column is surely a SKU. It has to stay for ever",
        )
        wait_for_sku_codes(draft, None, _parents(draft))
        return
    name, guess = best
    if draft.lacking(name) and name != draft.description.families.id_field:
        value = "{{ " + field_expression(name) + " | default(product_id, true) }}"
        draft.put(
            "sku_code",
            {"template": value},
            2,
            why=f"{reason(guess)}; {draft.lacking(name)} rows have none and take their own id",
        )
    else:
        draft.put("sku_code", {"field": name}, 2, why=reason(guess))
    wait_for_sku_codes(draft, name, _parents(draft))


def put_prices(draft: Draft) -> None:
    """Price and discounted price: which of two columns is the lower one is seen in the rows."""
    price = draft.sure_column("price")
    higher = draft.sure_column("compare_price")
    lower = draft.sure_column("sale_price")
    usual, reduced = _usual_and_reduced(price, higher, lower)
    if usual is None:
        _no_price(draft)
        return
    if usual is lower and _may_be_usual(draft, usual[0]):
        _no_price(draft, "price", "compare_price")
        why = f"{reason(usual[1])}; not the price: another column may be"
        draft.offer("discount_price", {"field": usual[0]}, 2, why=why)
        return
    if reduced is None:
        draft.put("price", {"field": usual[0]}, 2, why=reason(usual[1]))
        _wait_for_prices(draft, usual[0])
        return
    share = _share_lower(draft, usual[0], reduced[0])
    if share is not None and share < MOSTLY:
        draft.put("price", {"field": usual[0]}, 2, why=reason(usual[1]))
        draft.offer(
            "discount_price",
            {"field": reduced[0]},
            2,
            why=f"unsure: only in {share:.0%} of rows with both it is not above {usual[0]!r}",
        )
        _wait_for_prices(draft, usual[0])
        return
    if draft.lacking(usual[0]) > draft.lacking(reduced[0]):
        other = f"{field_expression(reduced[0])} | default('')"
        template = f"{field_expression(usual[0])} | default({other}, true)"  # blank ones too
        draft.put(
            "price",
            {"template": "{{ " + template + " }}"},
            2,
            why=f"{reason(usual[1])}; where it is empty there is no discount",
        )
        _wait_for_prices(draft, reduced[0])
    else:
        draft.put("price", {"field": usual[0]}, 2, why=reason(usual[1]))
        _wait_for_prices(draft, usual[0])
    _put_discount(draft, reduced)


def _put_discount(draft: Draft, reduced: Column) -> None:
    """The reduced price and its dates; a comment where dates are not known for what they are."""
    name, guess = reduced
    put_sale_dates(draft)
    dates = other_dates(draft)
    if dates is None:
        draft.put("discount_price", {"field": name}, 2, why=reason(guess))
        return
    why = f"unsure: {dates!r} may say when it holds; match discount_from or discount_until first"
    draft.offer("discount_price", {"field": name}, 2, why=f"{why}; {reason(guess)}")
    draft.wait(
        draft.description.columns[name].filled,
        "attributes.discount_price",
        f"{dates!r} may say when the prices in {name!r} hold: they are not used",
        "Match discount_from or discount_until to it if so, then take the # from discount_price.",
    )


def _usual_and_reduced(
    price: Column | None, higher: Column | None, lower: Column | None
) -> tuple[Column | None, Column | None]:
    """Which column is the usual price, and which the reduced one."""
    if higher is not None and price is not None and lower is None:
        return higher, price
    if price is not None:
        return price, lower
    if higher is not None:
        return higher, lower
    return lower, None


def _share_lower(draft: Draft, usual: str, reduced: str) -> float | None:
    """Of the rows that have both, the share in which the reduced price is not above the usual."""
    pairs = list(_pairs(draft, usual, reduced))
    return sum(low <= high for high, low in pairs) / len(pairs) if pairs else None


def _pairs(draft: Draft, usual: str, reduced: str) -> Iterator[tuple[float, float]]:
    sign = draft.description.decimal.sign
    for row in draft.description.kept:
        high = number_of(str(row.fields.get(usual) or ""), sign)
        low = number_of(str(row.fields.get(reduced) or ""), sign)
        if high and low:
            yield high, low


def _may_be_usual(draft: Draft, reduced: str) -> bool:
    """Whether a column that is not surely the price is likelier that than anything else."""
    description = draft.description
    return any(
        name != reduced and guess is description.guesses[name][0] and guess.sure >= LEAST_SURE
        for name, guess in description.candidates("price", "compare_price")
    )


def _no_price(draft: Draft, *roles: Role) -> None:
    wanted = roles or ("price", "compare_price", "sale_price")
    for name, guess in draft.unsure_columns(*wanted):
        draft.offer("price", {"field": name}, 2, why=f"unsure: {reason(guess)}")
    draft.put("price", NOTHING, 2, why="OPEN: no column is surely the price")
    draft.wait(
        draft.rows, "attributes.price", "no column is surely the price", "Name the column (M3.9)."
    )


def _wait_for_prices(draft: Draft, name: str) -> None:
    """Rows without a price, children or not; parents are to have none (M4.3)."""
    profile = draft.description.columns[name]
    share = 1.0 - profile.share("number", "amount_mark")
    draft.wait(
        round(share * profile.filled),
        "attributes.price",
        f"rows whose {name!r} is no amount",
        "Correct them in the catalogue: a price is read whole or not at all.",
    )
    draft.wait(
        max(draft.lacking(name) - _parents(draft), 0),
        "attributes.price",
        f"rows without a price in {name!r}, parents left out",
        "Fill them, or match another column.",
    )


def _parents(draft: Draft) -> int:
    """How many rows are parents, which have no offer of their own; of the rows that were kept."""
    families = draft.description.families
    if families.kind == "parents":
        return families.parents
    kept = draft.description.kept
    parents = {row.parent_id for row in kept if row.parent_id is not None}
    return round(len(parents) * draft.rows / len(kept)) if kept else 0


def put_stock(draft: Draft) -> None:
    """The stock; a column that only says yes or no leaves the number open."""
    best = draft.sure_column("stock")
    if best is not None:
        _put_numbers(draft, best)
        draft.wait(
            max(draft.lacking(best[0]) - _parents(draft), 0),
            "attributes.inventory",
            f"rows without a stock in {best[0]!r}, parents left out",
            "Fill them, or give the match a default: what has no stock is not created (M4.3).",
        )
        return
    words = draft.sure_column("availability")
    if words is not None and not is_of_absence(words[0]):
        values = _stock_of(draft.description.columns[words[0]].distinct)
        draft.offer(
            "inventory",
            {"map": {"from": words[0], "values": values}},
            2,
            why=f"OPEN: no column has numbers of stock; say what each word of {words[0]!r} is",
        )
    else:
        draft.offer("inventory", {"constant": 1}, 2, why="OPEN: no column is surely the stock")
    for name, guess in draft.unsure_columns("stock"):
        draft.offer("inventory", {"field": name}, 2, why=f"unsure: {reason(guess)}")
    draft.wait(
        draft.rows,
        "attributes.inventory",
        "no column has numbers of stock",
        "Name a column, or say how many pieces each word means: a new product needs some (M4.3).",
    )


def _put_numbers(draft: Draft, stock: Column) -> None:
    """The column of numbers; 0 where another one says that there is nothing to be had."""
    name, guess = stock
    words = _availability_beside(draft, name)
    if words is None or not _is_clear(draft, words):
        draft.put("inventory", {"field": name}, 2, why=reason(guess))
        if words is not None:
            _wait_for_availability(draft, words, name)
        return
    distinct = draft.description.columns[words].distinct
    template = stock_template(_word_expression(draft, words), field_expression(name), distinct)
    none = sum(count for word, count in distinct.items() if says(word) == "none")
    why = f"{reason(guess)}; 0 where {words!r} says that there is none ({none} rows now)"
    draft.put("inventory", {"template": template}, 2, why=why)
    _wait_for_unclear(draft, words, name)


def _availability_beside(draft: Draft, stock: str) -> str | None:
    """The column that is named as if it said, in words, whether something is to be had."""
    guessed = [
        name
        for name, guess in draft.description.candidates("availability")
        if guess is draft.description.guesses[name][0]
    ]
    others = (name for name in [*guessed, *named_columns(draft, "availability")] if name != stock)
    return next(others, None)


def _is_clear(draft: Draft, words: str) -> bool:
    """Whether most of its words are known; where its name asks for the contrary none is."""
    profile = draft.description.columns[words]
    best = draft.description.guesses[words]
    is_sure = any(guess.role == "availability" and guess.sure >= SURE for guess in best)
    return not is_of_absence(words) and (is_sure or clear_share(profile.distinct) >= MOSTLY)


def _word_expression(draft: Draft, name: str) -> str:
    """The row's word; its parent's, where children have none of their own."""
    own = f"{field_expression(name)} | default('')"
    column, children = draft.description.columns[name], draft.description.families.children
    if children and not column.filled_in_children:
        return f"{own.replace('fields', 'parent', 1)} | default({own})"
    return own


def _wait_for_availability(draft: Draft, words: str, stock: str) -> None:
    draft.wait(
        draft.description.columns[words].filled,
        "attributes.inventory",
        f"{words!r} may say what is not to be had, whatever {stock!r} says",
        "Fill inventory by a template that gives 0 where it says so, if it does.",
    )


def _wait_for_unclear(draft: Draft, words: str, stock: str) -> None:
    unclear = unclear_words(draft.description.columns[words].distinct)
    shown = ", ".join(map(repr, list(unclear)[:SHOWN_WORDS]))
    draft.wait(
        sum(unclear.values()),
        "attributes.inventory",
        f"rows whose {words!r} says neither that there is some nor that there is none ({shown}):"
        f" they are sold by {stock!r}",
        "Add the words to the list in inventory's template where there is nothing to sell.",
    )


def _stock_of(words: Mapping[str, int]) -> Mapping[str, Value]:
    """How many pieces each word seems to mean; an unclear one means none."""
    return {
        word: 1 if says(word) == "some" else 0
        for word in sorted(words, key=lambda each: -words[each])[:10]
    }


def put_barcode(draft: Draft) -> None:
    """The barcode, where a column has some."""
    best = draft.sure_column("ean")
    if best is not None:
        draft.put("ean_code", {"field": best[0]}, 2, why=reason(best[1]))
