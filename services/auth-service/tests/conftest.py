"""The harness of auth-service, for every test of this member."""

from .auth_harness import auth, proving, selling

__all__ = ["auth", "proving", "selling"]
