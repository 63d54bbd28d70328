"""The harness of order-importer, for every test of this member."""

from .orders_harness import harness, shared_harness

__all__ = ["harness", "shared_harness"]
