"""Feed jobs: they queue, take time and answer item by item."""
