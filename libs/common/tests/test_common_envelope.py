import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contracts.catalog import CatalogUpdated
from common.contracts.envelope import (
    BadRecord,
    RecordTooLarge,
    decode,
    encode,
    headers_from_json,
    headers_to_json,
)
from common.contracts.shop import ShopState
from common.contracts.topics import TOPICS

TYPE = ("ce_type", b"channel.catalog.updated.v1")

names = st.from_regex(r"[A-Za-z0-9._~-]{1,64}", fullmatch=True)
texts = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"))
product_ids = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=255)
fields = st.dictionaries(
    st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=20),
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | texts | st.lists(texts, max_size=3),
    max_size=5,
)


@given(names, names, product_ids, fields, st.none() | st.integers(0, 2**63 - 1))
def test_what_is_encoded_decodes_to_the_same_event(
    merchant: str, catalogue: str, product: str, data: dict[str, object], version: int | None
) -> None:
    event = CatalogUpdated(
        merchant_id=merchant,
        catalogue_id=catalogue,
        product_id=product,
        action="upsert",
        version=version,
        fields=data,  # type: ignore[arg-type]
    )
    record = encode(event, source="/test", traceparent="00-" + "1" * 32 + "-" + "2" * 16 + "-01")
    envelope = decode(CatalogUpdated, record.key, record.value, record.headers)
    assert envelope.data == event
    assert envelope.source == "/test"
    assert envelope.time is not None
    assert headers_from_json(headers_to_json(record.headers)) == record.headers


@pytest.mark.parametrize(("length", "is_accepted"), [(255, True), (256, False)])
def test_an_id_has_at_most_255_characters(length: int, is_accepted: bool) -> None:
    event = CatalogUpdated(
        merchant_id="m", catalogue_id="c", product_id="\U0001f457" * length, action="upsert"
    )
    record = encode(event, source="/test")
    if is_accepted:
        assert decode(CatalogUpdated, record.key, record.value, record.headers).data == event
    else:
        with pytest.raises(BadRecord):
            decode(CatalogUpdated, record.key, record.value, record.headers)


def data(**changes: object) -> bytes:
    whole = {
        "merchant_id": "m",
        "catalogue_id": "c",
        "product_id": "p",
        "action": "upsert",
        "fields": {},
    }
    return msgspec.json.encode({**whole, **changes})


@pytest.mark.parametrize(
    ("reason", "key", "value", "headers"),
    [
        pytest.param("not-json", b"m/c/p", b"<html>", [TYPE], id="html"),
        pytest.param("not-json", b"m/c/p", b"", [TYPE], id="empty"),
        pytest.param("not-json", b"m/c/p", b'{"merchant_id": "m"', [TYPE], id="truncated"),
        pytest.param("not-json", b"m/c/p", data() + b"{}", [TYPE], id="trailing"),
        pytest.param("not-json", b"m/c/p", b"\xff\xfe{}", [TYPE], id="utf-16"),
        pytest.param("no-value", b"m/c/p", None, [TYPE], id="null record"),
        pytest.param("wrong-shape", b"m/c/p", b"[]", [TYPE], id="array"),
        pytest.param("wrong-shape", b"m/c/p", data(action="replace"), [TYPE], id="enum"),
        pytest.param("wrong-shape", b"m/c/p", data(version=-1), [TYPE], id="negative version"),
        pytest.param("wrong-shape", b"m/c/p", data(version=2**63), [TYPE], id="2^63"),
        pytest.param("wrong-shape", b"m/c/p", data(version="1"), [TYPE], id="text version"),
        pytest.param("wrong-shape", b"m/c/p", data(fields={"a": {}}), [TYPE], id="nested"),
        pytest.param("wrong-shape", b"m/c/p", data(merchant_id="a/b"), [TYPE], id="slash"),
        pytest.param("wrong-shape", b"m/c/p", data(product_id=""), [TYPE], id="no product"),
        pytest.param("wrong-shape", b"m%0A/c/p", data(merchant_id="m\n"), [TYPE], id="newline"),
        pytest.param("wrong-shape", b"m/c%0A/p", data(catalogue_id="c\n"), [TYPE], id="newline 2"),
        pytest.param("wrong-shape", b"m/c/p%0A", data(product_id="p\n"), [TYPE], id="newline 3"),
        pytest.param("wrong-shape", b"m/c/p", data(parent_id="a\tb"), [TYPE], id="tab in parent"),
        pytest.param("nul-character", b"m/c/p", data(fields={"a": "\x00"}), [TYPE], id="NUL"),
        pytest.param("too-large", b"m/c/p", data(fields={"a": "x" * 10**6}), [TYPE], id="large"),
        pytest.param("foreign-key", b"other/c/p", data(), [TYPE], id="foreign merchant"),
        pytest.param("foreign-key", None, data(), [TYPE], id="no key"),
        pytest.param("missing-type", b"m/c/p", data(), [], id="no type"),
        pytest.param(
            "unknown-type",
            b"m/c/p",
            data(),
            [("ce_type", b"channel.catalog.updated.v9")],
            id="unknown version",
        ),
    ],
)
def test_a_bad_record_says_why_and_what_mends_it(
    reason: str, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]
) -> None:
    with pytest.raises(BadRecord) as caught:
        decode(CatalogUpdated, key, value, headers)
    assert caught.value.reason == reason
    assert caught.value.remedy


def test_json_nested_beyond_all_reason_is_a_bad_record() -> None:
    deep = b'{"merchant_id":' + b"[" * 100_000
    with pytest.raises(BadRecord):
        decode(CatalogUpdated, b"m/c/p", deep, [TYPE])


def test_no_name_of_ours_ends_in_a_newline() -> None:
    whole = {"merchant_id": "m", "shop_id": "s\n", "state": "connected"}
    with pytest.raises(BadRecord, match="shop_id"):
        decode(
            ShopState,
            b"m/s%0A",
            msgspec.json.encode(whole),
            [("ce_type", b"channel.shop.state.v1")],
        )


def test_an_escaped_backslash_before_u0000_is_no_nul() -> None:
    value = data(fields={"a": "\\u0000"})
    assert decode(CatalogUpdated, b"m/c/p", value, [TYPE]).data.fields == {"a": "\\u0000"}


def test_a_record_the_broker_would_refuse_is_refused_when_written() -> None:
    event = CatalogUpdated(
        merchant_id="m",
        catalogue_id="c",
        product_id="p",
        action="upsert",
        fields={f"f{n}": "x" * 100_000 for n in range(11)},
    )
    with pytest.raises(RecordTooLarge):
        encode(event, source="/test")


def test_every_topic_has_its_own_event_and_a_consumer() -> None:
    assert len({topic.name for topic in TOPICS}) == len(TOPICS)
    assert all(topic.consumers for topic in TOPICS)
