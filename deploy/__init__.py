"""What an installation runs: images, manifests, and what watches it."""
