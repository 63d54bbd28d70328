"""People: who may do what? One's own account, members, and who changed what."""
