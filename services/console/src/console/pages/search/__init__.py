"""One search box."""
