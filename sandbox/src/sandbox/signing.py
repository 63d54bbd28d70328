"""Verifies signatures and timestamps of both gateways, over what was really sent.

Written from the documentation and kept apart from the product's own signer on purpose.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from sandbox import errors
from sandbox.clock import BEIJING, WIRE_FORM

NEW_TOLERANCE = timedelta(seconds=7200)
OLD_TOLERANCE = timedelta(minutes=10)


def signature(parameters: Mapping[str, str], method: str, secret: str, path: str = "") -> str:
    """The upper-case hex signature of the parameters by `md5`, `hmac` or `sha256`.

    `path` is put in front for system interfaces of the new gateway. Raises `KeyError` for a
    method that is none of them.
    """
    text = path + "".join(
        name + value for name, value in sorted(parameters.items()) if name != "sign"
    )
    content, key = text.encode(), secret.encode()
    return _ALGORITHMS[method](content, key).upper()


def _md5(content: bytes, key: bytes) -> str:
    return hashlib.md5(key + content + key, usedforsecurity=False).hexdigest()


def _hmac_md5(content: bytes, key: bytes) -> str:
    return hmac.digest(key, content, "md5").hex()


def _hmac_sha256(content: bytes, key: bytes) -> str:
    return hmac.digest(key, content, "sha256").hex()


_ALGORITHMS = {
    "md5": _md5,
    "hmac": _hmac_md5,
    "hmac-md5": _hmac_md5,
    "sha256": _hmac_sha256,
    "hmac-sha256": _hmac_sha256,
}


def verify_signature(parameters: Mapping[str, str], secret: str, path: str = "") -> None:
    """Raise `GatewayError` unless `sign` is the signature of all other parameters."""
    sent = parameters.get("sign")
    if not sent:
        raise errors.missing_signature()
    method = parameters.get("sign_method", "").lower()
    if method not in _ALGORITHMS:
        raise errors.invalid_signature()
    expected = signature(parameters, method, secret, path)
    if not hmac.compare_digest(expected.encode(), sent.upper().encode()):
        raise errors.invalid_signature()


def verify_timestamp(text: str | None, clocks: list[datetime], *, is_old: bool) -> None:
    """Raise `GatewayError` unless the time is within the gateway's tolerance of one clock."""
    if not text:
        raise errors.missing_timestamp()
    tolerance = OLD_TOLERANCE if is_old else NEW_TOLERANCE
    for moment in _readings(text, is_old=is_old):
        if any(abs(moment - now) <= tolerance for now in clocks):
            return
    raise errors.invalid_timestamp()


def _readings(text: str, *, is_old: bool) -> list[datetime]:
    """The moments a timestamp may mean: epoch milliseconds, ISO, or a text in GMT+8 (or UTC)."""
    try:
        if text.isdigit():
            return [datetime.fromtimestamp(int(text) / 1000, UTC)]
        if "T" in text:
            moment = datetime.fromisoformat(text)
            return [moment if moment.tzinfo else moment.replace(tzinfo=UTC)]
        naive = datetime.strptime(text, WIRE_FORM)  # noqa: DTZ007 - its zone is decided below
    except (ValueError, OverflowError, OSError):
        return []
    beijing = naive.replace(tzinfo=BEIJING)
    return [beijing] if is_old else [beijing, naive.replace(tzinfo=UTC)]
