"""How AliExpress refuses our app, and what an operator does about each. Pure.

Such a refusal holds for whatever is asked, comes before anything is done, and says nothing of the
request: it must never count against a product, an order, a merchant or a token.
"""

from collections.abc import Iterable
from fnmatch import fnmatchcase

import msgspec


class AppRefusal(msgspec.Struct, frozen=True):
    """A way to refuse the app.

    `codes` are error codes and sub-codes of either gateway, in any case, `*` for any end; `words`
    are parts of a message that comes without a code we know.
    """

    codes: tuple[str, ...]
    words: tuple[str, ...]
    meaning: str
    remedy: str


ADDRESS = AppRefusal(
    ("AppWhiteIpLimit", "isv.permission-ip-whitelist-*"),
    ("appwhiteiplimit", "ip whitelist", "ip white list"),
    "The address that our services call from is not on the app's list.",
    "Add the addresses the services call from to the app's IP whitelist in AliExpress's console.",
)
PERMISSION = AppRefusal(
    (
        "11", "12", "13", "InsufficientPermission*", "isv.insufficient-permission*",
        "isv.insufficient-*-permission*", "isv.permission-*",
    ),
    (
        "insufficient isv permission", "insufficient user permission",
        "insufficient partner permission",
    ),
    "The app lacks the permission for the method, or the seller's agreement does not cover it.",
    "Look at the app's state and its API permissions in AliExpress's console, and apply for those "
    "of the method; where one seller alone is refused, that shop's merchant connects it again.",
)  # fmt: skip
_CREDENTIALS = (
    "Compare `…_APP_KEY` and `…_APP_SECRET` of every service with the app's page in AliExpress's "
    "console (was the secret reset?), correct them and restart the services."
)
KEY = AppRefusal(
    (
        "28", "29", "InvalidAppKey", "AppKeyNotExist*", "isv.appkey-not-exist*",
        "isv.invalid-app*key", "invalid_client", "unauthorized_client",
    ),
    ("app key", "app_key", "appkey"),
    "AliExpress does not know the app key.",
    _CREDENTIALS,
)  # fmt: skip
SIGNATURE = AppRefusal(
    (
        "24", "25", "IncompleteSignature", "InvalidSignature", "isv.invalid-signature",
        "isv.missing-signature",
    ),
    ("invalid signature", "missing signature", "signature does not conform"),
    "The signature is not the app's: the app secret is wrong.",
    _CREDENTIALS,
)  # fmt: skip
APP_REFUSALS = (ADDRESS, PERMISSION, KEY, SIGNATURE)
"""The first that matches counts: an address is named by a permission's code, too."""


def find_by_code(codes: Iterable[str]) -> AppRefusal | None:
    """The refusal of the app that one of `codes` stands for, the most telling code first."""
    for code in codes:
        for refusal in APP_REFUSALS:
            if any(fnmatchcase(code.casefold(), known.casefold()) for known in refusal.codes):
                return refusal
    return None


def find_by_words(message: str) -> AppRefusal | None:
    """The refusal of the app that a message speaks of."""
    text = message.casefold()
    for refusal in APP_REFUSALS:
        if any(words in text for words in refusal.words):
            return refusal
    return None
