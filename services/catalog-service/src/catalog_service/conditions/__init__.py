"""What keeps a catalogue or a feed from being right, for `condition.state`: queries over what the
other slices keep."""
