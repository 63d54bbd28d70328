"""A configuration in the form in which it is kept, and back: what is taken can be read. Pure."""

from pydantic import ValidationError

from catalog_service.feeds.compile import CompiledFeed, compile_feed
from catalog_service.feeds.configuration import FeedConfiguration
from common.errors import Refusal

MAX_BODY = 2_000_000
"""Characters of a whole configuration."""


def body_of(form: FeedConfiguration) -> str:
    """The configuration as stored: what was given, nothing of what is default."""
    return form.model_dump_json(by_alias=True, exclude_unset=True)


def compile_body(merchant_id: str, feed_id: str, version: int, body: str) -> CompiledFeed:
    """The stored configuration, ready to use. Raises `Refusal` naming the key that cannot be."""
    try:
        form = FeedConfiguration.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise _refusal(".".join(map(str, first["loc"])), first["msg"]) from None
    return compile_feed(merchant_id, feed_id, version, form)


def compile_form(
    merchant_id: str, feed_id: str, version: int, form: FeedConfiguration
) -> CompiledFeed:
    """The configuration as the worker will have it: written, read again and compiled.

    Raises `Refusal` where that fails or gives another configuration.
    """
    body = body_of(form)
    if len(body) > MAX_BODY:
        raise _refusal(None, f"it has {len(body)} characters, {MAX_BODY} are taken")
    compiled = compile_body(merchant_id, feed_id, version, body)
    if compiled.form != form:
        fields = type(form).model_fields
        changed = (n for n in fields if getattr(form, n) != getattr(compiled.form, n))
        raise _refusal(next(changed, None), "it would not be stored as it was sent")
    return compiled


def _refusal(field: str | None, why: str) -> Refusal:
    at = f" at {field}" if field else ""
    return Refusal(
        f"the configuration cannot be used{at}: {why}",
        status=422,
        slug="invalid-configuration",
        field=field,
        rule="M3.13",
        remedy="Correct it and send it again; catalog-service's README lists the form.",
    )
