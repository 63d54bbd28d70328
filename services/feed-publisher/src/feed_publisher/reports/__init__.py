"""What became of every item, in plain words, and the products' fate for other services."""
