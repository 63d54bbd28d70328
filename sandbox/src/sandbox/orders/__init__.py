"""Orders: buyers place them, they pass through their states, the seller ships them."""
