"""Parts of the templates that a draft writes. Pure."""


def quoted(text: str) -> str:
    """A text as a template writes it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
