"""What exports write into a column of options where a product has no such option. Pure."""

from collections.abc import Mapping

from common.contracts.catalog import FieldValue

_PLACEHOLDERS = frozenset(
    {"n/a", "#n/a", "n.a.", "not applicable", "null", "undefined", "-", "--", "–", "—"}
)
_OPTIONS = frozenset({"color", "colour", "size", "material", "pattern", "style"})


def is_placeholder(text: str) -> bool:
    """Whether an option of this text is none."""
    return text.strip().casefold() in _PLACEHOLDERS


def without_placeholders(fields: Mapping[str, FieldValue]) -> dict[str, FieldValue]:
    """A generic row's fields, a placeholder in a column that is named like an option made blank.

    Other columns keep such a text: `N/A` as a price or a stock has to be seen, not to be missing.
    """
    return {
        name: "" if isinstance(value, str) and _is_option(name) and is_placeholder(value) else value
        for name, value in fields.items()
    }


def _is_option(name: str) -> bool:
    return name.strip().casefold() in _OPTIONS
