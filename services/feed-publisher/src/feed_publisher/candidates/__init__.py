"""Products that were online before the channel and hold a family's SKU codes (M1.6): as last found
by a run or a dry run."""
