"""Proposed SKU code, prices, sale dates, stock and barcode: a product's offer side. Pure."""

from collections.abc import Callable, Iterator, Mapping

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
from catalog_service.proposals.columns import named_columns, of_all_rows, without_blanks
from catalog_service.proposals.draft import NOTHING, SURE, Draft, reason
from catalog_service.proposals.identities import wait_for_sku_codes
from catalog_service.proposals.reductions import offer_reductions
from catalog_service.proposals.sale_periods import has_sale_dates, other_dates, put_sale_dates
from catalog_service.proposals.template_text import amount_expression
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
    if usual is higher and price is None and _may_be_usual(draft, usual[0], "price"):
        _no_price(draft)
        return
    if usual is lower and _may_be_usual(draft, usual[0], "price", "compare_price"):
        _no_price(draft, "price", "compare_price")
        why = f"{reason(usual[1])}; not the price: another column may be"
        draft.offer("discount_price", {"field": usual[0]}, 2, why=why)
        return
    if reduced is None:
        draft.put("price", {"field": usual[0]}, 2, why=reason(usual[1]))
        _wait_for_prices(draft, usual[0])
        if usual is lower:
            _wait_for_sole_price(draft, usual[0])
        offer_reductions(draft, usual[0])
    elif usual is higher and reduced is price:
        _put_compared(draft, usual, reduced)
    else:
        _put_pair(draft, usual, reduced, is_compared=usual is higher)


def _wait_for_sole_price(draft: Draft, name: str) -> None:
    draft.wait(
        draft.description.columns[name].filled if has_sale_dates(draft) else 0,
        "attributes.price",
        f"{name!r} is the only price, and dates say when it holds: it is sent without an end",
        "Match price to a column with the usual price.",
    )


def _put_pair(draft: Draft, usual: Column, reduced: Column, *, is_compared: bool) -> None:
    """A usual price, and a reduced one beside it."""
    share = _share_lower(draft, usual[0], reduced[0])
    is_unsure = share is not None and share < MOSTLY
    is_scarcer = draft.lacking(usual[0]) > draft.lacking(reduced[0])
    if is_unsure or has_sale_dates(draft) or not (is_compared or is_scarcer):
        draft.put("price", {"field": usual[0]}, 2, why=reason(usual[1]))
        _wait_for_prices(draft, usual[0])
    else:
        template = _usual_template(draft, usual[0], reduced[0], is_compared=is_compared)
        why = f"{reason(usual[1])}; where it is empty there is no discount"
        draft.put("price", {"template": template}, 2, why=why)
        _wait_for_prices(draft, reduced[0] if is_scarcer else usual[0])
    if share is not None and is_unsure:
        _offer_sale_price(draft, usual[0], reduced[0], share)
    else:
        _put_discount(draft, usual[0], reduced)


def _usual_template(draft: Draft, usual: str, reduced: str, *, is_compared: bool) -> str:
    """The usual price; the reduced one where there is none, or none above it to compare with."""
    if is_compared:
        high, low = _amounts(draft, usual, reduced)
        chosen = f"{field_expression(reduced)} if {high} <= {low} and {low} > 0"
        return "{{ " + f"{chosen} else {field_expression(usual)} | default('')" + " }}"
    other = f"{field_expression(reduced)} | default('')"
    return "{{ " + f"{field_expression(usual)} | default({other}, true)" + " }}"  # blank ones too


def _put_compared(draft: Draft, higher: Column, price: Column) -> None:
    """A price, and one that it is compared with: a reduction where that one is above it."""
    compared, (name, guess) = higher[0], price
    above = _rows_with(draft, compared, name, lambda high, low: low < high)
    share = _share_lower(draft, compared, name)
    _wait_for_prices(draft, name)
    doubt = ""
    if has_sale_dates(draft):
        doubt = "dates say when a reduction holds, not what the price is then"
    elif share is not None and share < MOSTLY:
        doubt = f"only in {share:.0%} of rows with both it is not below {name!r}"
    template = _compared_template(draft, compared, name)
    if not doubt:
        why = f"{reason(higher[1])}; where it is above {name!r}, else there is no discount"
        draft.put("price", {"template": template}, 2, why=why)
        draft.put("discount_price", {"field": name}, 2, why=reason(guess))
        return
    draft.put("price", {"field": name}, 2, why=reason(guess))
    draft.offer(
        "price", {"template": template}, 2, why=f"unsure, in its place: {compared!r} {doubt}"
    )
    draft.offer("discount_price", {"field": name}, 2, why="and this with it")
    draft.wait(
        above,
        "attributes.discount_price",
        f"rows whose {compared!r} is above {name!r}: sent without a discount, since {doubt}",
        "Take the # from both lines if it is the price before a reduction.",
    )


