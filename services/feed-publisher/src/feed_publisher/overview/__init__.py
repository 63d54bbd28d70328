"""What operators see of all merchants' feeds, and what was called for a shop; reads only."""
