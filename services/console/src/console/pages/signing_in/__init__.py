"""Sign in and out, forgotten passwords, invitations, the first operator."""
