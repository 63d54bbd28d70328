"""Deletions and zeroings that were let through, for the guard's window (M7.4).
The store of `removal`."""
