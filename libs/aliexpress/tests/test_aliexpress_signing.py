"""Signatures of both gateways: published vector, structure, properties."""

import hashlib
import hmac
from collections.abc import Callable
from typing import Any, get_args
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aliexpress import oauth, shop
from aliexpress.gateway import new_gateway, old_gateway
from aliexpress.signing import SignMethod, joined, sign

# The published sample of "how to invoke an API".
PUBLISHED = {
    "method": "taobao.item.seller.get",
    "app_key": "12345678",
    "session": "test",
    "timestamp": "2016-01-01 12:00:00",
    "format": "json",
    "v": "2.0",
    "sign_method": "md5",
    "fields": "num_iid,title,nick,price,num",
    "num_iid": "11223344",
}
METHODS: tuple[SignMethod, ...] = get_args(SignMethod)
parameters = st.dictionaries(st.text(min_size=1), st.text(), max_size=8)


def test_the_published_md5_vector() -> None:
    assert sign(PUBLISHED, "helloworld", "md5") == "66987CB115214E59E6EC978214934FB8"


def test_names_sort_by_bytes_so_that_a_prefix_comes_first() -> None:
    assert joined({"foobar": "4", "foo_bar": "3", "foo": "1", "bar": "2"}) == (
        "bar2foo1foo_bar3foobar4"
    )


def test_sha256_puts_the_path_of_a_system_interface_in_front() -> None:
    text = "/auth/token/createapp_key1code2"
    expected = hmac.new(b"secret", text.encode(), hashlib.sha256).hexdigest().upper()
    form = {"code": "2", "app_key": "1"}
    assert sign(form, "secret", "sha256", path="/auth/token/create") == expected
    assert sign(form, "secret", "sha256") != expected


@pytest.mark.parametrize("method", METHODS)
@settings(deadline=None)
@given(form=parameters, secret=st.text(min_size=1), data=st.data())
def test_order_of_parameters_and_an_old_signature_do_not_matter(
    method: SignMethod, form: dict[str, str], secret: str, data: st.DataObject
) -> None:
    shuffled = dict(data.draw(st.permutations(list(form.items()))))
    expected = sign({name: form[name] for name in form if name != "sign"}, secret, method)
    assert sign({**shuffled, "sign": "old"}, secret, method) == expected
    assert expected == expected.upper()
    assert len(expected) == {"sha256": 64, "hmac": 32, "md5": 32}[method]


@pytest.mark.parametrize("method", METHODS)
@settings(deadline=None)
@given(form=parameters, name=st.text(min_size=1), value=st.text(min_size=1))
def test_every_value_and_the_secret_count(
    method: SignMethod, form: dict[str, str], name: str, value: str
) -> None:
    signed = sign(form, "secret", method)
    assert sign(form, "secret2", method) != signed
    if name != "sign" and joined({**form, name: value}) != joined(form):
        assert sign({**form, name: value}, "secret", method) != signed


def test_an_empty_parameter_is_signed_by_its_name() -> None:
    assert joined({"a": "", "b": "1"}) == "ab1"


@pytest.mark.parametrize(
    ("gateway", "method", "token_name", "timestamp"),
    [
        (new_gateway("https://g.test/"), "sha256", "access_token", "1795521600000"),
        (old_gateway("https://g.test"), "hmac", "session", "2026-11-24 20:00:00"),
        (old_gateway("https://g.test", sign_method="md5"), "md5", "session", "2026-11-24 20:00:00"),
    ],
    ids=["new", "old hmac", "old md5"],
)
async def test_a_request_is_signed_over_what_is_sent(
    answering: Callable[..., Any],
    token: Any,
    gateway: Any,
    method: SignMethod,
    token_name: str,
    timestamp: str,
) -> None:
    client = answering(
        {"aliexpress_solution_merchant_profile_get_response": {"shop_id": 1}},
        gateway=gateway,
        is_simplified=True,
    )
    await shop.load_merchant_profile(client, token)
    sent = client.recorded.fields
    assert client.recorded.url == gateway.business_url
    assert sent["sign"] == sign(sent, "helloworld", method)
    assert sent["sign_method"] == method
    assert sent[token_name] == "canary-token"
    assert sent["timestamp"] == timestamp
    assert sent["simplify"] == "true"
    assert sent["format"] == "json"
    assert ("v" in sent) == (gateway.kind == "old")


async def test_a_file_is_left_out_of_the_signature(
    answering: Callable[..., Any], token: Any
) -> None:
    client = answering({"result": {"photobank_url": "https://a/1.jpg", "success": True}})
    await shop.upload_image(client, token, "1.jpg", b"\x89PNG")
    assert client.recorded.files == {"image_bytes": b"\x89PNG"}
    assert "image_bytes" not in client.recorded.fields
    assert client.recorded.fields["sign"] == sign(client.recorded.fields, "helloworld", "sha256")


async def test_a_system_interface_is_called_by_path_without_a_token(
    answering: Callable[..., Any],
) -> None:
    client = answering({"code": "0", "access_token": "t", "expires_in": 60, "seller_id": 1})
    await oauth.create_token(client, "code-1", is_secure=True)
    sent = client.recorded.fields
    assert client.recorded.url == "https://gateway.test/rest/auth/token/security/create"
    assert sent["sign"] == sign(sent, "helloworld", "sha256", path="/auth/token/security/create")
    assert "method" not in sent
    assert "access_token" not in sent


@pytest.mark.parametrize(
    "gateway", [new_gateway("https://g.test"), old_gateway(oauth_url="https://g.test")]
)
def test_the_page_of_agreement_names_app_return_and_state(
    answering: Callable[..., Any], gateway: Any
) -> None:
    url = urlsplit(
        oauth.authorize_url(
            answering({}, gateway=gateway), redirect_uri="https://me.test/back?a=1", state="s&1"
        )
    )
    query = parse_qs(url.query)
    assert url.netloc == "g.test"
    assert query["client_id"] == ["500100"]
    assert query["redirect_uri"] == ["https://me.test/back?a=1"]
    assert query["state"] == ["s&1"]
    assert query["response_type"] == ["code"]
