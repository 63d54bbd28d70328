"""What is wanted and cannot be sent, and why (M7.5): by family as it stands, by run as it stood.
The store of `shortfall` and `run_cause`."""
