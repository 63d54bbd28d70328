"""What never leaves the process in a trace or a log: query strings, tokens, secrets, buyers' data.

Query strings hold OAuth codes and signatures, and HTTP instrumentations put them on spans
unredacted; the span processor here, registered first, overwrites them as the span starts.
"""

import re
from collections.abc import Mapping, MutableMapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from opentelemetry.context import Context
from opentelemetry.sdk.trace import Span, SpanProcessor

REDACTED = "[redacted]"

_QUERY_ATTRIBUTES = ("url.query",)
_URL_ATTRIBUTES = ("url.full", "http.url", "http.target", "url.original")
_SECRET_KEY = re.compile(
    r"token|secret|password|authorization|signature|^sign$|^code$|session|cookie|api_key"
    r"|address|phone|mobile|contact|buyer|recipient|email",
    re.IGNORECASE,
)
_SECRET_TEXT = re.compile(
    r"(?i)\b(access_token|refresh_token|session|sign|code|app_secret|client_secret)=[^&\s\"']+"
    r"|\bBearer\s+[A-Za-z0-9._~+/-]+"
)
_ALLOWED_KEYS = frozenset({"token_generation", "code_name", "problem_code", "session_timeout"})


def without_query(url: str) -> str:
    """The URL with its query and user part left out."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.port:
        host = f"{host}:{parts.port}"
    return urlunsplit((parts.scheme, host, parts.path, REDACTED if parts.query else "", ""))


def redact_text(text: str) -> str:
    """The text with whatever looks like a credential replaced."""
    return _SECRET_TEXT.sub(lambda match: f"{match.group(1) or 'Bearer'}={REDACTED}", text)


def redact_event(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """A structlog processor: secret keys lose their value, texts their credentials."""
    for key, value in event.items():
        if _SECRET_KEY.search(key) and key not in _ALLOWED_KEYS:
            event[key] = REDACTED
        elif isinstance(value, str):
            event[key] = redact_text(value)
    return event


class RedactingSpanProcessor(SpanProcessor):
    """Overwrites query strings on every span as it starts."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Redact the attributes the span started with."""
        attributes = span.attributes or {}
        for name in _QUERY_ATTRIBUTES:
            if attributes.get(name):
                span.set_attribute(name, REDACTED)
        for name in _URL_ATTRIBUTES:
            url = attributes.get(name)
            if isinstance(url, str) and "?" in url:
                span.set_attribute(name, without_query(url))
