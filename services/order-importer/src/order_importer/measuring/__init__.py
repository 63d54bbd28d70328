"""What metrics show of all shops: how far imports are behind, and parcels that wait."""
