"""The backbone's harness, for every test of this member."""

from ...common.tests.backbone_harness import harness

__all__ = ["harness"]
