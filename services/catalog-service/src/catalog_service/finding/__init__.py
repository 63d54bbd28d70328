"""Families by a text or a rule; an answer takes no longer with a larger feed. Reads only."""
