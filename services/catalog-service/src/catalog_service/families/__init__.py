"""Families that are dirty, and those that wait for a schema or a picture: who marks, claims and
counts them. The store of `family_mark` and `family_wait`."""
