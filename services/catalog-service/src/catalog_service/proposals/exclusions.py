"""Proposed exclusions: what is off in the catalogue, or is no parcel, stays off the shop. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from catalog_service.describing.formats import CatalogueFormat, documented_name
from catalog_service.describing.guess import Guess
from catalog_service.describing.names import plain_name
from catalog_service.describing.vocabulary import Role
from catalog_service.proposals.draft import SURE, Draft, reason
from catalog_service.proposals.yaml_lines import Value, flow

SURE_OF_STATUS = 0.9
SHOWN_WORDS = 5
_STATES: tuple[Role, ...] = ("status", "visibility")

_OFF_WORDS = """0; -1; false; no; n; draft; archived; inactive; disabled; discontinued; hidden; off;
    unpublished; private; deleted; trash; suspended; blocked; offline; invisible; not visible;
    inactivo; borrador; descatalogado; oculto; desactivado; despublicado; inaktiv; nein; entwurf;
    deaktiviert; gesperrt; versteckt; unsichtbar; inactif; non; brouillon; desactive; masque;
    inattivo; bozza; nascosto; inativo; rascunho; oculto; inactief; nee; verborgen; nieaktywny; nie;
    ukryty"""
_ON_WORDS = """1; true; yes; y; active; enabled; published; on; visible; online; live; for sale;
    available; both; catalog; search; catalog search; activo; si; publicado; habilitado; visible en;
    aktiv; ja; sichtbar; veroffentlicht; freigegeben; actif; oui; publie; attivo; pubblicato; ativo;
    sim; actief; zichtbaar; aktywny; tak; opublikowany"""


def _words(text: str) -> frozenset[str]:
    return frozenset(word.strip() for word in text.split(";"))


_OFF = _words(_OFF_WORDS)
_ON = _words(_ON_WORDS)
_OFF_OF_ROLE: Mapping[Role, frozenset[str]] = {"visibility": frozenset({"none", "nowhere"})}
_OFF_OF_NAME: Mapping[str, frozenset[str]] = {"product online": frozenset({"2"})}
"""Magento's `product_online` is 2 for what is disabled."""
_ALONE = "not visible individually"
"""What Magento says of the variations of a configurable product, and of parts of bundles."""

_NOT_SOLD: Mapping[CatalogueFormat, Mapping[str, Mapping[str, float]]] = {
    "woocommerce": {"Type": {"virtual": 0.98, "external": 0.98, "downloadable": 0.5}},
    "magento": {"product_type": {"virtual": 0.98, "downloadable": 0.98, "giftcard": 0.98}},
    "shopify": {"Gift Card": {"true": 0.98}, "Variant Requires Shipping": {"false": 0.98}},
    "prestashop": {"Virtual product": {"1": 0.98}, "Available for order": {"0": 0.98}},
    "amazon": {"update_delete": {"delete": 0.98}},
}
"""By format and column: words of what is no parcel, or is not sold there, and how sure that is.
WooCommerce's downloadable products are sent too, unless they are virtual as well."""
_PARTS = re.compile(r"[,|]")


@dataclass(frozen=True)
class _Exclusion:
    """A rule, the rows that it leaves out, and why."""

    field: str
    words: Sequence[str]
    rows: int
    sure: float
    why: str

    @property
    def rule(self) -> Mapping[str, Value]:
        """The rule as a configuration has it."""
        return {"field": self.field, "in": self.words}


def put_exclusions(draft: Draft) -> None:
    """Rows that their status, their visibility or their kind keeps off the shop: a rule, active
    where the column is documented."""
    found = [*_switched_off(draft), *_not_sold(draft)]
    sure = [each for each in found if each.sure >= SURE_OF_STATUS]
    unsure = [each for each in found if each.sure < SURE_OF_STATUS]
    if found:
        draft.lines.append("")
    for each in sure:
        draft.say(each.why)
    if sure:
        draft.put("exclude", _any_of(sure))
    for each in unsure:
        draft.say(f"unsure: {each.why}")
    if unsure:
        draft.offer("exclude", _any_of([*sure, *unsure]))
    for each in unsure:
        draft.wait(
            each.rows,
            "exclude",
            f"rows whose {each.field!r} is {flow(each.words)} may not be for sale",
            "Take the # away to leave them out" + (", instead of the line above." if sure else "."),
        )
    _wait_for_unknown_states(draft)
    _wait_for_invisible(draft)


