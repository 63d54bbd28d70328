"""Whose a form is, and where nobody is led."""

import pytest

from common.web.forms import CookieNames, safe_next


@pytest.mark.parametrize(
    "wanted", ["/v1/renew/a/b", "/", "/feeds/summer?tab=plan&x=%2F%2F", "/a//b", "/@x"]
)
def test_a_path_of_this_site_is_gone_to(wanted: str) -> None:
    assert safe_next(wanted) == wanted


@pytest.mark.parametrize(
    "wanted",
    [
        "",
        "a",
        "//x",
        "/\\x",
        "\\\\x",
        "http://x",
        "/ x",
        "/x\r\ny: z",
        "/x\x00",
        "/é",
        "/" + "x" * 500,
        "//evil.example",
        "https://evil.example",
        "/\\evil",
        "/a\nb",
        "javascript:x",
        "/" * 600,
    ],
)
def test_anything_else_is_not(wanted: str) -> None:
    assert safe_next(wanted) is None


def test_a_forms_token_is_its_browsers() -> None:
    names = CookieNames("site", is_secure=True)
    assert names.session.startswith("__Host-")
    assert names.is_own({names.form: "one"}, names.token_of("one"))
    for cookies in ({}, {names.form: "two"}, {names.form: "one", names.session: "s"}):
        assert not names.is_own(cookies, names.token_of("one"))


def test_one_sites_token_is_not_anothers() -> None:
    other, names = CookieNames("other", is_secure=False), CookieNames("site", is_secure=False)
    assert not names.is_own({names.form: "one"}, other.token_of("one"))
