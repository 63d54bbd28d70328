"""The backbone's harness, for every test of this member."""

from .backbone_harness import harness

__all__ = ["harness"]
