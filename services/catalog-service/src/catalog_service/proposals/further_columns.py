"""Columns beside the one that a line of the draft names: other prices, categories. Pure."""

from catalog_service.describing.describe import LEAST_SURE
from catalog_service.describing.names import plain_name
from catalog_service.describing.price_words import is_net
from catalog_service.proposals.draft import SURE, Draft, reason

_PRICE = "attributes.price"


def put_further_prices(draft: Draft) -> None:
    """Other columns of prices as comments: which one buyers pay is open where they differ; and a
    price without tax is open where there is no other."""
    best = draft.sure_column("price")
    if best is None:
        return
    chosen = best[0]
    if is_net(plain_name(chosen)):
        draft.wait(
            draft.description.columns[chosen].filled,
            _PRICE,
            f"the prices of {chosen!r} are without tax by their name",
            "Match a column of prices with tax, or add it by a template: buyers pay what is sent.",
        )
    for name, guess in draft.description.candidates("price"):
        is_own = guess is draft.description.guesses[name][0]
        if name == chosen or not is_own or guess.sure < SURE:
            continue
        draft.offer("price", {"field": name}, 2, why=f"not taken: {reason(guess)}")
        if not is_net(plain_name(name)):
            _wait_for_other_price(draft, chosen, name)


def _wait_for_other_price(draft: Draft, chosen: str, other: str) -> None:
    kept = draft.description.kept
    differing = sum(
        bool(row.fields.get(chosen) and row.fields.get(other))
        and row.fields[chosen] != row.fields[other]
        for row in kept
    )
    draft.wait(
        round(differing * draft.rows / len(kept)) if kept else 0,
        _PRICE,
        f"rows whose {other!r} is another price than their {chosen!r}, which is taken",
        "Check which of the two buyers pay, and match that one.",
    )


def offer_categories(draft: Draft) -> None:
    """Columns that may be the category where none surely is: comments, and an open point."""
    if draft.sure_column("category") is not None:
        return
    unsure = [
        (name, guess)
        for name, guess in draft.unsure_columns("category")
        if guess.sure >= LEAST_SURE and guess is draft.description.guesses[name][0]
    ]
    for name, guess in unsure:
        draft.offer("source", {"field": name}, 2, why=f"unsure: {reason(guess)}")
        separator = draft.description.columns[name].path_separator()
        if separator is not None:
            draft.offer("separator", separator, 2)
    names = ", ".join(repr(name) for name, _ in unsure)
    draft.wait(
        draft.rows if unsure else 0,
        "category.source",
        f"no column is surely a category; {names} may be one",
        "Name it as the source, with its separator, and propose the leaves of its paths.",
    )
