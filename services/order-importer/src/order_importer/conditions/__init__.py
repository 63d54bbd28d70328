"""What keeps orders from coming in or from leaving in time, for `condition.state`: queries over
what the other slices keep."""
