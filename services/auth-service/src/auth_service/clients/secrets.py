"""Random secrets and the hashes stored of them. Pure but for the system's randomness."""

import hashlib
import hmac
import secrets


def new_secret() -> str:
    """256 random bits, safe in URLs and cookies."""
    return secrets.token_urlsafe(32)


def hash_of(secret: str) -> bytes:
    """What is stored of a random secret. SHA-256 suffices: there is nothing to guess."""
    return hashlib.sha256(secret.encode()).digest()


def is_hash_of(stored: bytes, secret: str) -> bool:
    """Whether the stored hash is this secret's, in constant time."""
    return hmac.compare_digest(stored, hash_of(secret))
