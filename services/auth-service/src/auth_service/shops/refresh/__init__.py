"""A shop's refresh token, sealed, and when it is used (M1.8)."""
