"""For whom this process acts on the database: a merchant, everybody, or nobody.

Postgres shows a session the rows of the merchant its setting `channel.merchant` names
(`row_security`). A pool's connection is given the setting of the task that acquires it: jobs and
consumers act for everybody, a request for nobody until its route knows for whom (rule X1).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

SETTING = "channel.merchant"
EVERYBODY = "*"
"""No merchant's id: those have no asterisk."""
NOBODY = ""

_merchant: ContextVar[str] = ContextVar("acting_for", default=EVERYBODY)


def current_merchant() -> str:
    """The id of the merchant this task acts for, `EVERYBODY` or `NOBODY`."""
    return _merchant.get()


def act_for(merchant_id: str) -> None:
    """Act for this merchant from here on, in this task and those it starts."""
    _merchant.set(merchant_id)


@contextmanager
def acting_for(merchant_id: str) -> Iterator[None]:
    """Act for this merchant within the block; whatever `act_for` says inside ends with it."""
    token = _merchant.set(merchant_id)
    try:
        yield
    finally:
        _merchant.reset(token)
