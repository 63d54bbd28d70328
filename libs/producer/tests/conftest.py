"""The backbone's bed, for every test of this member."""

from backbone_bed import bed

__all__ = ["bed"]
