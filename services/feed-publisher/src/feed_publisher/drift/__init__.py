"""Compares the shop with what was accepted, and adopts products that were online before.
Reports what differs, never undoes it unasked (M1.7)."""
