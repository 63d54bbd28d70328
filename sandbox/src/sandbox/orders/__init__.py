"""Orders: buyers place them, they live through their states, the seller ships them."""
