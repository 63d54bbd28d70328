"""Compares the shop with what we believe, and takes over what was there before us."""
