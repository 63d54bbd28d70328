"""Requests to others; to addresses that merchants name behind the SSRF guard (security X7)."""
