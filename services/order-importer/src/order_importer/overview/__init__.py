"""What operators see of all merchants' orders at a glance; reads only."""
