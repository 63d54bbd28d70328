"""What keeps a feed or its shop from being right, for `condition.state`: queries over what the
other slices keep."""
