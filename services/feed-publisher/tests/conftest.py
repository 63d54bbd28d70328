"""The harness of feed-publisher, for every test of this member."""

from .publisher_running import harness, own_harness, shared_ground

__all__ = ["harness", "own_harness", "shared_ground"]
