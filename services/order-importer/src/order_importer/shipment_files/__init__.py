"""Shipping many parcels from a CSV file, row by row; safe to upload twice (M8.4)."""
