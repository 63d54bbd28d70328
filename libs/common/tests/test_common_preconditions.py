"""Conditional requests: what is changed only as its sender has read it."""

import pytest

from common.errors import Refusal
from common.web.preconditions import Preconditions, etag_of


@pytest.mark.parametrize(
    ("if_match", "if_none_match", "etag", "failed"),
    [
        (None, None, None, None),
        (None, None, "3", None),
        ('"3"', None, "3", None),
        ('"2", "3"', None, "3", None),
        (' "2" ,"3" ', None, "3", None),
        ("*", None, "3", None),
        ('"2"', None, "3", "If-Match"),
        ('"3"', None, None, "If-Match"),
        ("*", None, None, "If-Match"),
        ('W/"3"', None, "3", "If-Match"),
        ('"33"', None, "3", "If-Match"),
        (None, "*", None, None),
        (None, '"2"', "3", None),
        (None, "*", "3", "If-None-Match"),
        (None, '"2", "3"', "3", "If-None-Match"),
        ('"3"', "*", "3", "If-None-Match"),
    ],
)
def test_a_request_is_done_where_its_preconditions_hold(
    if_match: str | None, if_none_match: str | None, etag: str | None, failed: str | None
) -> None:
    tag = None if etag is None else etag_of(etag)
    preconditions = Preconditions(if_match, if_none_match)
    if failed is None:
        preconditions.check(tag, what="feed", remedy="Read it again.")
        return
    with pytest.raises(Refusal) as caught:
        preconditions.check(tag, what="feed", remedy="Read it again.")
    refusal = caught.value
    assert (refusal.status, refusal.field, refusal.remedy) == (412, failed, "Read it again.")
