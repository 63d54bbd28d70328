"""By which SKU codes a feed's families are found; those of a family that is wanted no more stay."""
