"""Takes in what should be: shops, feeds, the highest revision of each family, marked for the runs.
The store of `desired_product`, `family_mark`, `feed` and `shop`."""
