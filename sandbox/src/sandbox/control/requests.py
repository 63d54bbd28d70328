"""What every control reads from its request and answers with."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from sandbox.sellers import SELLERS
from sandbox.server import Request, Response
from sandbox.state import State

T = TypeVar("T")
Action = Callable[[State, Request, list[str]], Response]
"""A control; the list holds the parts of its path."""


class ControlError(Exception):
    """The request asks for something that is not there or cannot be."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def json_response(value: Any, status: int = 200) -> Response:
    """An answer in JSON."""
    return Response(msgspec.json.encode(value), status=status)


def read_form(request: Request, form: type[T]) -> T:
    """The body as a form of `forms`. Raises `msgspec.MsgspecError`."""
    return msgspec.json.decode(request.body or b"{}", type=form)


def seller_named(seller_id: str) -> str:
    """The id of a seller there is. Raises `ControlError`."""
    if seller_id not in SELLERS:
        raise ControlError(f"there is no seller {seller_id!r}", 404)
    return seller_id


def id_named(text: str) -> int:
    """An id in a path. Raises `ControlError`."""
    if not text.isdecimal():
        raise ControlError(f"{text!r} is not an id", 404)
    return int(text)
