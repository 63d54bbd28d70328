"""Time-based one-time passwords (RFC 6238) of six digits, SHA-1, 30 seconds: what apps take. Pure
but for the system's randomness."""

import base64
import hmac
import secrets
from datetime import datetime
from urllib.parse import quote

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP

from auth_service.clients.secrets import hash_of

STEP_SECONDS = 30
DIGITS = 6
SECRET_BYTES = 20
"""As many as SHA-1 gives out (RFC 4226, 4)."""
DRIFT_STEPS = 1
"""How many steps a person's clock may be off, either way."""
RECOVERY_CODES = 10
_ISSUER = "AliExpress Channel"
# without letters and digits that look alike
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


def new_totp_secret() -> str:
    """A secret in base 32, as apps take it."""
    return base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()


def code_at(secret: str, step: int) -> str:
    """The code of this time step (RFC 4226, 5.3)."""
    sha1 = SHA1()  # noqa: S303 - what apps take
    return HOTP(base64.b32decode(secret), DIGITS, sha1).generate(step).decode()


def step_of(time: datetime) -> int:
    """The time step a moment lies in."""
    return int(time.timestamp()) // STEP_SECONDS


def step_of_code(secret: str, code: str, now: datetime, *, after: int | None) -> int | None:
    """The step whose code this is, near now and after the last one taken; None when there is none.

    A code is taken once: whoever saw it typed cannot use it again (RFC 6238, 5.2).
    """
    current = step_of(now)
    found = None
    for step in range(current - DRIFT_STEPS, current + DRIFT_STEPS + 1):
        is_right = hmac.compare_digest(code_at(secret, step).encode(), code.encode())
        if is_right and (after is None or step > after):
            found = step
    return found


def provisioning_uri(secret: str, account: str) -> str:
    """What an app reads from a picture, or is given as a link."""
    label = quote(f"{_ISSUER}:{account}", safe="")
    return (
        f"otpauth://totp/{label}?secret={secret}&issuer={quote(_ISSUER)}"
        f"&algorithm=SHA1&digits={DIGITS}&period={STEP_SECONDS}"
    )


def new_recovery_codes() -> list[str]:
    """Codes for when the app is lost, each good once: 74 random bits as `xxxxx-xxxxx-xxxxx`."""
    return [
        "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(3))
        for _ in range(RECOVERY_CODES)
    ]


def hash_of_recovery_code(person_id: str, code: str) -> bytes:
    """What is stored of such a code, as people type it; tries are throttled like passwords."""
    plain = "".join(character for character in code.lower() if character in _ALPHABET)
    return hash_of(f"{person_id}/{plain}")
