"""This release beside the one before it, as in a rolling update."""
