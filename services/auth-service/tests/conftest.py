"""The harness of auth-service, for every test of this member."""

from .auth_harness import _own_clock, auth, proving, selling

__all__ = ["_own_clock", "auth", "proving", "selling"]
