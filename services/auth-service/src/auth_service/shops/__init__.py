"""Shops: connecting one by OAuth, keeping its token sealed, handing it to the services."""
