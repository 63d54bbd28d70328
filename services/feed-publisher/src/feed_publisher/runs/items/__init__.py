"""The items of a run's plan: what is to be done to a family, and how far it is.
The store of `run_item`."""
