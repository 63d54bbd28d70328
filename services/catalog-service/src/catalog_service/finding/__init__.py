"""Families by a text; an answer takes no longer with a larger catalogue. Reads only."""
