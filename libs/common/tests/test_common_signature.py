"""Signatures of records: only the holder of the key makes them, for this record alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contracts.signature import (
    HEADER,
    ProducerKey,
    ProducerKeyUnusable,
    Signature,
    authentication_code,
)

KEY = ProducerKey("k-1", bytes(range(32)))
raw = st.binary(max_size=60)


@given(raw, raw)
def test_what_is_signed_is_recognised(key: bytes, value: bytes) -> None:
    name, header = KEY.sign("catalog.updated", key, value)
    assert name == HEADER
    expected = authentication_code(KEY.secret, "catalog.updated", key, value)
    assert Signature.parse(header) == Signature("k-1", expected)


@given(raw, raw, raw, raw)
def test_no_other_record_has_the_same_signature(
    key: bytes, value: bytes, other_key: bytes, other_value: bytes
) -> None:
    one = authentication_code(KEY.secret, "t", key, value)
    assert one != authentication_code(KEY.secret, "u", key, value)
    assert one != authentication_code(bytes(32), "t", key, value)
    if (key, value) != (other_key, other_value):
        assert one != authentication_code(KEY.secret, "t", other_key, other_value)
    if key:  # the border between key and value is signed too
        assert one != authentication_code(KEY.secret, "t", key[:-1], key[-1:] + value)


@pytest.mark.parametrize(
    "header",
    [b"", b"v1", b"v1=", b"v1=k:", b"v1=k:short", b"v2=k:" + b"A" * 43, b"v1=k:" + b"A" * 44,
     b"v1=:" + b"A" * 43, b"v1=k k:" + b"A" * 43, b"v1=k:" + b"A" * 43 + b"\n", b"\xff" * 50],
)  # fmt: skip
def test_anything_else_is_no_signature(header: bytes) -> None:
    assert Signature.parse(header) is None


@given(st.binary(max_size=100))
def test_parsing_never_raises(header: bytes) -> None:
    Signature.parse(header)


def test_a_key_is_given_as_text_and_does_not_show_itself() -> None:
    assert ProducerKey.parse(KEY.as_text()) == KEY
    assert KEY.as_text().partition(":")[2] not in repr(KEY)
    for text in ("", "id", "id:", "id:short", KEY.as_text() + "x"):
        with pytest.raises(ProducerKeyUnusable) as refused:
            ProducerKey.parse(text)
        assert not text or text not in str(refused.value).split("`")
