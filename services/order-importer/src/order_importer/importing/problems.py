"""What AliExpress's refusals to show orders mean, with the remedy. Pure."""

import re
from dataclasses import dataclass

from order_importer.shops.pauses import NOTHING_TO_DO


@dataclass(frozen=True)
class KnownProblem:
    """A refusal we can explain, recognised by AliExpress's code or a part of its message."""

    code: str | None
    message: str
    explanation: str
    remedy: str


KNOWN: tuple[KnownProblem, ...] = (
    KnownProblem(
        "F00-10-10000-001",
        "account not found",
        "AliExpress does not show this order to the seller's account.",
        "Nothing at first: each import reads it again. If it stays, look at the order and at the "
        "account's state in the AliExpress seller centre.",
    ),
    KnownProblem(
        "16009999",
        "系统异常|System exception",
        "AliExpress had an error of its own.",
        "Nothing: the import is tried again by itself.",
    ),
    KnownProblem(
        None,
        "AliExpress refuses our app",
        "AliExpress refuses the channel's own access, whatever is asked: no fault of the shop or "
        "of its orders.",
        NOTHING_TO_DO,
    ),
)


def find_known(problem: str | None) -> KnownProblem | None:
    """The refusal in a problem, by its code or its words; None when it is not known."""
    return next((known for known in KNOWN if _is_in(known, problem or "")), None)


def _is_in(known: KnownProblem, problem: str) -> bool:
    parts = filter(None, (known.code, known.message))
    return re.search("|".join(parts), problem) is not None
