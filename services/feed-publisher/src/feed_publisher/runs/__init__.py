"""A run of a feed and the items of its plan, what they add up to, and who gets a run next.
The stores of `feed_run` and, in `items/`, of `run_item`."""
