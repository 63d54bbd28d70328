"""Feeds as catalog-service last published them, and what is chosen of them here."""
