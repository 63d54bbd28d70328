"""Keys that other systems sign `catalog.updated` with, each of one API client (decision 18)."""
