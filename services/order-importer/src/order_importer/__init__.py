"""order-importer: imports a shop's orders exactly once and ships them."""
