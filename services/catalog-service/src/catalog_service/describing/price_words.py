"""Which price a column's name means: the usual one, a reduced one, one before a reduction. Pure.

Names are put together from few words: one for a price, and one beside it or before it in the same
word (Aktionspreis, prix promo, precio en oferta). Words as `names.plain_name` writes them.
"""

import re
from typing import Literal

PriceKind = Literal["price", "sale_price", "compare_price"]

_PRICE = re.compile(r"prices?|\w*preise?|vk|\w*prijs|prix|tarif|precio|pvp|prezzo|preco|cena")
_REDUCED = re.compile(
    r"(?:angebot|aktion|sonder|promo|rabatt|reduz|reduc|reduit|special|discount|rebaj|oferta|offert"
    r"|descuent|descont|scont|remise|actie|aanbieding|korting)\w*|sale|offer|soldes?|saldo|saldi"
)
_USUAL = re.compile(r"(?:regul|normal|habitu|ordinari)\w*|usual|standard|gewohnlich\w*")
_NET_WORDS = """net netto neto nett excl excluding excluded exclusive ht hors sin sans senza sem
    ohne bez zzgl exkl without"""
_TAX_WORDS = "tax taxes vat iva tva mwst ust steuer btw moms taxe imposto impuesto"
_NET = frozenset(_NET_WORDS.split())
_TAX = frozenset(_TAX_WORDS.split())
_NET_ALONE = frozenset(["net", "netto", "neto", "nett", "ht"])
_BEFORE = frozenset(["before", "vor", "avant", "antes", "prima", "voor"])
_WITHOUT = frozenset(["without", "ohne", "sans", "sin", "senza", "sem", "zonder"])
_VALID = re.compile(r"valid\w*|gultig\w*|valab\w*|vigen\w*|geldig\w*|wazn\w*")


def price_kind(name: str) -> PriceKind | None:
    """Which price a plain name means; None where it says none, or does not say which."""
    words = name.split()
    if not any(_PRICE.fullmatch(word) for word in words):
        return None
    if any(_REDUCED.fullmatch(word) for word in words):
        if not _WITHOUT.isdisjoint(words):
            return "price"
        return "sale_price" if _BEFORE.isdisjoint(words) else "compare_price"
    return "price" if any(_USUAL.fullmatch(word) for word in words) else None


def is_net(name: str) -> bool:
    """Whether a plain name says that a price is without tax, and not that it may be with it."""
    words = set(name.split())
    is_gross = not words.isdisjoint({"included", "incl", "inclusive", "brutto", "gross", "ttc"})
    says_net = not words.isdisjoint(_NET_ALONE)
    return not is_gross and (says_net or not (words.isdisjoint(_NET) or words.isdisjoint(_TAX)))


def is_of_reduction(name: str) -> bool:
    """Whether a plain name has a word for a reduction, or for how long a price holds."""
    return any(_REDUCED.fullmatch(word) or _VALID.fullmatch(word) for word in name.split())
