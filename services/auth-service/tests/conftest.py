"""The harness of auth-service, for every test of this member."""

from .auth_harness import auth, selling

__all__ = ["auth", "selling"]
