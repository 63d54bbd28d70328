"""The SSRF guard: which addresses of merchants' may be connected to (security X7). Pure.

A name is resolved once, all its addresses are checked, and the connection goes to the checked
address: checking and then fetching by name would resolve twice, and be fooled by the second.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

PORTS = {"http": 80, "https": 443}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_LOCAL_NAT64 = ipaddress.ip_network("64:ff9b:1::/48")
_SIX_TO_FOUR = ipaddress.ip_network("2002::/16")
_TEREDO = ipaddress.ip_network("2001::/32")
_NOT_PUBLIC = tuple(
    ipaddress.ip_network(net)
    for net in (
        "192.88.99.0/24",  # relays of 6to4
        "192.0.0.0/24",  # protocol assignments: Python takes some of them for public
        "168.63.129.16/32",  # a cloud's own services for its machines
    )
)
_DOCUMENTATION = ipaddress.ip_network("3fff::/20")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressRefused(Exception):
    """The address must not be connected to; the message says why."""


@dataclass(frozen=True)
class Target:
    """Where a request goes: `host` is ASCII, `path` holds the query too."""

    scheme: str
    host: str
    port: int
    path: str
    is_allowed: bool
    """Named by the operator: its addresses may be private."""

    @property
    def authority(self) -> str:
        """The Host header."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return shown if PORTS[self.scheme] == self.port else f"{shown}:{self.port}"


def target_of(url: str, allowed_hosts: frozenset[str]) -> Target:
    """The parts of the address. Raises `AddressRefused`."""
    if any(ord(c) <= 32 or ord(c) == 127 for c in url) or "\\" in url:
        raise AddressRefused("the address holds blanks, control characters or backslashes")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefused("it is no web address") from None
    scheme = parts.scheme.lower()
    if scheme not in PORTS or not parts.hostname:
        raise AddressRefused("only http and https addresses are taken")
    if "@" in parts.netloc:
        raise AddressRefused("the address carries a user name")
    host = _host(parts.hostname)
    port = PORTS[scheme] if port is None else port
    is_allowed = f"{host}:{port}" in allowed_hosts
    if port not in PORTS.values() and not is_allowed:
        raise AddressRefused(f"the port {port} is not one of the web (80, 443)")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(scheme, host, port, path, is_allowed)


def _host(name: str) -> str:
    """The host in ASCII; numbers in other disguises than the dotted one are refused."""
    host = name.rstrip(".").lower()
    if not host:
        raise AddressRefused("the address names no host")
    try:
        return str(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        pass
    try:
        host = host.encode("idna").decode()
    except UnicodeError:
        raise AddressRefused("the host's name cannot be resolved") from None
    last = host.rsplit(".", 1)[-1]
    if last.isdecimal() or last.startswith("0x"):
        raise AddressRefused("the host is a number in disguise")
    return host


def check_addresses(target: Target, addresses: Sequence[str]) -> str:
    """The address to connect to, when every one of the host's may be. Raises `AddressRefused`."""
    if not addresses:
        raise AddressRefused("the host's name cannot be resolved")
    if not target.is_allowed:
        for text in addresses:
            if not is_public(ipaddress.ip_address(text.partition("%")[0])):
                raise AddressRefused("the host is in a private network")
    return addresses[0]


def is_public(address: Address) -> bool:
    """Whether the address is one of the public internet, also where it wraps another."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address in _NAT64:
            return is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if address.is_site_local:
            return False
        if any(address in net for net in (_LOCAL_NAT64, _SIX_TO_FOUR, _TEREDO, _DOCUMENTATION)):
            return False
    elif any(address in net for net in _NOT_PUBLIC):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved
