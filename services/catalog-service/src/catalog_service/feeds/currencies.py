"""What a currency's sign or code may mean (ISO 4217). Pure.

Many signs are shared: `$` is the dollar of over twenty countries, `kr` of four. A shared sign means
the currency of whoever reads it when that is one of its meanings: a catalogue that is sold in
Canadian dollars writes them `$`. Where it is none of them, the amount is in another currency.
"""

import unicodedata
from collections.abc import Mapping

from common.errors import Refusal

_ISO_4217 = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP "
    "BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP "
    "GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR "
    "KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK "
    "MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR "
    "SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS "
    "UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG"
)

_MEANINGS: Mapping[str, str] = {
    "$": "USD ARS AUD BBD BMD BND BSD BZD CAD CLP COP CUP CVE DOP FJD GYD HKD JMD KYD LRD MXN NAD "
    "NZD SBD SGD SRD TTD TWD UYU XCD",
    "us$": "USD",
    "u$s": "USD",
    "usd$": "USD",
    "a$": "AUD",
    "au$": "AUD",
    "c$": "CAD NIO",
    "ca$": "CAD",
    "can$": "CAD",
    "hk$": "HKD",
    "mex$": "MXN",
    "mx$": "MXN",
    "nt$": "TWD",
    "nz$": "NZD",
    "r$": "BRL",
    "s$": "SGD",
    "€": "EUR",
    "euro": "EUR",
    "euros": "EUR",
    "£": "GBP EGP FKP GIP LBP SDG SHP SSP SYP",
    "¥": "CNY JPY",
    "cn¥": "CNY",
    "jp¥": "JPY",
    "元": "CNY",
    "rmb": "CNY",
    "円": "JPY",
    "₽": "RUB",
    "руб": "RUB BYN",
    "руб.": "RUB BYN",
    "р.": "RUB BYN",
    "₩": "KRW KPW",
    "₺": "TRY",
    "tl": "TRY",
    "zł": "PLN",
    "zl": "PLN",
    "kč": "CZK",
    "kr": "DKK ISK NOK SEK",
    "kr.": "DKK ISK NOK SEK",
    "fr": "CHF",
    "fr.": "CHF",
    "sfr": "CHF",
    "sfr.": "CHF",
    "ft": "HUF",
    "lei": "MDL RON",
    "лв": "BGN",
    "лв.": "BGN",
    "₴": "UAH",
    "грн": "UAH",
    "грн.": "UAH",
    "₸": "KZT",
    "₾": "GEL",
    "₼": "AZN",
    "₹": "INR",
    "rs": "INR LKR MUR NPR PKR SCR",
    "rs.": "INR LKR MUR NPR PKR SCR",
    "₪": "ILS",
    "฿": "THB",
    "₫": "VND",
    "đ": "VND",
    "₱": "PHP",
    "rm": "MYR",
    "rp": "IDR",
    "rp.": "IDR",
    "r": "ZAR",
    "₦": "NGN",
    "s/": "PEN",
    "s/.": "PEN",
    "dh": "AED MAD",
    "dhs": "AED MAD",
    "د.إ": "AED",
    "ر.س": "SAR",
}
"""Meanings by sign, in lower case and without blanks. What also counts (`K`, `M`) is left out."""
_CURRENCIES: Mapping[str, frozenset[str]] = {
    **{code.casefold(): frozenset({code}) for code in _ISO_4217.split()},
    **{sign: frozenset(codes.split()) for sign, codes in _MEANINGS.items()},
}


def currencies_of(mark: str) -> frozenset[str]:
    """The codes a sign or code may mean, in any case; empty when it is none."""
    plain = "".join(unicodedata.normalize("NFKC", mark).casefold().split())
    return _CURRENCIES.get(plain, frozenset())


def check_shop_currency(feed_currency: str, shop_currency: str | None) -> None:
    """Raise `Refusal` where a feed is in another currency than its shop; None: not known yet."""
    if shop_currency in {None, feed_currency}:
        return
    raise Refusal(
        f"the feed is in {feed_currency}, its shop sells in {shop_currency}",
        status=422,
        slug="foreign-currency",
        field="currency",
        rule="M3.9",
        remedy=f"Set currency: {shop_currency}, and match prices in {shop_currency}.",
    )
