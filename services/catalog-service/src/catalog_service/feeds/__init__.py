"""Feeds and their configurations: checked, compiled into matches and exclusions, kept for good.
The store of `feed` and `feed_configuration`."""