def _any_of(exclusions: Sequence[_Exclusion]) -> Value:
    if len(exclusions) == 1:
        return exclusions[0].rule
    return {"any": [each.rule for each in exclusions]}


def _states(draft: Draft) -> Iterator[tuple[str, Guess]]:
    """The columns that say whether a row is for sale; the likeliest one also where it is likelier
    something else."""
    candidates = draft.description.candidates(*_STATES)
    seen: set[str] = set()
    for place, (name, guess) in enumerate(candidates):
        is_own = guess is draft.description.guesses[name][0]
        if name not in seen and (is_own or place == 0):
            seen.add(name)
            yield name, guess


def _is_off(word: str, name: str, guess: Guess) -> bool:
    plain = _plain_word(word)
    off = _OFF_OF_ROLE.get(guess.role, frozenset()) | _OFF_OF_NAME.get(
        plain_name(name), frozenset()
    )
    return plain in _OFF or plain in off


def _plain_word(word: str) -> str:
    """A word without accents and signs; a number as it stands, with its minus."""
    return word.strip() if word.strip().lstrip("-").isdigit() else plain_name(word)


def _switched_off(draft: Draft) -> Iterator[_Exclusion]:
    for name, guess in _states(draft):
        counts = draft.description.columns[name].distinct
        words = [word for word in counts if _is_off(word, name, guess)]
        if words:
            rows = sum(counts[word] for word in words)
            why = f"{reason(guess)}; leaves out {rows} rows"
            yield _Exclusion(name, words, rows, guess.sure, why)


def _not_sold(draft: Draft) -> Iterator[_Exclusion]:
    """What its format's documentation calls no parcel, or not sold."""
    documented = _NOT_SOLD.get(draft.description.format, {})
    for name, column in draft.description.columns.items():
        known = documented_name(draft.description.format, name).partition(" (")[0]
        rated = {word: _rate(word, documented.get(known, {})) for word in column.distinct}
        for sure in sorted({rate for rate in rated.values() if rate}, reverse=True):
            words = [word for word, rate in rated.items() if rate == sure]
            rows = sum(column.distinct[word] for word in words)
            why = f"a column of {draft.description.format}'s documentation: {flow(words)} is"
            why = f"guess, {sure:.2f} sure: {why} no parcel, or not sold; leaves out {rows} rows"
            yield _Exclusion(name, words, rows, sure, why)


def _rate(word: str, known: Mapping[str, float]) -> float:
    parts = (part.strip().casefold() for part in _PARTS.split(word))
    return max((known.get(part, 0.0) for part in parts), default=0.0)


def _wait_for_unknown_states(draft: Draft) -> None:
    """States that are neither known to be on nor to be off: they are sold, so they are open."""
    for name, guess in _states(draft):
        counts = draft.description.columns[name].distinct
        unknown = [word for word in counts if not _is_known(word, name, guess)]
        if guess.sure >= SURE and unknown:
            draft.wait(
                sum(counts[word] for word in unknown),
                "exclude",
                f"rows whose {name!r} is {flow(unknown[:SHOWN_WORDS])}: what it means is not known,"
                " and they are sold",
                "Leave them out by `exclude` if they are not for sale.",
            )


def _is_known(word: str, name: str, guess: Guess) -> bool:
    plain = _plain_word(word)
    return plain in _ON or plain == _ALONE or _is_off(word, name, guess)


def _wait_for_invisible(draft: Draft) -> None:
    """Magento's rows that are not visible and no variations: parts of bundles, or withdrawn."""
    if draft.description.format != "magento":
        return
    kept = draft.description.kept
    alone = sum(
        row.parent_id is None and plain_name(str(row.fields.get("visibility") or "")) == _ALONE
        for row in kept
    )
    draft.wait(
        round(alone * draft.rows / len(kept)) if kept else 0,
        "exclude",
        "rows that are Not Visible Individually, and no variation of a product that was read",
        "Leave them out by `exclude`, by their sku, if they are not sold by themselves.",
    )
