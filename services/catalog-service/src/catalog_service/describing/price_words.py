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
_BEFORE = frozenset(["before", "vor", "avant", "antes", "prima", "voor"])
_WITHOUT = frozenset(["without", "ohne", "sans", "sin", "senza", "sem", "zonder"])


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


_VALID = re.compile(r"valid\w*|gultig\w*|valab\w*|vigen\w*|geldig\w*|wazn\w*")


def is_of_reduction(name: str) -> bool:
    """Whether a plain name has a word for a reduction, or for how long a price holds."""
    return any(_REDUCED.fullmatch(word) or _VALID.fullmatch(word) for word in name.split())
