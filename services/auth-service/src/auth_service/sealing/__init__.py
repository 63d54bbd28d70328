"""Secrets at rest: how they are sealed, and wrapped under a new master key, whatever table holds
them."""
