"""Who published a record: the header `channel-signature` of `catalog.updated` (decision 18).

`v1=<key id>:<HMAC-SHA256 in base64url>`, over the topic without the installation's prefix, the
record's key and its value. Pure.
"""

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field

HEADER = "channel-signature"
KEY_BYTES = 32
KEY_ID_PATTERN = r"[A-Za-z0-9_-]{1,64}"
UNSIGNED = "unsigned"
UNKNOWN_KEY = "unknown-signing-key"
BAD_SIGNATURE = "bad-signature"
FOREIGN_SIGNATURE = "foreign-signature"
UNPROVEN = frozenset({UNSIGNED, UNKNOWN_KEY, BAD_SIGNATURE, FOREIGN_SIGNATURE})
"""Reasons of dead letters of which nobody knows that they are the merchant's."""

_SIGNATURE = re.compile(rf"v1=({KEY_ID_PATTERN}):([A-Za-z0-9_-]{{43}})".encode())
_KEY = re.compile(rf"({KEY_ID_PATTERN}):([A-Za-z0-9_-]{{43}})")


class ProducerKeyUnusable(ValueError):
    """A producer's key is `id:secret`, as auth-service showed it when it was made."""

    def __init__(self) -> None:
        super().__init__("a producer's key is `id:secret`, as it was shown when it was made")


@dataclass(frozen=True)
class ProducerKey:
    """What a producer signs its records with; the secret shows itself to nobody."""

    key_id: str
    secret: bytes = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> "ProducerKey":
        """The key in `id:secret`. Raises `ProducerKeyUnusable`."""
        found = _KEY.fullmatch(text.strip())
        if found is None:
            raise ProducerKeyUnusable
        return cls(found[1], _decoded(found[2].encode()))

    def as_text(self) -> str:
        """What `parse` takes."""
        return f"{self.key_id}:{_encoded(self.secret).decode()}"

    def sign(self, topic: str, record_key: bytes, value: bytes) -> tuple[str, bytes]:
        """The header of a record of this topic (its name in the contracts)."""
        code = _encoded(authentication_code(self.secret, topic, record_key, value))
        return HEADER, b"v1=%s:%s" % (self.key_id.encode(), code)


@dataclass(frozen=True)
class Signature:
    """What a header says: which key, and the code that only its holder can make."""

    key_id: str
    code: bytes

    @classmethod
    def parse(cls, header: bytes) -> "Signature | None":
        """The signature; None for anything else."""
        found = _SIGNATURE.fullmatch(header)
        return None if found is None else cls(found[1].decode(), _decoded(found[2]))


def authentication_code(secret: bytes, topic: str, record_key: bytes, value: bytes) -> bytes:
    """HMAC-SHA256; the lengths are part of it, so that no two records have the same text."""
    signed = b"%s\n%d\n%s%s" % (topic.encode(), len(record_key), record_key, value)
    return hmac.digest(secret, signed, "sha256")


def _encoded(raw: bytes) -> bytes:
    return urlsafe_b64encode(raw).rstrip(b"=")


def _decoded(text: bytes) -> bytes:
    return urlsafe_b64decode(text + b"=")
