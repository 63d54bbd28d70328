"""Descriptions as HTML without anything active (M3.7). Pure."""

import html
import re

import nh3

from catalog_service.texts import shows_something, undo_entities

_TAG = re.compile(r"<[a-zA-Z/!]")
_ELEMENTS = nh3.ALLOWED_TAGS | {
    *("html", "head", "body", "title", "meta", "link", "style", "script", "noscript", "iframe"),
    *("object", "embed", "svg", "video", "audio", "source", "form", "input", "button", "select"),
    *("option", "label", "font", "section", "main", "address"),
}
_ELEMENT = re.compile(rf"</?(?:{'|'.join(sorted(_ELEMENTS))})(?:\s[^<>]*)?/?>|<!--", re.IGNORECASE)
"""A whole tag of HTML; `<45 cm>` and `a <b` are none."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
"""Characters no text shows; an HTML parser drops or replaces them."""
_ANY_TAG = re.compile(r"<[^>]*>")
_PICTURE = "<img "
_LINE_END = re.compile(r"\r\n?|\n")


def safe_html(text: str) -> str:
    """The description as HTML without anything active (M3.7).

    A text without tags is plain and keeps its lines, unless its entities make tags: then it is that
    HTML. Empty where neither a text nor a picture is left.
    """
    text = _CONTROL.sub("", text).strip()
    if not _TAG.search(text):
        undone = _CONTROL.sub("", undo_entities(text)).strip()
        if _ELEMENT.search(undone):
            text = undone
        else:
            text = _LINE_END.sub("<br>", html.escape(undone, quote=False))
    cleaned = nh3.clean(text, link_rel=None).strip()
    return cleaned if _shows_something(cleaned) else ""


def has_safe_tags(text: str) -> bool:
    """Whether a description without a text or a picture has something left, such as an empty
    paragraph: a description to AliExpress."""
    return bool(nh3.clean(text, link_rel=None).strip())


def _shows_something(cleaned: str) -> bool:
    return _PICTURE in cleaned or shows_something(html.unescape(_ANY_TAG.sub("", cleaned)))
