"""The control API: what tests and the local stack may do that no seller could."""
