"""Compares the shop with what was accepted, and what was accepted with what is desired; marks what
orders and edits moved; adopts products that were online before. Content is reported, not undone
unasked (M1.7)."""
