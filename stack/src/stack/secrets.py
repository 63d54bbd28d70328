"""Secrets of the local stack: made at its first start, kept in one file only its owner reads."""

import base64
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import BaseModel, Field

from stack.private_files import write_private


def _random() -> str:
    return secrets.token_urlsafe(24)


def _sealing_key() -> str:
    """One key for stored tokens, `id:base64`, 256 bits."""
    return f"local-1:{base64.b64encode(secrets.token_bytes(32)).decode()}"


def _signing_key() -> str:
    """The key that signs JWTs: Ed25519, PKCS #8 PEM."""
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    return pem.decode()


class Secrets(BaseModel):
    """All of them. `named` holds one per thing that has a password: a database role, a client."""

    postgres: str = Field(default_factory=_random)
    sealing_key: str = Field(default_factory=_sealing_key)
    signing_key: str = Field(default_factory=_signing_key)
    app_secret: str = Field(default_factory=_random)
    named: dict[str, str] = Field(default_factory=dict)

    def of(self, name: str) -> str:
        """The secret of `name`, made when first asked for; `keep` afterwards."""
        return self.named.setdefault(name, _random())

    @classmethod
    def load(cls, path: Path) -> "Secrets":
        """Those in the file at `path`; new ones when there is none."""
        return cls.model_validate_json(path.read_text()) if path.exists() else cls()

    def keep(self, path: Path) -> None:
        """Write them to `path`, readable by its owner alone."""
        write_private(path, self.model_dump_json(indent=1))
