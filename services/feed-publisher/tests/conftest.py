"""The bed of feed-publisher, for every test of this member."""

from publisher_bed import bed

__all__ = ["bed"]
