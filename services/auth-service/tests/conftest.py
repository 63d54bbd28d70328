"""The beds of auth-service, for every test of this member."""

from auth_bed import auth, selling

__all__ = ["auth", "selling"]
