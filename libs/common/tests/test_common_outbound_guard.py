"""The SSRF guard: nothing private is fetched, whatever the address's disguise (X7)."""

import pytest

from common.outbound.guard import AddressRefused, check_addresses, is_public, target_of

NOBODY: frozenset[str] = frozenset()

BAD_ADDRESSES = [
    "127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.0.1", "10.255.255.255", "172.16.0.1",
    "172.31.255.254", "192.168.0.1", "169.254.169.254", "100.64.0.1", "192.0.0.1", "192.0.2.1",
    "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "192.88.99.1", "::", "::1", "fc00::1", "fd12:3456::1", "fe80::1", "ff02::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1",
    "64:ff9b::a00:1", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1", "2001::1", "fec0::1",
    "168.63.129.16", "192.0.0.8", "192.0.0.170", "3fff::1", "3fff:fff::1", "::ffff:168.63.129.16",
]  # fmt: skip
GOOD_ADDRESSES = [
    "8.8.8.8",
    "93.184.216.34",
    "168.63.129.17",
    "2606:4700::1111",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
]

BAD_URLS = [
    "file:///etc/passwd", "gopher://pictures.example/1", "ftp://pictures.example/1.jpg",
    "data:image/png;base64,AAAA", "javascript:alert(1)", "//pictures.example/1.jpg", "/1.jpg", "",
    "http://", "http:///1.jpg", "http://user@pictures.example/1.jpg",
    "http://user:word@pictures.example/", "http://pictures.example@10.0.0.1/",
    "http://pictures.example:22/", "http://pictures.example:8080/", "http://pictures.example:99999/",
    "http://0x7f.1/", "http://0x7f000001/", "http://2130706433/", "http://017700000001/",
    "http://127.1/", "http://1.2.3/", "http://pictures.example\\@10.0.0.1/",
    "http://pictures.example/a b.jpg", "http://pictures.example/\r\nHost: x", "http://[::1/",
    "http://./", "http://\u2488\u2489.example:1/",
]  # fmt: skip


@pytest.mark.parametrize("address", BAD_ADDRESSES)
def test_a_private_address_is_refused(address: str) -> None:
    target = target_of("http://pictures.example/1.jpg", NOBODY)
    with pytest.raises(AddressRefused):
        check_addresses(target, [address])
    with pytest.raises(AddressRefused):
        check_addresses(target, ["8.8.8.8", address])


@pytest.mark.parametrize("address", GOOD_ADDRESSES)
def test_a_public_address_is_taken(address: str) -> None:
    target = target_of("https://pictures.example/1.jpg", NOBODY)
    assert check_addresses(target, [address]) == address


@pytest.mark.parametrize("url", BAD_URLS)
def test_an_address_in_disguise_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        target_of(url, NOBODY)


@pytest.mark.parametrize(
    ("url", "host", "authority"),
    [
        ("https://Pictures.Example./a?b=c", "pictures.example", "pictures.example"),
        ("https://b\u00fccher.example/1.jpg", "xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("http://pictures.example:443/", "pictures.example", "pictures.example:443"),
    ],
    ids=["trailing dot and case", "international", "other port"],
)
def test_a_name_is_made_plain(url: str, host: str, authority: str) -> None:
    target = target_of(url, NOBODY)
    assert (target.host, target.authority) == (host, authority)


def test_a_literal_private_address_is_refused_even_without_resolving() -> None:
    target = target_of("http://127.0.0.1/1.jpg", NOBODY)
    with pytest.raises(AddressRefused):
        check_addresses(target, ["127.0.0.1"])


def test_only_the_named_host_and_port_may_be_private() -> None:
    allowed = frozenset({"127.0.0.1:8080"})
    target = target_of("http://127.0.0.1:8080/pictures/a.jpg", allowed)
    assert check_addresses(target, ["127.0.0.1"]) == "127.0.0.1"
    with pytest.raises(AddressRefused):
        target_of("http://127.0.0.1:8081/", allowed)


def test_public_knows_wrapped_addresses() -> None:
    import ipaddress  # noqa: PLC0415

    assert not is_public(ipaddress.ip_address("::ffff:192.168.1.1"))
