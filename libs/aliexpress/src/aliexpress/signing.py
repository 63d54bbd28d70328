"""Signatures of both gateways. Pure.

Signed is what is really sent: every text parameter except `sign` (empty ones included), sorted by
name in byte order, name and value put together without separators, raw UTF-8; files are left out.
The signature is upper-case hexadecimal.
"""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Literal

SignMethod = Literal["sha256", "hmac", "md5"]


def sign(parameters: Mapping[str, str], secret: str, method: SignMethod, *, path: str = "") -> str:
    """The value of `sign` for `parameters`.

    `sha256` is HMAC-SHA256 of the new gateway; `path` is the API path that goes in front for its
    system interfaces (`/auth/token/create`) and stays empty for business methods. `hmac`
    (HMAC-MD5) and `md5` (secret on both sides) belong to the old gateway.
    """
    text = (path + joined(parameters)).encode()
    key = secret.encode()
    match method:
        case "sha256":
            digest = hmac.new(key, text, hashlib.sha256).hexdigest()
        case "hmac":
            digest = hmac.new(key, text, hashlib.md5).hexdigest()
        case "md5":
            digest = hashlib.md5(key + text + key).hexdigest()  # noqa: S324 - AliExpress asks for it
    return digest.upper()


def joined(parameters: Mapping[str, str]) -> str:
    """Names and values in the order in which they are signed."""
    names = sorted((name for name in parameters if name != "sign"), key=str.encode)
    return "".join(name + parameters[name] for name in names)
