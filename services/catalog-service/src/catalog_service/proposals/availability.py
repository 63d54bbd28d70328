"""What a word of availability says of a stock beside it: something, nothing, or neither. Pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Literal

from catalog_service.describing.names import plain_name
from catalog_service.proposals.template_text import quoted

Says = Literal["some", "none", "unclear"]
MOST_OWN_WORDS = 20
LONGEST_WORD = 60

_ENGLISH = """0; n; no; f; false; off; out; out of stock; outofstock; out stock; oos; sold out;
    soldout; not in stock; not available; unavailable; no stock; no longer available;
    discontinued"""
_FURTHER = """nein; non; nee; nie; nej; нет; yok; hayır; 无; nicht auf lager; nicht lieferbar;
    nicht verfügbar; nicht vorrätig; ausverkauft; vergriffen; agotado; agotada; sin stock;
    sin existencias; no disponible; fuera de stock; sem estoque; sem stock; esgotado; esgotada;
    indisponível; esaurito; esaurita; non disponibile; rupture; en rupture; rupture de stock;
    en rupture de stock; épuisé; indisponible; non disponible; niet op voorraad; uitverkocht;
    niet beschikbaar; niedostępny; brak; brak w magazynie; wyprzedane; нет в наличии;
    отсутствует; stokta yok; tükendi; slutsåld; utsolgt; udsolgt; loppu; 缺货; 无货; 售罄"""


def _words(listed: str) -> frozenset[str]:
    """Each word as it is written, and without its accents."""
    written = [word.strip() for word in listed.split(";")]
    return frozenset([*written, *map(plain_name, written)])


_NONE_IN_ENGLISH = _words(_ENGLISH)
_NONE = _NONE_IN_ENGLISH | _words(_FURTHER) | {"none"}
_NONE_BEGINNINGS = re.compile(
    r"(?:out of|out stock|outofstock|sold ?out|not|un ?available|discontinued|nicht|kein|keine"
    r"|ausverkauft|vergriffen|no (?:hay|disp|longer|stock)|non disp|sin|sem|agotad|fuera|esgotad"
    r"|indisp|esaurit|(?:en )?rupture|epuise|niet|uitverkocht|niedostep|brak|wyprzedan|нет"
    r"|отсутств|законч|stokta yok|tukendi|slutsald|utsolgt|udsolgt|缺货|无货|售罄).*"
)
_NONE_WITHIN = re.compile(
    r"\b(?:out of stock|sold out|unavailable|not available|nicht (?:auf|lief|verf|vorr|mehr)"
    r"|ausverkauft|vergriffen|no disponible|sin stock|agotad|indispon|esaurit|non disponibil"
    r"|rupture|epuise|niet (?:op|besch|lever)|uitverkocht|esgotad|niedostep|нет в наличии)"
)
_SOME = re.compile(
    r"[1-9][0-9]*|y|yes|true|t|on|ja|oui|si|sim|tak|да|var|есть|evet|有|有货"
    r"|(?:in|en|em|a) ?(?:stock|estoque|existencias?|magazzino).*|instock|available.*|ready.*"
    r"|limited.*|low stock.*|few .*|auf lager.*|ab lager.*|(?:sofort )?lieferbar.*|verfugbar.*"
    r"|vorratig.*|noch .*|wenige.*|disponi.*|op voorraad.*|beschikbaar.*|dostepn.*|в наличии.*"
    r"|stokta.*|i lager.*|pa lager.*|varastossa.*"
)
_ENGLISH_SOME = re.compile(
    r"[0-9]*|y|yes|true|t|on|in ?stock|available|(?:on )?(?:pre|back) ?order|limited.*|low stock"
)


def says(word: str) -> Says:
    """What the word says of the stock, in the languages of sellers."""
    plain = plain_name(word)
    if plain in _NONE or _NONE_BEGINNINGS.fullmatch(plain) or _NONE_WITHIN.search(plain):
        return "none"
    return "some" if _SOME.fullmatch(plain) else "unclear"


def is_of_absence(name: str) -> bool:
    """Whether a column's name asks what is not to be had: its yes is a no."""
    return says(name) == "none"


def stock_template(availability: str, stock: str, words: Iterable[str]) -> str:
    """No stock where the availability says so, else the stock's own; both are expressions.

    `words` are the catalogue's own: those of them that say so are looked for, and others that
    files of its language may have.
    """
    seen = {_as_compared(word): says(word) for word in words}
    is_english = all(_is_english(word, said) for word, said in seen.items())
    known = _NONE_IN_ENGLISH if is_english else _NONE - {"none"}  # none is how null is written
    own = [word for word, said in seen.items() if said == "none" and _is_plain(word)]
    listed = known | set(own[:MOST_OWN_WORDS])
    word = f"({availability} | string | lower | replace('_', ' ') | replace('-', ' ') | trim)"
    sought = ", ".join(map(quoted, sorted(listed)))
    return "{{ 0 if " + f"{word} in [{sought}] else {stock} | default('')" + " }}"


def _is_plain(word: str) -> bool:
    """Whether a template can hold the word; a sentence is no word."""
    return len(word) <= LONGEST_WORD and word.isprintable() and "{" not in word


def _is_english(word: str, said: Says) -> bool:
    return word in _NONE_IN_ENGLISH if said == "none" else bool(_ENGLISH_SOME.fullmatch(word))


def _as_compared(word: str) -> str:
    """The word as the template makes it before it looks it up."""
    return word.lower().replace("_", " ").replace("-", " ").strip()


def clear_share(words: Mapping[str, int]) -> float:
    """The share of rows whose word says that there is some, or none."""
    clear = sum(count for word, count in words.items() if says(word) != "unclear")
    return clear / words_read if (words_read := sum(words.values())) else 0.0


def unclear_words(words: Mapping[str, int]) -> dict[str, int]:
    """The words that say neither, the most frequent first, and in how many rows each stands."""
    found = {word: count for word, count in words.items() if says(word) == "unclear"}
    return dict(sorted(found.items(), key=lambda item: -item[1]))
