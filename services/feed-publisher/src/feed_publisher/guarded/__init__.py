"""What the guard let through, and what it holds until it is confirmed (M7.4).
The store of `guarded_change` and `held_change`."""
