"""The registry of the gateways' methods, and what a handler is given."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox import errors
from sandbox.faults import Fault, Kind
from sandbox.json_reader import NotJson, parse_json
from sandbox.sellers import SELLERS, Seller
from sandbox.state import State

Answer = dict[str, Any]
Handler = Callable[["Call"], Answer]

OPERATIONS: dict[str, Handler] = {}
"""Business methods, by name."""
SYSTEM_OPERATIONS: dict[str, Handler] = {}
"""System interfaces, by path; they need no token."""


@dataclass(slots=True)
class Call:
    """One call, verified: whose it is, and its parameters as texts."""

    state: State
    operation: str
    seller_id: str
    parameters: dict[str, str]
    files: dict[str, bytes]

    @property
    def seller(self) -> Seller:
        """Whose token it carries."""
        return SELLERS[self.seller_id]

    def text(self, name: str) -> str:
        """A parameter that must be there. Raises `GatewayError`."""
        value = self.parameters.get(name)
        if not value:
            raise errors.missing_parameter(name)
        return value

    def integer(self, name: str, default: int | None = None) -> int:
        """A whole number. Raises `GatewayError`."""
        value = self.parameters.get(name)
        if not value and default is not None:
            return default
        return as_integer(self.text(name), name)

    def json(self, name: str) -> Any:
        """A parameter that holds JSON. Raises `GatewayError`."""
        try:
            return parse_json(self.text(name))
        except NotJson as error:
            raise errors.invalid_parameter(f"{name} is not JSON") from error

    def object(self, name: str) -> dict[str, Any]:
        """A parameter that holds a JSON object. Raises `GatewayError`."""
        value = self.json(name)
        if not isinstance(value, dict):
            raise errors.invalid_parameter(f"{name} is not an object")
        return value

    def listed(self, name: str) -> list[Any]:
        """A parameter that holds a list, as JSON or as text. Raises `GatewayError`."""
        return as_list(self.text(name), name)

    def strike(self, kind: Kind) -> Fault | None:
        """A fault of this kind that hits this call."""
        return self.state.faults.strike(kind, self.operation, self.seller_id)

    def page(self, number: int) -> int:
        """The page to give: the one asked for, unless a fault repeats the one before."""
        if number < 1:
            raise errors.invalid_parameter("current_page starts at 1")
        return max(number - 1, 1) if self.strike("repeated_page") else number


def as_integer(value: Any, name: str) -> int:
    """A whole number out of JSON or a text. Raises `GatewayError`."""
    text = str(value)
    if isinstance(value, bool) or not text.removeprefix("-").isdecimal():
        raise errors.invalid_parameter(f"{name} is not a number")
    return int(text)


def as_list(value: Any, name: str) -> list[Any]:
    """A list out of JSON or of a text divided by commas or semicolons; a single value is one.

    Raises `GatewayError`.
    """
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = parse_json(value)
        except NotJson as error:
            raise errors.invalid_parameter(f"{name} is not JSON") from error
    if isinstance(value, str):
        parts = value.replace(";", ",").split(",")
        return [part.strip() for part in parts if part.strip()]
    if isinstance(value, dict):
        raise errors.invalid_parameter(f"{name} is not a list")
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def operation(*names: str) -> Callable[[Handler], Handler]:
    """Register a handler under its method names, or paths of system interfaces."""

    def register(handler: Handler) -> Handler:
        for name in names:
            (SYSTEM_OPERATIONS if "/" in name else OPERATIONS)[name] = handler
        return handler

    return register
