"""The Ed25519 keys that sign the channel's tokens, and their public side (JWKS)."""

import base64
import hashlib
import json
import re
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

_PEM_BLOCK = re.compile(r"-----BEGIN [A-Z ]+-----.+?-----END [A-Z ]+-----", re.DOTALL)


class SigningKeyUnusable(Exception):
    """AUTH_SIGNING_KEY must hold an Ed25519 private key in PEM, or the path of such a file."""


class SigningKeys:
    """The first key signs; all are published, so that a new one can go first without downtime."""

    def __init__(self, keys: list[Ed25519PrivateKey]) -> None:
        if not keys:
            raise SigningKeyUnusable
        self.current = keys[0]
        self.public = [_public_jwk(key) for key in keys]
        """The JWKS's keys (RFC 7517), newest first."""

    @classmethod
    def parse(cls, text: str) -> "SigningKeys":
        """Keys from PEM text, or from the file it names. Raises `SigningKeyUnusable`."""
        if not text.lstrip().startswith("-----BEGIN"):
            try:
                text = Path(text).read_text()
            except OSError as error:
                raise SigningKeyUnusable(str(error)) from error
        return cls([_load(block) for block in _PEM_BLOCK.findall(text)])

    @property
    def current_id(self) -> str:
        """`kid` of the key that signs."""
        return self.public[0]["kid"]

    def verifying(self) -> dict[str, jwt.PyJWK]:
        """The public keys by `kid`, as a verifier takes them."""
        return {key["kid"]: jwt.PyJWK(key) for key in self.public}


def _load(block: str) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(block.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise SigningKeyUnusable(str(error)) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningKeyUnusable(f"an Ed25519 key is needed, not {type(key).__name__}")
    return key


def _public_jwk(key: Ed25519PrivateKey) -> dict[str, str]:
    point = {"crv": "Ed25519", "kty": "OKP", "x": _base64(key.public_key().public_bytes_raw())}
    # RFC 7638: the key's own thumbprint is its name, so that no two keys ever share one.
    thumbprint = hashlib.sha256(json.dumps(point, separators=(",", ":")).encode()).digest()
    return {**point, "kid": _base64(thumbprint), "use": "sig", "alg": "EdDSA"}


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
