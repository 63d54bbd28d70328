"""The harness of feed-publisher, for every test of this member."""

from .publisher_harness import harness

__all__ = ["harness"]
