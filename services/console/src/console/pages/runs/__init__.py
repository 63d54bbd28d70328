"""Runs: what would be sent, what was sent, and what became of it."""