def _compared_template(draft: Draft, compared: str, price: str) -> str:
    """The price that is compared with where it is above the price, else the price."""
    high, low = _amounts(draft, compared, price)
    chosen, other = field_expression(compared), field_expression(price)
    return "{{ " + f"{chosen} if 0 < {low} < {high} else {other} | default('')" + " }}"


def _amounts(draft: Draft, *names: str) -> list[str]:
    """The columns' amounts as expressions, by all the marks that stand beside them."""
    columns, sign = draft.description.columns, draft.description.decimal.sign
    texts = [text for name in names for text in columns[name].texts]
    return [amount_expression(name, texts, sign) for name in names]


def _offer_sale_price(draft: Draft, usual: str, reduced: str, share: float) -> None:
    """A sale price that is too often above the price to be one: a comment, and its dates."""
    put_sale_dates(draft)
    lower = _rows_with(draft, usual, reduced, lambda high, low: low < high)
    above = _rows_with(draft, usual, reduced, lambda high, low: low > high)
    why = f"only in {share:.0%} of rows with both it is not above {usual!r}"
    draft.offer("discount_price", without_blanks(draft, reduced), 2, why=f"unsure: {why}")
    draft.wait(
        lower or above,
        "attributes.discount_price",
        f"{reduced!r} is not above {usual!r} in {share * 100:.0f} % of rows with both alone,"
        f" {lower} have a lower one: sent without a discount",
        "Take the # from discount_price if it is a sale price; exchange the columns if it is not.",
    )


def _put_discount(draft: Draft, usual: str, reduced: Column) -> None:
    """The reduced price and its dates; a comment where dates are not known for what they are."""
    name, guess = reduced
    put_sale_dates(draft)
    dates = other_dates(draft)
    match = without_blanks(draft, name)
    if dates is None:
        draft.put("discount_price", match, 2, why=reason(guess))
        draft.wait(
            _rows_with(draft, usual, name, lambda high, low: low > high),
            "attributes.discount_price",
            f"rows whose {name!r} is above {usual!r}: they are not sent",
            "Correct them in the catalogue, or leave discount_price out.",
        )
        return
    why = f"unsure: {dates!r} may say when it holds; match discount_from or discount_until first"
    draft.offer("discount_price", match, 2, why=f"{why}; {reason(guess)}")
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


def _rows_with(
    draft: Draft, usual: str, reduced: str, holds: Callable[[float, float], bool]
) -> int:
    """How many rows have both prices, and such ones."""
    found = sum(holds(high, low) for high, low in _pairs(draft, usual, reduced))
    return of_all_rows(draft, found)


def _pairs(draft: Draft, usual: str, reduced: str) -> Iterator[tuple[float, float]]:
    sign = draft.description.decimal.sign
    for row in draft.description.kept:
        high = number_of(str(row.fields.get(usual) or ""), sign)
        low = number_of(str(row.fields.get(reduced) or ""), sign)
        if high and low:
            yield high, low


def _may_be_usual(draft: Draft, instead: str, *roles: Role) -> bool:
    """Whether another column that is not surely the price is likelier that than anything else."""
    description = draft.description
    return any(
        name != instead and guess is description.guesses[name][0] and guess.sure >= LEAST_SURE
        for name, guess in description.candidates(*roles)
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
    columns = draft.description.columns
    named = [*guessed, *named_columns(draft, "availability")]
    others = (name for name in named if name != stock and columns[name].share("date") < MOSTLY)
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
