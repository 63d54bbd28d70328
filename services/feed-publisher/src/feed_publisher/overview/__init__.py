"""What operators see of all merchants' feeds at a glance; reads only."""
