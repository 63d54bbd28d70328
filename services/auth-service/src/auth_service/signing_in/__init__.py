"""Pages on which people sign in, accept an invitation, set a password, and renew a connection."""
