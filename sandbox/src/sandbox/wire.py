"""How answers look: lists wrapped by their element's name, or bare when simplified.

The quirks are ways the real platform is known to write the same answer; the control API switches
them.
"""

from typing import Any, Literal

import msgspec


class Listed:
    """A list and the name its elements have in the wrapped form."""

    __slots__ = ("element", "items")  # no dataclass: msgspec would write one by itself

    def __init__(self, element: str, items: list[Any]) -> None:
        self.element = element
        self.items = items


class Quirks(msgspec.Struct, forbid_unknown_fields=True):
    """Other ways to write the same answer."""

    empty_list: Literal["wrapped", "object", "empty_string", "null"] = "object"
    single_as_object: bool = False
    token_numbers_as_text: bool = False
    """`expires_in`, `expire_time` and their like as texts."""
    update_id_on_top: bool = True
    """A full update's product_id at the top, not in `result`."""
    invalidated_in_result: bool = False
    """The outcome of `feed.invalidate` in `result`, under the newer names."""
    quoted_sku_ids: bool = True
    """A SKU's id in double quotes of its own, as the published samples have it."""
    zero_amounts: bool = False
    """Money of order details with an `amount` of 0 beside cents that are right."""
    masked_addresses: bool = False
    """Buyers' names, streets and phones masked until decrypted; the setting does it for good."""
    only_photo_bank: bool = False
    """Pictures outside the seller's photo bank refused; the setting does it for good."""
    full_photo_bank: bool = False
    """No room for further pictures, whatever the setting says."""
    error_in_wrapper: bool = False
    """`error_response` inside the `..._response` wrapper."""
    feed_error_code: bool = True
    """Whether a failed feed item carries `errorCode` beside `errorMessage`."""
    doubled_error_code: bool = False
    """Whether the old numeric prefix stands twice in a feed item's message."""
    limit_form: Literal["new", "old"] = "new"
    """How the new gateway writes a refusal over a limit."""


def render(answer: dict[str, Any], *, is_simplified: bool, quirks: Quirks) -> bytes:
    """The answer as JSON text."""

    def write(value: Any) -> Any:
        if isinstance(value, Listed):
            return _listed(value, is_simplified, quirks)
        raise TypeError(f"cannot write {type(value).__name__}")

    return msgspec.json.encode(answer, enc_hook=write)


def _listed(value: Listed, is_simplified: bool, quirks: Quirks) -> Any:
    items: Any = value.items
    if is_simplified:
        return items
    if not items and quirks.empty_list != "wrapped":
        return {"object": {}, "empty_string": "", "null": None}[quirks.empty_list]
    if len(items) == 1 and quirks.single_as_object:
        items = items[0]
    return {value.element: items}


def known(**fields: Any) -> dict[str, Any]:
    """The fields there is a value for: the platform leaves the others out."""
    return {name: value for name, value in fields.items() if value is not None}


def json_text(value: Any) -> str:
    """JSON inside JSON: the value as a string."""
    return msgspec.json.encode(value).decode()
