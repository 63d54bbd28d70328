"""A marketplace that takes pictures of its photo bank alone."""
