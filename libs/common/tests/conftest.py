"""The backbone's harness, for every test of this member."""

from .backbone_harness import harness
from .own_broker import broker
from .span_exporter import exporter

__all__ = ["broker", "exporter", "harness"]
